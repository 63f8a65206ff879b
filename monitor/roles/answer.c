/*
 * What roles tell the monitor. Monitor (root), which trusts none of it: each
 * message was checked against the catalogue, and here each argument against
 * the monitor's own tables.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/client.h"
#include "monitor/listeners/bind.h"
#include "monitor/logins/loginproc.h"
#include "monitor/logins/logins.h"
#include "monitor/notify.h"
#include "monitor/reply.h"
#include "monitor/report.h"
#include "monitor/roles/answer.h"
#include "monitor/roles/inspect.h"
#include "monitor/roles/outbox.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/ready.h"
#include "monitor/roles/reserve.h"
#include "monitor/roles/start.h"
#include "monitor/roles/watchdog.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/end.h"
#include "monitor/sessions/table.h"

#define SHORT_MS 20
#define MESSAGES_A_TURN 32

static void
answer_retiring(struct monitor *mon, struct proc *p)
{
	struct mon_service *s = p->service;

	if (p->state != PROC_UP || s == NULL)
		return;
	(void)proc_step(p, PROC_RETIRES);
	if (s->zygote == p)
		s->zygote = NULL;
	if (!monitor_is_stopping(mon) && table_service_runs(s) &&
	    s->zygote == NULL && !s->backoff.timer.linked)
		start_role(mon, ROLE_ZYGOTE, s->kind, s);
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
	/* A dead one's end is reported when it has been waited for. */
	if (p == NULL || !proc_serves(p))
		return;
	if (!m->broke) {
		wire_zygote(mon, p, true);
		return;
	}
	if (p->state == PROC_STOPPING || p->service == NULL)
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

	if (p == NULL)
		return;
	if (m->hangs)
		proc_kill(mon, p, "does not answer");
	else
		wire_lookup(mon);
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
	if (p->state != PROC_STARTING ||
	    !inspect_role(mon, p, m->user_namespace != 0))
		return;
	p->up = time_boot_ns();
	(void)proc_step(p, PROC_IS_READY);
	if (p->job != NULL) {
		p->job->ready(mon, p, p->job_arg);
		return;
	}
	log_info("%s%s%s up (pid %d, landlock %u%s)", role_name(p->role),
	    p->service != NULL ? " " : "",
	    p->service != NULL ? p->service->name : "", (int)p->pid,
	    m->landlock, m->user_namespace ? ", user namespace" : "");
	ready_role(mon, p);
}

/*
 * A log reader speaks for sshd's connections, and only the one that reads
 * sshd's log: whatever else it names was not reported.
 */
static bool
answer_is_from_log(
    struct monitor *mon, const struct proc *reader, uint64_t session)
{
	struct proc *p;

	if (service_traits(reader->kind)->by != BY_SSHD)
		return (false);
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == ROLE_ZYGOTE && p->slots != NULL &&
		    service_traits(p->kind)->by == BY_SSHD &&
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
		if (p->reason[0] == '\0')
			snprintf(p->reason, sizeof(p->reason), "%.127s",
			    in->msg.failed.reason);
		/* Under -d the log is a file, and a person waits. */
		if (!mon->announced && mon->log_fd != 2)
			fprintf(stderr, "portreeved: %s: %s\n",
			    role_name(p->role), in->msg.failed.reason);
		break;
	case MSG_PONG:
		watchdog_alive(p, in->msg.pong.number);
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
		client_ask(mon, p, in);
		break;
	case MSG_ASK_CLIENT:
		client_judge(mon, in);
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
	case MSG_DEED:
		/* Of what session, the master looks: it may be over. */
		if (service_traits(p->kind)->by == BY_SSHD)
			proc_to_master(mon, MSG_DEED, &in->msg.deed);
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
answer_short(struct monitor *mon, struct proc *p, const struct ipc_in *in)
{
	static const char words[] = "the daemon has no descriptors free: "
				    "raise its limit, or try again later";
	struct msg_login_refused refused = {0};

	report_short(mon, ROLE_MONITOR, errno,
	    "a role's message could not be taken whole");
	switch (in->type) {
	case MSG_ASK_CLEAR:
		reply_done(mon, in->msg.ask_clear.request, false, words);
		break;
	case MSG_ASK_RELOAD:
		reply_done(mon, in->msg.ask_reload.request, false, words);
		break;
	case MSG_ASK_CONFIGURATION:
		reply_done(
		    mon, in->msg.ask_configuration.request, false, words);
		break;
	case MSG_ASK_CLIENT:
		reply_done(mon, in->msg.ask_client.request, false, words);
		break;
	case MSG_ASK_LOGIN:
		refused.session = in->msg.ask_login.session;
		snprintf(refused.text, sizeof(refused.text), "%s",
		    "This host cannot log you in now.");
		proc_to_master(mon, MSG_LOGIN_REFUSED, &refused);
		break;
	case MSG_COUNT:
		time_rest(SHORT_MS);
		break;
	default:
		/* The rest of a plan says nothing without this. */
		if (p->job != NULL)
			proc_kill(mon, p, words);
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
	if (p->role == ROLE_MASTER || p->role == ROLE_PLANNER)
		reserve_use();
	while (most-- > 0) {
		err = ipc_recv(&p->ch, &in);
		if (err == ERR_SHORT)
			answer_short(mon, p, &in);
		if (err != 0 && (err != ERR_SHORT || in.type == MSG_COUNT))
			break;
		if (err == 0)
			answer_message(mon, p, &in);
	}
	if (p->role == ROLE_MASTER || p->role == ROLE_PLANNER)
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

void
answer_readable(void *arg, int revents)
{
	struct proc *p = arg;

	if ((revents & POLLOUT) != 0)
		(void)outbox_flush(p);
	if ((revents & ~POLLOUT) != 0)
		answer_drain(table_monitor(), p, MESSAGES_A_TURN);
}
