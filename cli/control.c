/*
 * The commands that the monitor itself answers: `show configuration`,
 * `reload`, `clear session ID`. As the calling user; the daemon decides.
 */
#include <errno.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/lockout.h"
#include "cli/print.h"
#include "lib/log.h"

#define CONFIGURATION_SECONDS 10

/* A change of configuration starts processes; a session may take its time. */
#define CHANGE_SECONDS 60

static void
control_text(const struct ipc_in *in, void *arg)
{
	(void)arg;
	if (in->type == MSG_TEXT)
		print_text(in->msg.text.text.b, in->msg.text.text.n);
}

int
command_show_configuration(const struct request *rq)
{
	struct msg_show_configuration m = {.set = rq->set != 0};
	int status = client_ask(rq->dir, MSG_SHOW_CONFIGURATION, &m,
	    CONFIGURATION_SECONDS, control_text, NULL);

	return (print_end() != 0 ? 1 : status);
}

int
command_reload(const struct request *rq)
{
	struct msg_reload m = {0};
	int status = client_ask(
	    rq->dir, MSG_RELOAD, &m, CHANGE_SECONDS, control_text, NULL);

	if (status == 0)
		lockout_warn(rq->dir);
	return (print_end() != 0 ? 1 : status);
}

int
command_clear_session(const struct request *rq)
{
	struct msg_clear_session m = {0};
	const char *id = rq->argument;
	char *end;

	errno = 0;
	m.session = strtoull(id, &end, 10);
	if (errno != 0 || *end != '\0' || id[0] < '0' || id[0] > '9' ||
	    m.session == 0) {
		log_warn("a session's ID is a number, as in the first column "
			 "of `portreeve show sessions`");
		return (2);
	}
	return (client_ask(
	    rq->dir, MSG_CLEAR_SESSION, &m, CHANGE_SECONDS, NULL, NULL));
}
