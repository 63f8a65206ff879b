/*
 * lookup: answers what finger may tell about users. Runs as an account of its
 * own, sealed, files read-only and with nobody's rights. Reads typed questions
 * of the master (names are [A-Za-z0-9._-] there already, and checked again),
 * the password database, utmp, and what users show in their homes; never a
 * stranger's byte. One question at a time; one that takes over a second ends
 * the process, since a hanging file system does not come back, and the monitor
 * starts the next.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "role/role.h"
#include "workers/lookup/users.h"

#define PAUSE_MS 10 /* out of memory */

static struct ipc_in in;

/* What the configuration lets be told, whatever is asked; nothing at first. */
static struct msg_finger_options options;

static int
lookup_is_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t n = strlen(name);

	return (n > 0 && strspn(name, allowed) == n);
}

static int
lookup_answer(struct ipc_channel *master, const struct msg_lookup_ask *ask)
{
	static const struct users_files files = {NULL, NULL, NULL};
	enum lookup_outcome outcome = LOOKUP_NOBODY;
	struct reply r;

	reply_begin(&r, master, ask->request);
	alarm(REPLY_SECONDS);
	if (ask->what == LOOKUP_LIST) {
		if (options.list_users)
			outcome = users_list(&r, &files);
	} else if (lookup_is_name(ask->name)) {
		outcome = users_tell(&r, &files, ask->name,
		    ask->details && options.show_details);
	}
	reply_done(&r, outcome);
	alarm(0);
	return (r.err);
}

static void
lookup_read_master(struct ipc_channel *master)
{
	int err = ipc_recv_now(master, &in);

	if (err == 0 && in.type == MSG_LOOKUP_ASK)
		err = lookup_answer(master, &in.msg.lookup_ask);
	ipc_in_close(&in);
	if (err == ERR_SHORT)
		time_rest(PAUSE_MS);
	if (err == 0 || err == ERR_AGAIN || err == ERR_SHORT)
		return;
	if (err != ERR_CLOSED)
		log_info("the master's channel failed: %s", err_text(err));
	ipc_channel_close(master);
}

/* Whether to go on. */
static int
lookup_read_monitor(struct role_self *s, struct ipc_channel *master)
{
	int err = role_hear(&s->monitor, &in);

	if (err == ERR_AGAIN)
		return (1);
	if (err == ERR_CLOSED || (err == 0 && in.type == MSG_STOP))
		_exit(0);
	if (err == 0 && in.type == MSG_FINGER_OPTIONS) {
		options = in.msg.finger_options;
		return (1);
	}
	if (in.type != MSG_MASTER_CHANNEL) {
		log_info("%s is not for lookup", msg_name(in.type));
		return (0);
	}
	ipc_channel_close(master);
	ipc_channel_init(master, in.fds[0], ROLE_LOOKUP, ROLE_MASTER, ST_UP);
	return (1);
}

int
main(int argc, char **argv)
{
	struct ipc_channel master = {.fd = -1};
	struct role_self start;

	(void)argc;
	signal(SIGALRM, SIG_DFL); /* it is the end of what hangs */
	role_start(&start, ROLE_LOOKUP, argv);
	for (;;) {
		struct pollfd p[2] = {
		    {.fd = start.monitor.fd, .events = POLLIN},
		    {.fd = master.fd, .events = POLLIN}};

		role_poll_failed(poll(p, 2, -1));
		if (p[0].revents != 0) {
			if (!lookup_read_monitor(&start, &master))
				return (1);
		} else if (p[1].revents != 0) {
			lookup_read_master(&master);
		}
	}
}
