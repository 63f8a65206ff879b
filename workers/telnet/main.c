/*
 * The zygote of telnet (RFC 854), and in each of its forks one worker for one
 * peer: agree on options, ask for a name, have a login process made through
 * the master, relay PAM's questions, then carry bytes between the peer and the
 * user's terminal. Runs as the service's own user in an empty root, without
 * files and without a network but the one connection. Distrusts every byte of
 * the peer's. Never decides who may log in, and never holds a password longer
 * than it takes to pass it on.
 */
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "workers/common/zygote.h"
#include "workers/telnet/conn.h"

static struct msg_login_options options;
static char host[65];

/* The prompt names the host; what is no letter of a name is left out. */
static void
telnet_prepare(void)
{
	size_t n = 0;

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	for (const char *p = host; *p != '\0'; p++)
		if (*p > ' ' && *p < 0x7f)
			host[n++] = *p;
	host[n] = '\0';
	if (n == 0)
		memcpy(host, "localhost", sizeof("localhost"));
}

static int
telnet_take_option(const struct ipc_in *message)
{
	if (message->type != MSG_LOGIN_OPTIONS)
		return (ERR_TYPE);
	options = message->msg.login_options;
	return (0);
}

static int
telnet_serve_worker(struct worker *w)
{
	return (telnet_serve(w, &options, host));
}

int
main(int argc, char **argv)
{
	static const struct zygote_ops ops = {.prepare = telnet_prepare,
	    .option = telnet_take_option,
	    .serve = telnet_serve_worker};

	(void)argc;
	return (zygote_run(&ops, argv));
}
