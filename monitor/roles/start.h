/*
 * Starting roles from one fixed table, and starting them again. Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_ROLES_START_H
#define PORTREEVE_MONITOR_ROLES_START_H

#include "monitor/monitor.h"

/*
 * Start a role and send it its SEAL. kind: for zygotes and logreaders; service:
 * for zygotes. NULL, logged and audited, when it cannot be started now; a
 * retry is then set up already.
 */
struct proc *start_role(struct monitor *mon, enum role role,
    enum service_kind kind, struct mon_service *service);

/*
 * Start a role for one job; job and arg must live until job->over() is called.
 * NULL with errno, and nothing is called, when it cannot be started now. Who
 * started it may end it by proc_kill(), and proc_stop() where it obeys STOP.
 */
struct proc *start_job(
    struct monitor *mon, enum role role, const struct proc_job *job, void *arg);

/* Whether this role is needed by the configuration in force. */
bool start_is_needed(
    struct monitor *mon, enum role role, enum service_kind kind);

/* Start every role that is needed and not there. */
void start_needed(struct monitor *mon);

/*
 * Start one again that has ended: at once the first time, later and later after
 * that. At a stop, none.
 */
void start_again(struct monitor *mon, enum role role, enum service_kind kind,
    struct mon_service *service);

/* One that has been waited for, or was never there: all that it had. */
void start_undo(struct monitor *mon, struct proc *p);

#endif
