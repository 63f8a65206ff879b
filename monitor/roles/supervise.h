/* Ends of children: roles, logins, records. Monitor (root). */
#ifndef PORTREEVE_MONITOR_ROLES_SUPERVISE_H
#define PORTREEVE_MONITOR_ROLES_SUPERVISE_H

#include "monitor/monitor.h"

/* SIGCHLD: wait for all that ended. */
void supervise_reap(struct monitor *mon);

#endif
