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

/* Once in each turn of the loop: take the steps for which all is done. */
void stop_step(struct monitor *mon);

#endif
