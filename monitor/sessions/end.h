/*
 * Ending sessions. Monitor (root): who is to be killed is named by session
 * and looked up in the slot tables; a process is killed only after /proc has
 * confirmed that it is that session's.
 */
#ifndef PORTREEVE_MONITOR_SESSIONS_END_H
#define PORTREEVE_MONITOR_SESSIONS_END_H

#include "monitor/monitor.h"

/*
 * End one session and all that descends from it: SIGKILL at once, but SIGTERM
 * to its leader, and SIGKILL to that a second later. ERR_NOT_FOUND when there
 * is no such session; another error when some of it may be left, since memory
 * or descriptors ran out.
 */
int end_session(struct monitor *mon, uint64_t session);

/* The same for every session of every zygote, and adopted ones. */
void end_all(struct monitor *mon);

/* A zygote died: its sessions die at once. Their records are closed. */
void end_orphans(struct monitor *mon, struct proc *zygote);

/* SIGKILL a process and all that descends from it, or is of its session. */
void end_tree_now(struct monitor *mon, pid_t leader);

/*
 * SIGKILL what end_session() left and still waits for its second. What that
 * fails for is told, and tried again.
 */
void end_now(struct monitor *mon);

/*
 * Whether the process in a slot is the one that the zygote started: a child of
 * `parent` (0: of anybody) that began when the slot says. The row is filled.
 */
struct ptable_row;
bool end_verify(const struct slot *slot, pid_t parent, struct ptable_row *row);

#endif
