/*
 * Sockets that the service manager handed over, written down beside the
 * run-time state: a planner holds the statements against them
 * (planner/handed.h). Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_LISTENERS_HANDED_H
#define PORTREEVE_MONITOR_LISTENERS_HANDED_H

#include "monitor/monitor.h"

/* Once, at a start, before a planner is asked. */
void handed_write(struct monitor *mon);

#endif
