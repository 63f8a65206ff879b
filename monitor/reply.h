/* Answers to clients of the control socket. Monitor (root). */
#ifndef PORTREEVE_MONITOR_REPLY_H
#define PORTREEVE_MONITOR_REPLY_H

#include "monitor/monitor.h"

/* Answer a client's request through the master. */
void reply_done(
    struct monitor *mon, uint32_t request, bool ok, const char *reason);

/* A reload has been applied: say what waits all the same, and that it is done.
 */
void reply_applied(struct monitor *mon, uint32_t request);

#endif
