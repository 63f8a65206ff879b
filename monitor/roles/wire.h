/*
 * Who talks to whom: making the channels between roles, and telling the master
 * of services and listeners. Monitor (root), which keeps no end of another's
 * channel.
 */
#ifndef PORTREEVE_MONITOR_ROLES_WIRE_H
#define PORTREEVE_MONITOR_ROLES_WIRE_H

#include "monitor/monitor.h"

/* A channel between audit, if it is up, and a role that writes events. */
void wire_audit(struct monitor *mon, struct proc *p);

/*
 * What the zygote's programs write to their standard error goes by this pair;
 * the zygote makes a socket for each connection and hands its end over.
 */
void wire_log(struct monitor *mon, struct proc *reader, struct proc *zygote);

/*
 * A channel, or another, between the master and a role, if both are up. asked:
 * by the master, which asks again.
 */
void wire_zygote(struct monitor *mon, struct proc *z, bool asked);
void wire_lookup(struct monitor *mon);

/* The servers of a tacplus that was just sent SEAL, and its socket. */
void wire_tacplus(struct monitor *mon, struct proc *p);

/* finger's flags, to who keeps them. */
void wire_finger_options(struct monitor *mon, struct proc *p);

/* Tell the master of services, new listeners and, last, CONFIGURED, when it
 * is up and every role of the start, or new since, has come up; one that is
 * being started again keeps nobody waiting. */
void wire_services(struct monitor *mon);
void wire_tell_listeners(struct monitor *mon);
void wire_listener_gone(struct monitor *mon, struct listener *l);
void wire_configured(struct monitor *mon);

/*
 * Tell the master, and the service manager, of each row of monitor/states.h
 * that has changed since they were told last. After wire_forget_states() all
 * are new.
 */
void wire_states(struct monitor *mon);
void wire_forget_states(struct monitor *mon);

#endif
