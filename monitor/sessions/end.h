/*
 * Ending sessions. Monitor (root): who is to be ended is named by session and
 * looked up in the monitor's own tables; a process of its own, the ender, finds
 * and kills, and the monitor goes on meanwhile. An ending that was begun is
 * finished: by another ender, or by the next monitor.
 */
#ifndef PORTREEVE_MONITOR_SESSIONS_END_H
#define PORTREEVE_MONITOR_SESSIONS_END_H

#include "monitor/monitor.h"

/*
 * An ending has done what can be done now: 0; ERR_NOT_FOUND when there was no
 * such process; another error when some of it may be left. What is left is
 * tried again. cookie is the caller's.
 */
typedef void end_done(
    struct monitor *mon, uint64_t session, uint64_t cookie, int err);

/*
 * End one session and all that descends from it: SIGKILL at once, but SIGTERM
 * to its leader, and SIGKILL to that a second later. done, which may be NULL,
 * is called for 0 and for nothing else. ERR_NOT_FOUND when there is no such
 * session; ERR_NO_MEMORY.
 */
int end_session(
    struct monitor *mon, uint64_t session, end_done *done, uint64_t cookie);

/* The same for every session of every zygote, and adopted ones. */
void end_all(struct monitor *mon);

/*
 * A zygote died: its sessions die at once, their records are closed, and the
 * master is told that they are gone.
 */
void end_orphans(struct monitor *mon, struct proc *zygote);

/* SIGKILL a process and all that descends from it, or is of its session. */
void end_tree_now(struct monitor *mon, pid_t leader, uint64_t start);

/* Whether something is being ended. */
bool end_any(void);

/* Finish what the monitor before this one has begun; once, at the start. */
void end_resume(struct monitor *mon);

#endif
