/*
 * The roles of a daemon before this one. Monitor (root): each of its roles
 * stands in DIR/state/roles as long as it lives, so that the next monitor can
 * end one that outlived it and keeps its ports.
 */
#ifndef PORTREEVE_MONITOR_ROLES_PREDECESSOR_H
#define PORTREEVE_MONITOR_ROLES_PREDECESSOR_H

#include "monitor/monitor.h"

/*
 * Open the file, and end whom it names: SIGKILL to each that is the same
 * process still, by its start time, with a warning; waits for their ends, for
 * two seconds at the most. Once, before anything is bound. ERR_SYSTEM, logged.
 */
int predecessor_end_roles(struct monitor *mon);

/* mon->procs has changed: write it down. */
void predecessor_note(struct monitor *mon);

#endif
