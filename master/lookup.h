/*
 * finger's questions on their way to lookup and back: a bounded queue, one
 * question at a time, each answered in the end whatever becomes of lookup.
 * Master only.
 */
#ifndef PORTREEVE_MASTER_LOOKUP_H
#define PORTREEVE_MASTER_LOOKUP_H

#include "master/master.h"
#include "master/session.h"

int lookup_init(struct master *m);

/* LOOKUP: the channel to a new lookup, taken over. */
void lookup_attach(struct master *m, int fd);

/* A worker asks. */
void lookup_ask(
    struct master *m, struct session *s, const struct msg_lookup_ask *ask);

/* The worker takes messages again. */
void lookup_writable(struct master *m, struct session *s);

/* The session ends or its channel does: its question is dropped. */
void lookup_cancel(struct master *m, struct session *s);

#endif
