/*
 * Who talks to whom: making the channels between roles and telling each role
 * what it needs. Monitor (root), which keeps no end of another's channel.
 */
#ifndef PORTREEVE_MONITOR_ROLES_WIRE_H
#define PORTREEVE_MONITOR_ROLES_WIRE_H

#include "monitor/monitor.h"

/* A role is sealed and READY: give it all that it works with. */
void wire_ready(struct monitor *mon, struct proc *p);

/* Tell the master of services, new listeners and, last, CONFIGURED, when it
 * is up and every role of the start, or new since, has come up; one that is
 * being started again keeps nobody waiting. */
void wire_services(struct monitor *mon);
void wire_tell_listeners(struct monitor *mon);
void wire_listener_gone(struct monitor *mon, struct listener *l);
void wire_configured(struct monitor *mon);

/* Another channel between the master and a role that lives. */
void wire_zygote_again(struct monitor *mon, struct proc *z);
void wire_lookup_again(struct monitor *mon);

/* Send to the master if it is up; dropped otherwise (a new one is told all). */
void wire_to_master(struct monitor *mon, enum msg_type type, const void *msg);

#endif
