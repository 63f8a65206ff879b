/* The socket of pam_portreeve.so and of login processes. Monitor (root). */
#ifndef PORTREEVE_MONITOR_LOGINS_PAMSOCK_H
#define PORTREEVE_MONITOR_LOGINS_PAMSOCK_H

#include "monitor/monitor.h"

/* Listen on DIR/pam.sock, mode 0600. ERR_SYSTEM, logged. */
int pamsock_open(struct monitor *mon);

#endif
