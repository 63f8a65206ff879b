/* The roles that run: finding one, talking to it, ending it. Monitor (root). */
#ifndef PORTREEVE_MONITOR_ROLES_PROC_H
#define PORTREEVE_MONITOR_ROLES_PROC_H

#include "monitor/monitor.h"

/* The running one of a singleton role (starting ones too), or NULL. */
struct proc *proc_find(
    struct monitor *mon, enum role role, enum service_kind kind);

/* The same, but only one that is up. */
struct proc *proc_find_up(
    struct monitor *mon, enum role role, enum service_kind kind);

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

/*
 * Something happened to it: the state that it is in now, of which one line of
 * the log tells if it is another. Who has ended stays so.
 */
enum proc_state proc_step(struct proc *p, enum proc_event event);

/* Whether it is sealed and lives, for its sessions at least. */
bool proc_serves(const struct proc *p);

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

/* Send to the master if it is up; dropped otherwise (a new one is told all). */
void proc_to_master(struct monitor *mon, enum msg_type type, const void *msg);

#endif
