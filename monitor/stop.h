/* Stopping in order. Monitor (root). */
#ifndef PORTREEVE_MONITOR_STOP_H
#define PORTREEVE_MONITOR_STOP_H

#include "monitor/monitor.h"

/*
 * Begin to stop: listeners first; where sessions are kept, two seconds for who
 * is just logging in; then sessions (unless they are kept), then the roles,
 * audit last, so that every event is written. Seven seconds at most. A second
 * call ends the wait for logins.
 */
void stop_begin(struct monitor *mon, const char *reason);

/* Whether that was called: no listener is bound from then on. */
bool stop_is_begun(void);

/* A role has ended: take the next step. */
void stop_step(struct monitor *mon);

/* Whether all is over and the monitor may exit. */
bool stop_is_over(struct monitor *mon);

#endif
