/*
 * What roles tell the monitor. Monitor (root), which trusts none of it: each
 * message was checked against the catalogue, and here each argument against
 * the monitor's own tables. A client's rights are read from its own socket.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/listeners/bind.h"
#include "monitor/logins/loginproc.h"
#include "monitor/logins/logins.h"
#include "monitor/notify.h"
#include "monitor/plan.h"
#include "monitor/reload.h"
#include "monitor/report.h"
#include "monitor/roles/answer.h"
#include "monitor/roles/inspect.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/reserve.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/end.h"
#include "monitor/sessions/table.h"
#include "monitor/states.h"
#include "monitor/stop.h"

#define SHORT_MS 20
#define NOT_ALLOWED "not allowed: root and group portreeve may"

void
answer_done(struct monitor *mon, uint32_t request, bool ok, const char *reason)
{
	struct msg_answer_done m = {.request = request, .status = !ok};

	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	wire_to_master(mon, MSG_ANSWER_DONE, &m);
}

void
answer_applied(struct monitor *mon, uint32_t request)
{
	struct msg_answer_text m = {.request = request};
	char waiting[1024];
	int n = 0;

	states_waiting(mon, waiting, sizeof(waiting));
	if (waiting[0] != '\0')
		n = snprintf(
		    (char *)m.text.b, sizeof(m.text.b), "%s\n", waiting);
	m.text.n = (uint16_t)n;
	if (n > 0)
		wire_to_master(mon, MSG_ANSWER_TEXT, &m);
	answer_done(mon, request, true, "");
}

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
answer_cleared(struct monitor *mon, uint64_t session, uint64_t cookie, int err)
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
	answer_done(mon, (uint32_t)cookie, err == 0, reason);
}

static void
answer_clear(struct monitor *mon, struct proc *master, uint32_t request,
    uint64_t session)
{
	uint64_t cookie = (uint64_t)master->pid << 32 | request;
	int err = end_session(mon, session, answer_cleared, cookie);

	if (err != 0)
		answer_cleared(mon, session, cookie, err);
}

/* From sealed memory that the planner has written. */
static void
answer_configuration(struct monitor *mon, uint32_t request, bool set)
{
	struct msg_answer_text piece = {.request = request};
	int fd = mon->plan->texts[set ? PLAN_SET : PLAN_BRACES];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, piece.text.b, sizeof(piece.text.b), at)) > 0) {
		piece.text.n = (uint16_t)n;
		wire_to_master(mon, MSG_ANSWER_TEXT, &piece);
		at += n;
	}
	answer_done(mon, request, n == 0, n == 0 ? "" : strerror(errno));
}

/*
 * A client's wish. Its connection came along, and on it the wish itself, unread
 * by the master: who asks and what for is taken from there alone, so that a
 * master that was taken over can pass wishes on, but make none.
 */
static bool
answer_read_wish(int fd, enum msg_type expected, union msg_any *out)
{
	static struct ipc_in in;
	struct ipc_channel client = {.fd = fd,
	    .self = ROLE_MASTER, /* to whom the client speaks */
	    .peer = ROLE_CLIENT,
	    .state = ST_UP};
	bool ok;

	/* Descriptors with it are not taken, or their close would be ours. */
	if (ipc_peek_now(&client, &in) != 0 || in.type != expected)
		return (false);
	ok = ipc_recv_now(&client, &in) == 0 && in.type == expected;
	if (ok)
		*out = in.msg;
	ipc_in_close(&in);
	return (ok);
}

static void
answer_ask(struct monitor *mon, struct proc *p, struct ipc_in *in)
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
	if (stop_is_begun()) /* the master ends, and the client with it */
		return;
	if (!client_came_to_us(mon, in->fds[0]) ||
	    !answer_read_wish(in->fds[0], expected, &wish))
		answer_done(mon, request, false, "nobody asked for that");
	else if (!client_is_allowed(mon, in->fds[0]))
		answer_done(mon, request, false, NOT_ALLOWED);
	else if (expected == MSG_CLEAR_SESSION)
		answer_clear(mon, p, request, wish.clear_session.session);
	else if (expected == MSG_RELOAD)
		reload_run(mon, true, request);
	else
		answer_configuration(mon, request, wish.show_configuration.set);
}

/* A client whose uid the master cannot see: it asks us, before it answers. */
static void
answer_client(struct monitor *mon, struct ipc_in *in)
{
	bool allowed = client_is_allowed(mon, in->fds[0]);

	if (!mon->stopping)
		answer_done(mon, in->msg.ask_client.request, allowed,
		    allowed ? "" : NOT_ALLOWED);
}

