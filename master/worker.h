/*
 * The channels to workers: what moved, what the sandbox stopped, and finger's
 * questions. Master only. A worker may have been taken over: a message that
 * breaks the catalogue closes its channel, and none is believed to be about
 * another session than its own.
 */
#ifndef PORTREEVE_MASTER_WORKER_H
#define PORTREEVE_MASTER_WORKER_H

#include "master/session.h"

int worker_init(struct master *m);

/*
 * The session's worker is at the other end of fd, which is taken over. from:
 * what watched it while the worker was idle, or NULL.
 */
void worker_attach(
    struct master *m, struct session *s, int fd, struct watch *from);

/* Its channel is about to be closed. */
void worker_detach(struct master *m, struct session *s);

/* Its last words, before the books are closed. */
void worker_drain(struct master *m, struct session *s);

#endif
