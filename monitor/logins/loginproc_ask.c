/*
 * Who gets a login process. Monitor (root): the master names a session, and
 * all else is looked up: whose worker it is, in the slot tables and in /proc;
 * its peer, there and of the connection's copy; its rights, in the
 * configuration. A connection gets one; how many are being made at a time is
 * login-limit's.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/logins/loginproc_private.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "lib/ptable.h"
#include "monitor/sessions/end.h"

#define QUESTIONS_MAX 256
#define LOOK_NS (10ull * MILLISECOND)
#define LOOKS_MAX 100

static void
ask_refuse(struct monitor *mon, uint64_t session, const char *text)
{
	struct msg_login_refused m = {.session = session};

	snprintf(m.text, sizeof(m.text), "%s", text);
	proc_to_master(mon, MSG_LOGIN_REFUSED, &m);
}

/*
 * The kernel's word for the peer, where there is a copy to ask it of: 0,
 * ERR_REFUSED where it is another, ERR_SYSTEM with errno.
 */
static int
ask_compare_peer(const struct addr *peer, int connection)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr real;

	if (connection < 0)
		return (0);
	if (getpeername(connection, (struct sockaddr *)&ss, &len) < 0)
		/* It may have gone in the meantime. */
		return (errno == ENOTCONN ? 0 : ERR_SYSTEM);
	return (addr_from_sockaddr(&real, (struct sockaddr *)&ss, len) == 0 &&
			addr_equal(&real, peer)
		    ? 0
		    : ERR_REFUSED);
}

static uint32_t
ask_grace(const struct plan_service *s, uint64_t age)
{
	uint64_t all = 1000ull * s->options->login_grace;

	return (age < all ? (uint32_t)(all - age) : 0);
}

/* What stands against it: a sentence for the peer, or NULL. */
static const char *
ask_judge(struct monitor *mon, const struct msg_ask_login *ask,
    const struct proc *zygote, const struct addr *peer, int connection)
{
	int err;

	if (zygote->service == NULL || zygote->service->plan == NULL ||
	    monitor_is_stopping(mon))
		return ("This service was turned off.");
	err = ask_compare_peer(peer, connection);
	if (err == ERR_SYSTEM) {
		report_short(mon, ROLE_MONITOR, errno,
		    "the peer of a login cannot be looked up");
		return ("No login can be made now, try again later.");
	}
	if (err != 0) {
		log_warn("session %llu: its connection is another peer's",
		    (unsigned long long)ask->session);
		return ("This connection cannot log in.");
	}
	return (NULL);
}

static struct loginproc *
ask_new(struct monitor *mon, uint64_t session, const struct proc *zygote,
    const struct addr *peer)
{
	struct loginproc *p = loginproc_new(mon, session);

	if (p == NULL)
		return (NULL);
	p->peer = *peer;
	p->kind = zygote->kind;
	p->root_login =
	    (enum conf_root_login)zygote->service->plan->is.root_login;
	p->log_unknown = zygote->service->plan->is.log_unknown != 0;
	snprintf(p->service, sizeof(p->service), "%s", zygote->service->name);
	snprintf(
	    p->order, sizeof(p->order), "%s", zygote->service->plan->is.order);
	snprintf(p->pam_service, sizeof(p->pam_service), "%s",
	    zygote->service->plan->is.pam_service);
	return (p);
}

/*
 * login-grace-time is over, and the peer has given no name, or its name came
 * too late: a failure like any other, reported once. A worker that says so
 * before its time has shut nobody out but its own peer.
 */
static void
ask_too_late(struct monitor *mon, uint64_t session, uint32_t slot,
    const struct proc *zygote, const struct addr *peer)
{
	struct loginproc *p = ask_new(mon, session, zygote, peer);

	if (p != NULL) {
		p->slot = slot;
		p->tries = LOGIN_TRIES; /* as one that had them all */
		loginproc_failed(p, "timeout");
	}
	ask_refuse(mon, session, "Login timed out.");
}

