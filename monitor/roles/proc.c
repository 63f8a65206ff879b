/*
 * Talking to the roles, and ending them. Monitor (root), which waits for none
 * of them: what a role has no room for is kept, and one that does not read is
 * killed. What its end means, supervise.c knows.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/report.h"
#include "monitor/roles/outbox.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/reserve.h"
#include "monitor/sessions/table.h"

#define SLOW_ROLE_NS (2ull * SECOND)
#define OUTBOX_LOOK_NS (20ull * MILLISECOND)
#define SHORT_TRIES 5
#define SHORT_MS 10

/* State and event: the next state. What does not change it stands for it. */
static const uint8_t proc_table[PROC_STATES][PROC_EVENTS] = {
    [PROC_STARTING] = {[PROC_IS_READY] = PROC_UP,
	[PROC_RETIRES] = PROC_STARTING,
	[PROC_IS_STOPPED] = PROC_STOPPING,
	[PROC_IS_KILLED] = PROC_KILLED,
	[PROC_ENDS] = PROC_ENDED},
    [PROC_UP] = {[PROC_IS_READY] = PROC_UP,
	[PROC_RETIRES] = PROC_RETIRED,
	[PROC_IS_STOPPED] = PROC_STOPPING,
	[PROC_IS_KILLED] = PROC_KILLED,
	[PROC_ENDS] = PROC_ENDED},
    [PROC_RETIRED] = {[PROC_IS_READY] = PROC_RETIRED,
	[PROC_RETIRES] = PROC_RETIRED,
	[PROC_IS_STOPPED] = PROC_STOPPING,
	[PROC_IS_KILLED] = PROC_KILLED,
	[PROC_ENDS] = PROC_ENDED},
    /* Killed or not, it was to end. */
    [PROC_STOPPING] = {[PROC_IS_READY] = PROC_STOPPING,
	[PROC_RETIRES] = PROC_STOPPING,
	[PROC_IS_STOPPED] = PROC_STOPPING,
	[PROC_IS_KILLED] = PROC_STOPPING,
	[PROC_ENDS] = PROC_ENDED},
    [PROC_KILLED] = {[PROC_IS_READY] = PROC_KILLED,
	[PROC_RETIRES] = PROC_KILLED,
	[PROC_IS_STOPPED] = PROC_STOPPING,
	[PROC_IS_KILLED] = PROC_KILLED,
	[PROC_ENDS] = PROC_ENDED},
    [PROC_ENDED] = {[PROC_IS_READY] = PROC_ENDED,
	[PROC_RETIRES] = PROC_ENDED,
	[PROC_IS_STOPPED] = PROC_ENDED,
	[PROC_IS_KILLED] = PROC_ENDED,
	[PROC_ENDS] = PROC_ENDED},
};

enum proc_state
proc_step(struct proc *p, enum proc_event event)
{
	static const char *const names[PROC_STATES] = {
	    "starting", "up", "retired", "stopping", "killed", "ended"};
	enum proc_state before = p->state;

	p->state = (enum proc_state)proc_table[before][event];
	if (p->state != before)
		log_info("%s (pid %d): %s -> %s", role_name(p->role),
		    (int)p->pid, names[before], names[p->state]);
	return (p->state);
}

bool
proc_serves(const struct proc *p)
{
	return (p->state == PROC_UP || p->state == PROC_RETIRED ||
		p->state == PROC_STOPPING);
}

struct proc *
proc_find(struct monitor *mon, enum role role, enum service_kind kind)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == role && p->state <= PROC_UP && p->job == NULL &&
		    (role != ROLE_LOGREADER || p->kind == kind))
			return (p);
	}
	return (NULL);
}

struct proc *
proc_find_up(struct monitor *mon, enum role role, enum service_kind kind)
{
	struct proc *p = proc_find(mon, role, kind);

	return (p != NULL && p->state == PROC_UP ? p : NULL);
}

