/*
 * Services that wait because the host lacks what they need: a program, a user,
 * a file. The others serve meanwhile. Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_WAITING_H
#define PORTREEVE_MONITOR_WAITING_H

#include "monitor/monitor.h"

/*
 * Let a service wait from now on, and try it again later and later, at least
 * every 30 s. Told by an event when the reason is new. Its listeners and its
 * zygote are the caller's to end.
 */
void waiting_begin(
    struct monitor *mon, struct mon_service *s, const char *reason);

/* It waits no more, if it did; the caller starts it. */
void waiting_end(struct monitor *mon, struct mon_service *s);

/*
 * A program's zygote was started once more: whether the service still has what
 * it needs of this host is looked at meanwhile, and if not, it waits.
 */
void waiting_look(struct monitor *mon, struct mon_service *s);

#endif
