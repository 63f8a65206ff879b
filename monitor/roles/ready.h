/* What a role that has come up works with. Monitor (root). */
#ifndef PORTREEVE_MONITOR_ROLES_READY_H
#define PORTREEVE_MONITOR_ROLES_READY_H

#include "monitor/monitor.h"

/* A role is sealed and READY: give it all that it works with. */
void ready_role(struct monitor *mon, struct proc *p);

#endif