void
proc_kill(struct monitor *mon, struct proc *p, const char *reason)
{
	(void)mon;
	if (p->state == PROC_KILLED || p->state == PROC_ENDED)
		return;
	(void)proc_step(p, PROC_IS_KILLED);
	snprintf(p->reason, sizeof(p->reason), "%s", reason);
	log_info(
	    "%s (pid %d): %s: killed", role_name(p->role), (int)p->pid, reason);
	kill(p->pid, SIGKILL);
}

void
proc_lost(struct proc *p)
{
	loop_unwatch(&p->watch);
	outbox_clear(p);
	ipc_channel_close(&p->ch);
	/* One that has its orders and outlives us is not to be broken off. */
	if (p->state != PROC_ENDED && (p->job == NULL || !p->job->outlives))
		kill(p->pid, SIGKILL);
}

int
proc_pair(int pair[2])
{
	int err;

	reserve_use();
	err = fd_seqpacket_pair(pair);
	for (int i = 0; err != 0 && i < SHORT_TRIES; i++) {
		time_rest(SHORT_MS);
		err = fd_seqpacket_pair(pair);
	}
	reserve_keep();
	return (err);
}

/* Whoever holds messages back too long is killed; it is looked at again. */
static void
proc_outbox_due(void *arg)
{
	struct proc *p = arg;
	int err;

	if (!outbox_holds(p) || p->state >= PROC_KILLED)
		return;
	if (time_boot_ns() - p->outbox_since >= SLOW_ROLE_NS) {
		proc_kill(table_monitor(), p, "does not read");
		return;
	}
	err = outbox_flush(p);
	if (err != 0)
		outbox_clear(p);
	if (err != 0 && err != ERR_CLOSED)
		proc_kill(table_monitor(), p, err_text(err));
	loop_timer_in(&p->outbox_timer, OUTBOX_LOOK_NS, proc_outbox_due, p);
}

int
proc_send(struct monitor *mon, struct proc *p, enum msg_type type,
    const void *msg, const int *fds, size_t nfds)
{
	int err = outbox_send(p, type, msg, fds, nfds);

	if (err == 0 && outbox_holds(p) && !p->outbox_timer.linked)
		loop_timer_in(
		    &p->outbox_timer, OUTBOX_LOOK_NS, proc_outbox_due, p);
	/* Dying: SIGCHLD tells the rest. One that lives missed something. */
	if (err == ERR_CLOSED && p->role != ROLE_ZYGOTE && p->ch.fd >= 0)
		(void)shutdown(p->ch.fd, SHUT_RDWR);
	if (err == 0 || err == ERR_CLOSED)
		return (err);
	if (err == ERR_SHORT) {
		report_short(mon, ROLE_MONITOR, errno,
		    "cannot send a message to a role");
		/* A zygote has sessions, and goes on as it was told before. */
		if (p->role != ROLE_ZYGOTE)
			proc_kill(mon, p,
			    "the monitor is out of memory or descriptors, and "
			    "could not send it everything");
		return (err);
	}
	log_info("cannot send %s to %s: %s", msg_name(type), role_name(p->role),
	    err_text(err));
	proc_kill(mon, p, err_text(err));
	return (err);
}

void
proc_stop(struct monitor *mon, struct proc *p, bool keep_sessions)
{
	struct msg_stop stop = {.keep_sessions = keep_sessions};

	if (p->state == PROC_STOPPING || p->state == PROC_ENDED)
		return;
	/* Not sealed yet: it knows nothing that it could finish. */
	if (p->ch.state == ST_NEW || p->state == PROC_STARTING)
		kill(p->pid, SIGKILL);
	else
		proc_send(mon, p, MSG_STOP, &stop, NULL, 0);
	(void)proc_step(p, PROC_IS_STOPPED);
}

void
proc_retire(struct monitor *mon, struct proc *p)
{
	if (p->service != NULL && p->service->zygote == p)
		p->service->zygote = NULL;
	(void)proc_step(p, PROC_RETIRES);
	proc_stop(mon, p, true);
}

void
proc_to_master(struct monitor *mon, enum msg_type type, const void *msg)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);

	if (master != NULL)
		proc_send(mon, master, type, msg, NULL, 0);
}
