/*
 * What a role has no room for yet. Monitor (root): it waits for no role. A
 * message that does not fit into the channel's queue is kept here, behind those
 * that are kept already, and sent when there is room.
 */
#ifndef PORTREEVE_MONITOR_ROLES_OUTBOX_H
#define PORTREEVE_MONITOR_ROLES_OUTBOX_H

#include "monitor/monitor.h"

/*
 * Send, or keep with copies of the descriptors. 0; ERR_SHORT with errno when
 * there is no memory or descriptor to keep it; the errors of ipc_send(), but
 * ERR_AGAIN. p->outbox_since is when something kept was last taken.
 */
int outbox_send(struct proc *p, enum msg_type type, const void *msg,
    const int *fds, size_t nfds);

/*
 * Send what is kept as far as there is room and memory. p->watch looks for
 * more room when there was some; else the next look is the caller's, so that
 * nothing spins where poll() tells of room that there is not. 0, or the errors
 * of outbox_send(): the channel is of no use.
 */
int outbox_flush(struct proc *p);

/* Whether something is kept. */
bool outbox_holds(const struct proc *p);

/* Throw it away. */
void outbox_clear(struct proc *p);

#endif
