/*
 * Which endings were begun, in memory that outlives the monitor (state/endings,
 * mode 0600): an ender that was killed together with the monitor leaves
 * processes that are stopped, and the next monitor ends them. Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_SESSIONS_BEGUN_H
#define PORTREEVE_MONITOR_SESSIONS_BEGUN_H

#include "monitor/sessions/ending.h"

/* Map the file; what a monitor before has begun is kept for begun_take(). */
void begun_open(struct monitor *mon);

/*
 * Write down its leaders, as many as there is room for, or that all are meant;
 * and take them out.
 */
void begun_note(struct ending *e);
void begun_over(struct ending *e);

/*
 * A leader of an ending that a monitor before has begun; or *all, when it was
 * of all sessions. Call until it returns false.
 */
bool begun_take(struct msg_end_leader *leader, bool *all);

#endif
