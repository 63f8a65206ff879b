/* What roles tell the monitor. Monitor (root). */
#ifndef PORTREEVE_MONITOR_ROLES_ANSWER_H
#define PORTREEVE_MONITOR_ROLES_ANSWER_H

#include "monitor/monitor.h"

/*
 * Read and obey what waits on a role's channel, so many messages at most: a
 * role that never stops talking takes no other's turn. A breach kills it.
 */
void answer_drain(struct monitor *mon, struct proc *p, unsigned most);

/* A role's channel has something to be read, or room: a watch_cb. */
void answer_readable(void *arg, int revents);

#endif
