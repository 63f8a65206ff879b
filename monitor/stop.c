/*
 * Stopping in order. Monitor (root). Each stage waits for the ends of the one
 * before; a role that does not end in time is killed.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/logins/loginproc.h"
#include "monitor/logins/logins.h"
#include "monitor/logins/logins_private.h"
#include "monitor/plan.h"
#include "monitor/planner.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/end.h"
#include "monitor/stop.h"

#define STOP_NS (4ull * SECOND)
#define LOGINS_NS (2ull * SECOND)
#define LOOK_NS (50ull * MILLISECOND)

enum stage {
	STAGE_RUNNING,
	STAGE_LOGINS,  /* nobody new; who is logging in may do so */
	STAGE_ZYGOTES, /* sessions end (or are let go), zygotes with them */
	STAGE_READY,   /* an audit that is starting becomes ready to write */
	STAGE_MASTER,  /* it writes the last session-closed */
	STAGE_AUDIT,
	STAGE_OVER
};

static enum stage stage;
static uint64_t logins_end;
static char stop_reason[96];

static bool
any_left(struct monitor *mon, enum role role)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == role)
			return (true);
	}
	return (false);
}

static void
stop_role(struct monitor *mon, enum role role)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == role)
			proc_stop(mon, p, mon->plan->is.keep_sessions);
	}
}

/* Zygotes whose sessions are kept need not wait for them. */
static void
stop_zygotes(struct monitor *mon)
{
	struct proc *p;

	if (!mon->plan->is.keep_sessions)
		end_all(mon);
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role != ROLE_ZYGOTE)
			continue;
		proc_stop(mon, p, mon->plan->is.keep_sessions);
		/* A closed channel tells it to exit at once. */
		if (mon->plan->is.keep_sessions) {
			loop_unwatch(&p->watch);
			ipc_channel_close(&p->ch);
		}
	}
}

/* Whether a role should have ended in this stage. */
static bool
is_due(enum role role)
{
	switch (stage) {
	case STAGE_ZYGOTES:
		return (role == ROLE_ZYGOTE);
	case STAGE_READY:
		return (role == ROLE_AUDIT);
	case STAGE_MASTER:
		return (role != ROLE_AUDIT);
	default:
		return (true);
	}
}

static void
too_slow(void *arg)
{
	struct monitor *mon = arg;
	struct proc *p;

	if (!mon->plan->is.keep_sessions)
		loginproc_kill_all();
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->job != NULL || !is_due(p->role))
			continue;
		log_info("%s (pid %d) does not end: killed", role_name(p->role),
		    (int)p->pid);
		kill(p->pid, SIGKILL);
	}
	loop_timer_in(&mon->stop_timer, SECOND, too_slow, mon);
}

/*
 * Events wait for an audit that has ended before the stop: one that is
 * starting has its time for that, and one that is missing is started.
 */
static void
await_audit(struct monitor *mon)
{
	if (mon->announced && proc_find(mon, ROLE_AUDIT, SERVICE_COUNT) == NULL)
		proc_start(mon, ROLE_AUDIT, SERVICE_COUNT, NULL);
	loop_timer_in(&mon->stop_timer, STOP_NS, too_slow, mon);
}

static bool
audit_starts(struct monitor *mon)
{
	const struct proc *p = proc_find(mon, ROLE_AUDIT, SERVICE_COUNT);

	return (p != NULL && p->state == PROC_STARTING);
}

void
stop_step(struct monitor *mon)
{
	if (stage == STAGE_ZYGOTES && !any_left(mon, ROLE_ZYGOTE) &&
	    !end_any() && (mon->plan->is.keep_sessions || !loginproc_any())) {
		stage = STAGE_READY;
		await_audit(mon);
	}
	if (stage == STAGE_READY && !audit_starts(mon)) {
		stage = STAGE_MASTER;
		stop_role(mon, ROLE_MASTER);
		stop_role(mon, ROLE_LOOKUP);
		stop_role(mon, ROLE_LOGREADER);
	}
	if (stage == STAGE_MASTER && !any_left(mon, ROLE_MASTER) &&
	    !any_left(mon, ROLE_LOOKUP) && !any_left(mon, ROLE_LOGREADER)) {
		stage = STAGE_AUDIT;
		report_stopped(mon, stop_reason);
		event_sink_flush(mon->sink);
		stop_role(mon, ROLE_AUDIT);
		report_detach(mon); /* closed: it has all that there is */
	}
	if (stage == STAGE_AUDIT && !any_left(mon, ROLE_AUDIT))
		stage = STAGE_OVER;
}

/*
 * Whether a connection of a built-in service with logins is neither logged in
 * nor over. Its worker cannot go on without us before; sshd asks the next
 * daemon.
 */
static bool
anybody_logs_in(struct monitor *mon)
{
	struct login *l;
	struct proc *p;
	struct slot slot;

	TAILQ_FOREACH (p, &mon->procs, next) {
		uint32_t high;

		if (p->role != ROLE_ZYGOTE || p->slots == NULL ||
		    !service_traits(p->kind)->builtin ||
		    service_traits(p->kind)->logins == 0)
			continue;
		high = atomic_load(&p->slots->high);
		for (uint32_t i = 0; i < high && i < SLOTS_MAX; i++) {
			if (slot_read(p->slots, i, &slot) != 0 ||
			    atomic_load(&slot.use) != SLOT_RUNNING)
				continue;
			l = logins_find(slot.session);
			if (l == NULL || !l->open)
				return (true);
		}
	}
	return (false);
}

static void
stop_now(struct monitor *mon)
{
	mon->stopping = true;
	stage = STAGE_ZYGOTES;
	stop_zygotes(mon);
	loop_timer_in(&mon->stop_timer, STOP_NS, too_slow, mon);
	stop_step(mon);
}

/* Within a bound: who sits at a prompt and does nothing is not waited for. */
static void
stop_when_logged_in(void *arg)
{
	struct monitor *mon = arg;

	if (time_boot_ns() < logins_end && anybody_logs_in(mon))
		loop_timer_in(
		    &mon->stop_timer, LOOK_NS, stop_when_logged_in, mon);
	else
		stop_now(mon);
}

bool
stop_is_begun(void)
{
	return (stage != STAGE_RUNNING);
}

void
stop_begin(struct monitor *mon, const char *reason)
{
	struct listener *l;

	if (mon->stopping)
		return;
	if (stage == STAGE_LOGINS) { /* told twice: now */
		stop_now(mon);
		return;
	}
	snprintf(stop_reason, sizeof(stop_reason), "%s", reason);
	planner_stop(mon);
	sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
	loop_timer_clear(&mon->retry);
	loop_timer_clear(&mon->watchdog);
	/* Nobody new: the master lets go of its copies when it ends. */
	TAILQ_FOREACH (l, &mon->listeners, next) {
		struct msg_listener_gone m = {.id = l->id};
		struct proc *master =
		    proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);

		if (l->told && master != NULL)
			proc_send(mon, master, MSG_LISTENER_GONE, &m, NULL, 0);
		fd_close(&l->fd);
	}
	stage = STAGE_LOGINS;
	logins_end =
	    time_boot_ns() + (mon->plan->is.keep_sessions ? LOGINS_NS : 0);
	stop_when_logged_in(mon);
}

bool
stop_is_over(struct monitor *mon)
{
	(void)mon;
	return (stage == STAGE_OVER);
}
