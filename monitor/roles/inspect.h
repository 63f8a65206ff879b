/*
 * Whether a role is sealed as it was told. Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_ROLES_INSPECT_H
#define PORTREEVE_MONITOR_ROLES_INSPECT_H

#include <stdbool.h>

#include "monitor/monitor.h"

/*
 * Look at a role that says READY, from outside. False when it is not sealed as
 * its SEAL said: that is logged, and the role is killed.
 */
bool inspect_role(struct monitor *mon, struct proc *p, bool user_namespace);

#endif
