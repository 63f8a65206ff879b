/* Stopping in order. Monitor (root). */
#ifndef PORTREEVE_MONITOR_STOP_H
#define PORTREEVE_MONITOR_STOP_H

#include "monitor/monitor.h"

/*
 * Begin to stop: listeners first, then sessions (unless they are kept), then
 * the roles, audit last, so that every event is written. Five seconds at most.
 */
void stop_begin(struct monitor *mon, const char *reason);

/* A role has ended: take the next step. */
void stop_step(struct monitor *mon);

/* Whether all is over and the monitor may exit. */
bool stop_is_over(struct monitor *mon);

#endif
