/*
 * How each service stands: one truth for `show services`, the event `ready`,
 * the service manager's STATUS and what `reload` answers. Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_STATES_H
#define PORTREEVE_MONITOR_STATES_H

#include "monitor/monitor.h"

/* How a service stands for a family; text "" where it is not to be listed. */
void states_of(struct monitor *mon, const struct mon_service *s, int family,
    struct mon_state *out);

/* Whether a service listens, on one address at least. */
bool states_listens(struct monitor *mon, const struct mon_service *s);

/*
 * "waiting for thing: exec: /x: No such file or directory; ssh 192.0.2.1
 * port 22: the port is busy", or "" when nothing waits.
 */
const char *states_waiting(struct monitor *mon, char *buf, size_t size);

#endif
