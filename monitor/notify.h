/* Telling the service manager, and the watchdog. Monitor (root). */
#ifndef PORTREEVE_MONITOR_NOTIFY_H
#define PORTREEVE_MONITOR_NOTIFY_H

#include "monitor/monitor.h"

/*
 * Ping every role now and then, as often as the service manager's watchdog
 * asks for. The master, a log reader and lookup are replaced when they do not
 * answer; a zygote is taken out of service, and keeps its sessions; audit may
 * wait for a journal that does not read, and is replaced when it was stopped.
 */
void notify_open(struct monitor *mon);

/* The master accepts the present generation: READY=1 and event ready. */
void notify_accepting(struct monitor *mon);

/* A listener that was waited for is bound: the status says so. */
void notify_bound(struct monitor *mon);

/* A role answered a ping. */
void notify_alive(struct proc *p, uint32_t number);

/* Before a reload begins. */
void notify_reloading(struct monitor *mon);

#endif