static void
answer_retiring(struct monitor *mon, struct proc *p)
{
	struct mon_service *s = p->service;

	if (p->retired || s == NULL)
		return;
	p->retired = true;
	if (s->zygote == p)
		s->zygote = NULL;
	if (!mon->stopping && table_service_runs(s) && s->zygote == NULL &&
	    !s->backoff.timer.linked)
		proc_start(mon, ROLE_ZYGOTE, s->kind, s);
}

/*
 * The master has lost a channel. It can have no zygote killed: one that it
 * says to have broken the catalogue keeps its sessions, and gets no new ones.
 */
static void
answer_zygote_lost(struct monitor *mon, const struct msg_zygote_lost *m)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == ROLE_ZYGOTE && p->instance == m->instance)
			break;
	}
	/* A dead one's end is told when it has been waited for. */
	if (p == NULL || p->killed || p->reaped || p->state == PROC_STARTING)
		return;
	if (!m->broke) {
		wire_zygote_again(mon, p);
		return;
	}
	if (p->state != PROC_UP || p->service == NULL)
		return;
	report_warning(mon, p->service->name,
	    "the zygote sent the master a message that is not allowed: it "
	    "keeps its sessions, and another one serves new connections");
	answer_retiring(mon, p);
	proc_stop(mon, p, true);
}

/* Lookup has nothing that could be lost; what hangs in it does not come back.
 */
static void
answer_lookup_lost(struct monitor *mon, const struct msg_lookup_lost *m)
{
	struct proc *p = proc_find_up(mon, ROLE_LOOKUP, SERVICE_COUNT);

	if (p == NULL || p->killed || p->reaped)
		return;
	if (m->hangs)
		proc_kill(mon, p, "does not answer");
	else
		wire_lookup_again(mon);
}

/*
 * Audit names a sender of its own by the number that came with the channel.
 * It can have none killed but the roles that write events.
 */
static void
answer_audit_breach(struct monitor *mon, const struct msg_audit_breach *m)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		if ((uint32_t)p->pid != m->number || p->role != m->role ||
		    (p->role != ROLE_MASTER && p->role != ROLE_LOGREADER))
			continue;
		proc_kill(mon, p, "sent audit a message that is not allowed");
		return;
	}
}

/* A zygote could not believe its logreader. */
static void
answer_log_breach(struct monitor *mon, const struct proc *zygote)
{
	struct proc *reader =
	    proc_find(mon, ROLE_LOGREADER, service_reader(zygote->kind));

	if (reader != NULL)
		proc_kill(
		    mon, reader, "sent a zygote a message that is not allowed");
}

static void
answer_ready(struct monitor *mon, struct proc *p, const struct msg_ready *m)
{
	if (!inspect_role(mon, p, m->user_namespace != 0))
		return;
	p->state = PROC_UP;
	if (p->job != NULL) {
		p->job->ready(mon, p, p->job_arg);
		return;
	}
	log_info("%s%s%s up (pid %d, landlock %u%s)", role_name(p->role),
	    p->service != NULL ? " " : "",
	    p->service != NULL ? p->service->name : "", (int)p->pid,
	    m->landlock, m->user_namespace ? ", user namespace" : "");
	wire_ready(mon, p);
	if (mon->stopping)
		stop_step(mon);
}

/*
 * A log reader speaks for sshd's connections, and only the one that reads
 * sshd's log: whatever else it names, it was not told of.
 */
static bool
answer_is_from_log(
    struct monitor *mon, const struct proc *reader, uint64_t session)
{
	struct proc *p;

	if (!service_traits(reader->kind)->sshd)
		return (false);
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == ROLE_ZYGOTE && p->slots != NULL &&
		    service_traits(p->kind)->sshd &&
		    slot_find_session(p->slots, session) >= 0)
			return (true);
	}
	return (false);
}

/*
 * A socket with SO_LINGER and bytes that its peer does not take makes whoever
 * closes it last wait. No role can set that, but it can inherit it from a
 * listener of the service manager's.
 */
