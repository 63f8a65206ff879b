/* Telling the service manager. Monitor (root). */
#ifndef PORTREEVE_MONITOR_NOTIFY_H
#define PORTREEVE_MONITOR_NOTIFY_H

#include "monitor/monitor.h"

/* The master accepts the present generation: READY=1 and event ready. */
void notify_accepting(struct monitor *mon);

/* How a service stands has changed: the status says so. */
void notify_changed(struct monitor *mon);

/* Before a reload begins. */
void notify_reloading(struct monitor *mon);

#endif
