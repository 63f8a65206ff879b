/*
 * Listeners: binding them, taking them from the service manager, trying again
 * what could not be bound. Monitor (root: ports below 1024).
 */
#ifndef PORTREEVE_MONITOR_LISTENERS_BIND_H
#define PORTREEVE_MONITOR_LISTENERS_BIND_H

#include "monitor/monitor.h"

/*
 * Take LISTEN_FDS by name (sd_listen_fds(3)); call once, before anything else
 * is opened. Descriptors without a name of ours stay open and unconfigured.
 */
void bind_take_handed_over(struct monitor *mon);

/*
 * Make the list of listeners what mon->services say: keeps every socket whose
 * (protocol, address, port) stays, binds new ones, then closes what is gone,
 * then tries once more what failed only because an old one was in the way.
 * Nothing of it is reported to the master.
 */
void bind_configure(struct monitor *mon);

/*
 * Look whether each socket still listens, since whoever shares it can shut it
 * down for all; what does not is bound again, with an event.
 */
void bind_look(struct monitor *mon);

/*
 * The master's word that accept() fails on one, with its errno: the same, or,
 * when it listens, it is handed over anew; at most once a second.
 */
void bind_broken(struct monitor *mon, uint32_t id, int error);

#endif
