/* Telling the service manager, and the watchdog. Monitor (root). */
#ifndef PORTREEVE_MONITOR_NOTIFY_H
#define PORTREEVE_MONITOR_NOTIFY_H

#include "monitor/monitor.h"

/* Start the watchdog's pings if the service manager asks for them. */
void notify_open(struct monitor *mon);

/* The master accepts the present generation: READY=1 and event ready. */
void notify_accepting(struct monitor *mon);

/* The master answered a ping. */
void notify_alive(struct monitor *mon, uint32_t number);

/* Before a reload begins. */
void notify_reloading(struct monitor *mon);

#endif
