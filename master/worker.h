/*
 * The channels to workers: what moved, what the sandbox stopped, and finger's
 * questions. Master only. A worker may have been taken over: a message that
 * breaks the catalogue closes its channel, and none is believed to be about
 * another session than its own.
 */
#ifndef PORTREEVE_MASTER_WORKER_H
#define PORTREEVE_MASTER_WORKER_H

#include "master/session.h"

/* What watches a worker's channel calls this. */
void worker_ready(struct watch *w, uint32_t events);

/* Its last words, before the books are closed. */
void worker_drain(struct master *m, struct session *s);

#endif
