/*
 * Sessions of a daemon before this one. Monitor (root): finds them in the slot
 * files, verifies each process, tells the master, and watches it to its end.
 */
#ifndef PORTREEVE_MONITOR_SESSIONS_ADOPT_H
#define PORTREEVE_MONITOR_SESSIONS_ADOPT_H

#include "monitor/monitor.h"

/*
 * Read every slot file below the run-time state folder; call once, before the
 * first role is started. Sets mon->next_instance past all that were seen.
 */
void adopt_find_all(struct monitor *mon);

/* Tell a new master of each adopted session. */
void adopt_tell_master(struct monitor *mon);

#endif
