/* What roles tell the monitor. Monitor (root). */
#ifndef PORTREEVE_MONITOR_ROLES_ANSWER_H
#define PORTREEVE_MONITOR_ROLES_ANSWER_H

#include "monitor/monitor.h"

/*
 * Read and obey what waits on a role's channel, so many messages at most: a
 * role that never stops talking takes no other's turn. A breach kills it.
 */
void answer_drain(struct monitor *mon, struct proc *p, unsigned most);

/* Answer a client's request through the master. */
void answer_done(
    struct monitor *mon, uint32_t request, bool ok, const char *reason);

/* A reload has been applied: say what waits all the same, and that it is done.
 */
void answer_applied(struct monitor *mon, uint32_t request);

#endif
