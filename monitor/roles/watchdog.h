/* Whether the roles answer, and the service manager's watchdog. Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_ROLES_WATCHDOG_H
#define PORTREEVE_MONITOR_ROLES_WATCHDOG_H

#include "monitor/monitor.h"

/*
 * Ping every role now and then, as often as the service manager's watchdog
 * asks for. The master, a log reader and lookup are replaced when they do not
 * answer; a zygote is taken out of service, and keeps its sessions; audit may
 * wait for a journal that does not read, and is replaced when it was stopped.
 */
void watchdog_open(struct monitor *mon);

/* A role answered a ping. */
void watchdog_alive(struct proc *p, uint32_t number);

#endif
