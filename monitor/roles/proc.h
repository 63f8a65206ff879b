/*
 * Starting roles from one fixed table, and what happens when one ends.
 * Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_ROLES_PROC_H
#define PORTREEVE_MONITOR_ROLES_PROC_H

#include "monitor/monitor.h"
#include "sandbox/sandbox.h"

/*
 * Start a role and send it its SEAL. kind: for zygotes and logreaders; service:
 * for zygotes. NULL, logged and audited, when it cannot be started now; a
 * retry is then set up already.
 */
struct proc *proc_start(struct monitor *mon, enum role role,
    enum service_kind kind, struct mon_service *service);

/*
 * Start a role for one job; job and arg must live until job->over() is called.
 * NULL with errno, and nothing is called, when it cannot be started now. Who
 * started it may end it by proc_kill(), and proc_stop() where it obeys STOP.
 */
struct proc *proc_start_job(
    struct monitor *mon, enum role role, const struct proc_job *job, void *arg);

/* The running one of a singleton role (starting ones too), or NULL. */
struct proc *proc_find(
    struct monitor *mon, enum role role, enum service_kind kind);

/* The same, but only one that is up. */
struct proc *proc_find_up(
    struct monitor *mon, enum role role, enum service_kind kind);

/* Whether this role is needed by the configuration in force. */
bool proc_is_needed(
    struct monitor *mon, enum role role, enum service_kind kind);

/* Start every role that is needed and not there. */
void proc_start_needed(struct monitor *mon);

/*
 * The two ends of a channel between roles. What the monitor is short of may be
 * there in a moment, which it waits for. 0, or ERR_SYSTEM with errno.
 */
int proc_pair(int pair[2]);

/*
 * Send a message to a role; what it has no room for is kept and sent later. A
 * role that does not read for two seconds is killed (and then replaced). The
 * descriptors stay the caller's. Never waits. 0 or the error.
 */
int proc_send(struct monitor *mon, struct proc *p, enum msg_type type,
    const void *msg, const int *fds, size_t nfds);

/* Kill a role that broke the catalogue or hangs; its end is then handled. */
void proc_kill(struct monitor *mon, struct proc *p, const char *reason);

/*
 * Its channel has ended: it is dying, or, when it closed the channel or sent a
 * datagram of no bytes, it is beyond orders, and then dies of SIGKILL.
 */
void proc_lost(struct proc *p);

/* Tell it to finish. */
void proc_stop(struct monitor *mon, struct proc *p, bool keep_sessions);

/* Take a zygote out of service; it lives on for its sessions. */
void proc_retire(struct monitor *mon, struct proc *p);

/* SIGCHLD: wait for all that ended. */
void proc_reap(struct monitor *mon);

#endif
