/* What roles tell the monitor. Monitor (root). */
#ifndef PORTREEVE_MONITOR_ANSWER_H
#define PORTREEVE_MONITOR_ANSWER_H

#include "monitor/monitor.h"

/* Read and obey all that waits on a role's channel; a breach kills it. */
void answer_drain(struct monitor *mon, struct proc *p);

/* Answer a client's request through the master. */
void answer_done(struct monitor *mon, uint32_t request, bool ok,
    const char *reason);

#endif
