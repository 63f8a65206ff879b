/*
 * The channels to workers, and when each is watched. Master only.
 */
#ifndef PORTREEVE_MASTER_WORKERS_H
#define PORTREEVE_MASTER_WORKERS_H

#include "master/session.h"

/* ready: is called when a worker has said something, or takes messages. */
int workers_init(
    struct master *m, void (*ready)(struct watch *w, uint32_t events));

/*
 * The session's worker is at the other end of fd, which is taken over. from:
 * what watched it while the worker was idle, or NULL.
 */
void workers_attach(
    struct master *m, struct session *s, int fd, struct watch *from);

/* Its channel is about to be closed. */
void workers_detach(struct master *m, struct session *s);

/* Its channel to the worker, if any, is closed. */
void workers_close(struct master *m, struct session *s);

/* Workers ask just now: those that start are heard at once. */
void workers_asked(struct master *m);

#endif