static void
ask_start(struct monitor *mon, const struct msg_ask_login *ask,
    const struct proc *zygote, const struct addr *peer)
{
	struct loginproc *p;

	if (loginproc_making() >= mon->plan->is.login_limit) {
		report_short(mon, ROLE_LOGIN, EAGAIN, "login-limit");
		ask_refuse(mon, ask->session,
		    "Too many logins at a time; try again in a moment.");
		return;
	}
	p = ask_new(mon, ask->session, zygote, peer);
	if (p != NULL) {
		p->slot = ask->slot;
		if (loginproc_start(mon, p,
			ask_grace(zygote->service->plan, ask->age)) == 0)
			return;
	}
	report_short(mon, ROLE_LOGIN, errno, "cannot start a login");
	ask_refuse(mon, ask->session, "This host cannot log you in now.");
	if (p != NULL && p->pid > 0)
		loginproc_kill(p, "cannot be started whole");
	else if (p != NULL)
		loginproc_free(p);
}

/* false: nobody knows of that session, or not yet. */
static bool
ask_answer(struct monitor *mon, const struct msg_ask_login *ask, int connection)
{
	const struct loginproc *p = loginproc_find(ask->session);
	const char *refusal;
	struct proc *zygote;
	struct slot slot;
	struct addr peer;

	if (p != NULL) {
		/* Under way: asked twice. Ended: it had its tries. */
		if (p->pid == 0)
			ask_refuse(mon, ask->session, "No more tries.");
		return (true);
	}
	loginproc_prune();
	zygote = loginproc_find_zygote(mon, ask->session, ask->slot, &slot);
	if (zygote == NULL)
		return (false);
	slot_peer(&slot, &peer);
	refusal = ask_judge(mon, ask, zygote, &peer, connection);
	if (refusal != NULL)
		ask_refuse(mon, ask->session, refusal);
	else if (ask->late || ask_grace(zygote->service->plan, ask->age) == 0)
		ask_too_late(mon, ask->session, ask->slot, zygote, &peer);
	else
		ask_start(mon, ask, zygote, &peer);
	return (true);
}

/*
 * A worker may be quicker than its zygote, which writes its slot: then the
 * question waits a moment.
 */
struct question {
	struct monitor *mon;
	struct msg_ask_login ask;
	int connection;
	unsigned looks;
	struct loop_timer timer;
};

static unsigned questions;

static void
ask_question_end(struct question *q)
{
	const struct linger none = {.l_onoff = 0};

	/* As answer_close() does: its close must not wait. */
	(void)setsockopt(
	    q->connection, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	fd_close(&q->connection);
	free(q);
	questions--;
}

static void
ask_question_due(void *arg)
{
	struct question *q = arg;
	struct pollfd p = {.fd = q->connection, .events = POLLRDHUP};

	if (!ask_answer(q->mon, &q->ask, q->connection)) {
		if (++q->looks < LOOKS_MAX) {
			loop_timer_in(&q->timer, LOOK_NS, ask_question_due, q);
			return;
		}
		/* Or the peer has gone, and the session with it. */
		if (poll(&p, 1, 0) == 0)
			report_short(q->mon, ROLE_ZYGOTE, ETIMEDOUT,
			    "a zygote does not report its sessions");
		ask_refuse(q->mon, q->ask.session, "This connection is over.");
	}
	ask_question_end(q);
}

static void
ask_later(struct monitor *mon, const struct msg_ask_login *ask, int connection)
{
	struct question *q =
	    questions < QUESTIONS_MAX ? calloc(1, sizeof(*q)) : NULL;

	if (q == NULL) {
		report_short(mon, ROLE_MONITOR, EAGAIN,
		    "too many logins wait for a zygote's answer");
		ask_refuse(mon, ask->session, "Try again in a moment.");
		return;
	}
	questions++;
	q->mon = mon;
	q->ask = *ask;
	q->connection =
	    connection < 0 ? -1 : fcntl(connection, F_DUPFD_CLOEXEC, 3);
	loop_timer_in(&q->timer, LOOK_NS, ask_question_due, q);
}

void
loginproc_ask(
    struct monitor *mon, const struct msg_ask_login *ask, int connection)
{
	if (!ask_answer(mon, ask, connection))
		ask_later(mon, ask, connection);
}
