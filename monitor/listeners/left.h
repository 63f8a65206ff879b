/*
 * Programs that keep a socket which the configuration has taken from them.
 * Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_LISTENERS_LEFT_H
#define PORTREEVE_MONITOR_LISTENERS_LEFT_H

#include "monitor/monitor.h"

/*
 * A warning for each program of a listener's service that got the listener
 * itself (`wait yes`) and still runs, now that the listener is closed or
 * another's. The listener still has its service.
 */
void left_report(struct monitor *mon, const struct listener *l);

#endif