static void
answer_close(struct ipc_in *in)
{
	const struct linger none = {.l_onoff = 0};

	for (size_t i = 0; i < in->nfds; i++)
		(void)setsockopt(
		    in->fds[i], SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	ipc_in_close(in);
}

static void
answer_message(struct monitor *mon, struct proc *p, struct ipc_in *in)
{
	switch (in->type) {
	case MSG_READY:
		reserve_use();
		answer_ready(mon, p, &in->msg.ready);
		reserve_keep();
		break;
	case MSG_FAILED:
		log_warn("%s: %s", role_name(p->role), in->msg.failed.reason);
		if (!p->killed)
			snprintf(p->reason, sizeof(p->reason), "%.127s",
			    in->msg.failed.reason);
		/* Under -d the log is a file, and a person waits. */
		if (!mon->announced && mon->log_fd != 2)
			fprintf(stderr, "portreeved: %s: %s\n",
			    role_name(p->role), in->msg.failed.reason);
		break;
	case MSG_PONG:
		notify_alive(p, in->msg.pong.number);
		break;
	case MSG_ACCEPTING:
		if (in->msg.accepting.generation == mon->generation)
			notify_accepting(mon);
		break;
	case MSG_RETIRING:
		answer_retiring(mon, p);
		break;
	case MSG_ZYGOTE_LOST:
		answer_zygote_lost(mon, &in->msg.zygote_lost);
		break;
	case MSG_LOOKUP_LOST:
		answer_lookup_lost(mon, &in->msg.lookup_lost);
		break;
	case MSG_ASK_CLEAR:
	case MSG_ASK_RELOAD:
	case MSG_ASK_CONFIGURATION:
		answer_ask(mon, p, in);
		break;
	case MSG_ASK_CLIENT:
		answer_client(mon, in);
		break;
	case MSG_ASK_LOGIN:
		loginproc_ask(
		    mon, &in->msg.ask_login, in->nfds > 0 ? in->fds[0] : -1);
		break;
	case MSG_LISTENER_BROKEN:
		bind_broken(mon, in->msg.listener_broken.id,
		    in->msg.listener_broken.error);
		break;
	case MSG_AUDIT_BREACH:
		answer_audit_breach(mon, &in->msg.audit_breach);
		break;
	case MSG_LOG_BREACH:
		answer_log_breach(mon, p);
		break;
	case MSG_LOG_LOGIN:
		if (answer_is_from_log(mon, p, in->msg.log_login.session))
			logins_from_log(mon, &in->msg.log_login);
		break;
	case MSG_LOG_FLOOD:
		if (answer_is_from_log(mon, p, in->msg.log_flood.session))
			(void)end_session(
			    mon, in->msg.log_flood.session, NULL, 0);
		break;
	default:
		if (p->job != NULL)
			p->job->hear(mon, p, in, p->job_arg);
		break;
	}
	answer_close(in);
}

/*
 * Memory or descriptors have run out here, which is nobody's breach. A message
 * came without what was passed with it: that one request is refused. With none
 * taken, a moment passes before the next look.
 */
static void
answer_short(struct monitor *mon, const struct ipc_in *in)
{
	static const char words[] = "the daemon has no descriptors free: "
				    "raise its limit, or try again later";
	struct msg_login_refused refused = {0};

	report_short(mon, ROLE_MONITOR, errno,
	    "a role's message could not be taken whole");
	switch (in->type) {
	case MSG_ASK_CLEAR:
		answer_done(mon, in->msg.ask_clear.request, false, words);
		break;
	case MSG_ASK_RELOAD:
		answer_done(mon, in->msg.ask_reload.request, false, words);
		break;
	case MSG_ASK_CONFIGURATION:
		answer_done(
		    mon, in->msg.ask_configuration.request, false, words);
		break;
	case MSG_ASK_CLIENT:
		answer_done(mon, in->msg.ask_client.request, false, words);
		break;
	case MSG_ASK_LOGIN:
		refused.session = in->msg.ask_login.session;
		snprintf(refused.text, sizeof(refused.text), "%s",
		    "This host cannot log you in now.");
		wire_to_master(mon, MSG_LOGIN_REFUSED, &refused);
		break;
	case MSG_COUNT:
		time_rest(SHORT_MS);
		break;
	default:
		break;
	}
}

void
answer_drain(struct monitor *mon, struct proc *p, unsigned most)
{
	static struct ipc_in in;
	char reason[64];
	int err = 0;

	/* The others pass no descriptors. */
	if (p->role == ROLE_MASTER)
		reserve_use();
	while (most-- > 0) {
		err = ipc_recv(&p->ch, &in);
		if (err == ERR_SHORT)
			answer_short(mon, &in);
		if (err != 0 && (err != ERR_SHORT || in.type == MSG_COUNT))
			break;
		if (err == 0)
			answer_message(mon, p, &in);
	}
	if (p->role == ROLE_MASTER)
		reserve_keep();
	if (err == 0 || err == ERR_AGAIN || err == ERR_SHORT)
		return;
	if (err == ERR_CLOSED) {
		proc_lost(p); /* SIGCHLD says the rest */
		return;
	}
	loop_unwatch(&p->watch);
	snprintf(
	    reason, sizeof(reason), "%s: %s", msg_name(in.type), err_text(err));
	proc_kill(mon, p, reason);
}
