/*
 * Clients' wishes, which the master passes on. Monitor (root). A client's
 * rights and its wish are read from its own socket: a master that was taken
 * over can pass wishes on, but make none.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "monitor/client.h"
#include "monitor/plan.h"
#include "monitor/reload.h"
#include "monitor/reply.h"
#include "monitor/roles/proc.h"
#include "monitor/sessions/end.h"

#define NOT_ALLOWED "not allowed: root and group portreeve may"

/* Whether somebody came to the control socket by this one, and to no other. */
static bool
client_came_to_us(struct monitor *mon, int fd)
{
	struct sockaddr_un got = {0}, own = {0};
	socklen_t len = sizeof(got), own_len = sizeof(own);

	return (getsockname(fd, (struct sockaddr *)&got, &len) == 0 &&
		getsockname(
		    mon->control_fd, (struct sockaddr *)&own, &own_len) == 0 &&
		got.sun_family == AF_UNIX && own.sun_path[0] == '/' &&
		len == own_len && memcmp(&got, &own, len) == 0);
}

/*
 * May the process at the other end of this socket give orders? Root, the
 * daemon's own user, or a member of group portreeve (SO_PEERGROUPS).
 */
static bool
client_is_allowed(struct monitor *mon, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	gid_t groups[256];

	if (!client_came_to_us(mon, fd))
		return (false);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return (false);
	if (cred.uid == 0 || cred.uid == geteuid())
		return (true);
	if (mon->control_group == (gid_t)-1)
		return (false);
	if (cred.gid == mon->control_group)
		return (true);
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return (false);
	for (size_t i = 0; i < len / sizeof(gid_t); i++) {
		if (groups[i] == mon->control_group)
			return (true);
	}
	return (false);
}

/* The cookie is the request, and the master that it is of. */
static void
client_cleared(struct monitor *mon, uint64_t session, uint64_t cookie, int err)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	char reason[128];

	if (master == NULL || (uint64_t)master->pid != cookie >> 32)
		return;
	if (err == 0)
		reason[0] = '\0';
	else if (err == ERR_NOT_FOUND)
		snprintf(reason, sizeof(reason),
		    "there is no session %llu; `portreeve show sessions` "
		    "lists them",
		    (unsigned long long)session);
	else
		snprintf(reason, sizeof(reason),
		    "session %llu may not have ended whole (%s): clear it "
		    "again",
		    (unsigned long long)session, err_text(err));
	reply_done(mon, (uint32_t)cookie, err == 0, reason);
}

static void
client_clear(struct monitor *mon, struct proc *master, uint32_t request,
    uint64_t session)
{
	uint64_t cookie = (uint64_t)master->pid << 32 | request;
	int err = end_session(mon, session, client_cleared, cookie);

	if (err != 0)
		client_cleared(mon, session, cookie, err);
}

/* From sealed memory that the planner has written. */
static void
client_configuration(struct monitor *mon, uint32_t request, bool set)
{
	struct msg_answer_text piece = {.request = request};
	int fd = mon->plan->texts[set ? PLAN_SET : PLAN_BRACES];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, piece.text.b, sizeof(piece.text.b), at)) > 0) {
		piece.text.n = (uint16_t)n;
		proc_to_master(mon, MSG_ANSWER_TEXT, &piece);
		at += n;
	}
	reply_done(mon, request, n == 0, n == 0 ? "" : strerror(errno));
}

/*
 * A client's wish. Its connection came along, and on it the wish itself, unread
 * by the master: who asks and what for is taken only from there, so that a
 * master that was taken over can pass wishes on, but make none.
 */
static bool
client_read_wish(int fd, enum msg_type expected, union msg_any *out)
{
	static struct ipc_in in;
	struct ipc_channel client;
	bool ok;

	/* It is the master that the client speaks to. */
	ipc_channel_init(&client, fd, ROLE_MASTER, ROLE_CLIENT, ST_UP);
	/* Descriptors with it are not taken, or their close would be ours. */
	if (ipc_peek_now(&client, &in) != 0 || in.type != expected)
		return (false);
	ok = ipc_recv_now(&client, &in) == 0 && in.type == expected;
	if (ok)
		*out = in.msg;
	ipc_in_close(&in);
	return (ok);
}

void
client_ask(struct monitor *mon, struct proc *master, struct ipc_in *in)
{
	static union msg_any wish;
	enum msg_type expected;
	uint32_t request;

	switch (in->type) {
	case MSG_ASK_CLEAR:
		request = in->msg.ask_clear.request;
		expected = MSG_CLEAR_SESSION;
		break;
	case MSG_ASK_RELOAD:
		request = in->msg.ask_reload.request;
		expected = MSG_RELOAD;
		break;
	default:
		request = in->msg.ask_configuration.request;
		expected = MSG_SHOW_CONFIGURATION;
		break;
	}
	if (monitor_is_leaving(
		mon)) /* the master ends, and the client with it */
		return;
	if (!client_came_to_us(mon, in->fds[0]) ||
	    !client_read_wish(in->fds[0], expected, &wish))
		reply_done(mon, request, false, "nobody asked for that");
	else if (!client_is_allowed(mon, in->fds[0]))
		reply_done(mon, request, false, NOT_ALLOWED);
	else if (expected == MSG_CLEAR_SESSION)
		client_clear(mon, master, request, wish.clear_session.session);
	else if (expected == MSG_RELOAD)
		reload_run(mon, true, request);
	else
		client_configuration(mon, request, wish.show_configuration.set);
}

void
client_judge(struct monitor *mon, struct ipc_in *in)
{
	bool allowed = client_is_allowed(mon, in->fds[0]);

	if (!monitor_is_stopping(mon))
		reply_done(mon, in->msg.ask_client.request, allowed,
		    allowed ? "" : NOT_ALLOWED);
}
