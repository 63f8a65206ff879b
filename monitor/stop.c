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
#include "monitor/roles/start.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/end.h"
#include "monitor/stop.h"

#define STOP_NS (4ull * SECOND)
#define LOGINS_NS (2ull * SECOND)
#define LOOK_NS (50ull * MILLISECOND)

static uint64_t logins_end;
static char stop_reason[96];

static void
stop_set(struct monitor *mon, enum mon_stage stage)
{
	static const char *const names[] = {[STAGE_RUNNING] = "running",
	    [STAGE_LOGINS] = "logins",
	    [STAGE_ZYGOTES] = "zygotes",
	    [STAGE_READY] = "ready",
	    [STAGE_MASTER] = "master",
	    [STAGE_AUDIT] = "audit",
	    [STAGE_OVER] = "over"};

	log_info("stop: %s -> %s", names[mon->stage], names[stage]);
	mon->stage = stage;
}

static bool
stop_any_left(struct monitor *mon, enum role role)
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
stop_is_due(const struct monitor *mon, enum role role)
{
	switch (mon->stage) {
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
stop_too_slow(void *arg)
{
	struct monitor *mon = arg;
	struct proc *p;

	if (!mon->plan->is.keep_sessions)
		loginproc_kill_all();
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->job != NULL || !stop_is_due(mon, p->role))
			continue;
		log_info("%s (pid %d) does not end: killed", role_name(p->role),
		    (int)p->pid);
		kill(p->pid, SIGKILL);
	}
	loop_timer_in(&mon->stop_timer, SECOND, stop_too_slow, mon);
}

/*
 * Events wait for an audit that has ended before the stop: one that is
 * starting has its time for that, and one that is missing is started.
 */
static void
stop_await_audit(struct monitor *mon)
{
	if (mon->announced && proc_find(mon, ROLE_AUDIT, SERVICE_COUNT) == NULL)
		start_role(mon, ROLE_AUDIT, SERVICE_COUNT, NULL);
	loop_timer_in(&mon->stop_timer, STOP_NS, stop_too_slow, mon);
}

static bool
stop_audit_starts(struct monitor *mon)
{
	const struct proc *p = proc_find(mon, ROLE_AUDIT, SERVICE_COUNT);

	return (p != NULL && p->state == PROC_STARTING);
}

void
stop_step(struct monitor *mon)
{
	if (mon->stage == STAGE_ZYGOTES && !stop_any_left(mon, ROLE_ZYGOTE) &&
	    !end_any() && (mon->plan->is.keep_sessions || !loginproc_any())) {
		stop_set(mon, STAGE_READY);
		stop_await_audit(mon);
	}
	if (mon->stage == STAGE_READY && !stop_audit_starts(mon)) {
		stop_set(mon, STAGE_MASTER);
		stop_role(mon, ROLE_MASTER);
		stop_role(mon, ROLE_LOOKUP);
		stop_role(mon, ROLE_TACPLUS);
		stop_role(mon, ROLE_LOGREADER);
	}
	if (mon->stage == STAGE_MASTER && !stop_any_left(mon, ROLE_MASTER) &&
	    !stop_any_left(mon, ROLE_LOOKUP) &&
	    !stop_any_left(mon, ROLE_TACPLUS) &&
	    !stop_any_left(mon, ROLE_LOGREADER)) {
		stop_set(mon, STAGE_AUDIT);
		report_stopped(mon, stop_reason);
		event_sink_flush(mon->sink);
		stop_role(mon, ROLE_AUDIT);
		report_attach(mon, -1); /* closed: it has all that there is */
	}
	if (mon->stage == STAGE_AUDIT && !stop_any_left(mon, ROLE_AUDIT))
		stop_set(mon, STAGE_OVER);
}

/*
 * Whether a connection of a built-in service with logins is neither logged in
 * nor over. Its worker cannot go on without us before; sshd asks the next
 * daemon.
 */
static bool
stop_anybody_logs_in(struct monitor *mon)
{
	struct login *l;
	struct proc *p;
	struct slot slot;

	TAILQ_FOREACH (p, &mon->procs, next) {
		uint32_t high;

		if (p->role != ROLE_ZYGOTE || p->slots == NULL ||
		    service_traits(p->kind)->by != BY_WORKER ||
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
	stop_set(mon, STAGE_ZYGOTES);
	stop_zygotes(mon);
	loop_timer_in(&mon->stop_timer, STOP_NS, stop_too_slow, mon);
}

/* Within a bound: who sits at a prompt and does nothing is not waited for. */
static void
stop_when_logged_in(void *arg)
{
	struct monitor *mon = arg;

	if (time_boot_ns() < logins_end && stop_anybody_logs_in(mon))
		loop_timer_in(
		    &mon->stop_timer, LOOK_NS, stop_when_logged_in, mon);
	else
		stop_now(mon);
}

void
stop_begin(struct monitor *mon, const char *reason)
{
	struct listener *l;

	if (monitor_is_stopping(mon))
		return;
	if (mon->stage == STAGE_LOGINS) { /* told twice: now */
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
		if (l->told)
			wire_listener_gone(mon, l);
		fd_close(&l->fd);
	}
	stop_set(mon, STAGE_LOGINS);
	logins_end =
	    time_boot_ns() + (mon->plan->is.keep_sessions ? LOGINS_NS : 0);
	stop_when_logged_in(mon);
}
