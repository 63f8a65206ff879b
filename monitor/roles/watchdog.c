/*
 * Whether the roles live. Monitor (root). WATCHDOG=1 is sent only when the
 * master has just answered: a master that hangs is killed after half the
 * interval, and replaced, before the service manager loses patience.
 */
#include <systemd/sd-daemon.h>

#include "lib/fd.h"
#include "lib/ptable.h"
#include "monitor/listeners/bind.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/start.h"
#include "monitor/roles/watchdog.h"
#include "monitor/sessions/table.h"
#include "monitor/sshd.h"

/* How often the master is asked when no service manager asks us. */
#define PING_NS (5ull * SECOND)

/* So long may a role be silent; the master, two pings. */
#define SILENT_NS (10ull * SECOND)
/* And so long come up. */
#define START_NS (60ull * SECOND)

static bool
watchdog_is_stopped(const struct proc *p)
{
	struct ptable_row row;

	return (ptable_read_one(p->pid, &row) == 0 && row.stopped);
}

/* A role that does not answer; it is asked no more. */
static void
watchdog_silent(struct monitor *mon, struct proc *p)
{
	struct mon_service *s = p->service;

	if (p->role == ROLE_AUDIT && !watchdog_is_stopped(p))
		return;
	if (p->role != ROLE_ZYGOTE) {
		proc_kill(mon, p, "does not answer");
		return;
	}
	if (s == NULL || !s->configured)
		return;
	report_warning(mon, s->name,
	    "its zygote does not answer: another takes its place, and it keeps "
	    "its sessions");
	proc_retire(mon, p);
	proc_to_master(mon, MSG_ZYGOTE_SILENT,
	    &(struct msg_zygote_silent){.instance = p->instance});
	if (s->zygote == NULL && !s->backoff.timer.linked &&
	    table_service_runs(s))
		start_role(mon, ROLE_ZYGOTE, s->kind, s);
}

static void
watchdog_ping(struct monitor *mon, struct proc *p)
{
	uint64_t now = time_boot_ns();
	uint64_t most = p->role == ROLE_MASTER ? 0 : SILENT_NS;
	struct msg_ping m;

	if (p->job != NULL) /* it has its own time */
		return;
	if (p->state == PROC_STARTING && now - p->started > START_NS)
		proc_kill(mon, p, "does not come up");
	/* Retired, it has only sessions, and they need no answer. */
	if (p->state != PROC_UP)
		return;
	if (p->pinged == p->ponged)
		p->silent_since = 0;
	else if (p->silent_since == 0)
		p->silent_since = now;
	else if (now - p->silent_since >= most) {
		watchdog_silent(mon, p);
		return;
	}
	/* It lives, and its end of our channel is gone: another brings one. */
	if (p->role == ROLE_AUDIT && event_sink_fd(mon->sink) < 0) {
		proc_kill(mon, p, "the monitor's channel to it has broken");
		return;
	}
	m.number = ++p->pinged;
	/* Without room it is as silent as without an answer. */
	(void)ipc_send(&p->ch, MSG_PING, &m, NULL, 0);
}

static void
watchdog_due(void *arg)
{
	struct monitor *mon = arg;
	struct proc *p, *next;

	loop_timer_in(
	    &mon->watchdog, mon->watchdog_interval, watchdog_due, mon);
	sshd_keep_folder(mon);
	if (!monitor_is_stopping(mon))
		bind_look(mon);
	for (p = TAILQ_FIRST(&mon->procs); p != NULL; p = next) {
		next = TAILQ_NEXT(p, next);
		watchdog_ping(mon, p);
	}
}

void
watchdog_open(struct monitor *mon)
{
	uint64_t usec = 0;

	mon->watchdog_interval = PING_NS;
	/* Two missed answers and a restart must fit into the interval. */
	if (sd_watchdog_enabled(0, &usec) > 0 && usec * 1000 / 5 < PING_NS)
		mon->watchdog_interval = usec * 1000 / 5;
	loop_timer_in(
	    &mon->watchdog, mon->watchdog_interval, watchdog_due, mon);
}

void
watchdog_alive(struct proc *p, uint32_t number)
{
	if (number != p->pinged)
		return;
	p->ponged = number;
	if (p->role == ROLE_MASTER)
		sd_notify(0, "WATCHDOG=1");
}
