/*
 * Workers forked ahead of time: each waits at its own channel for a
 * connection. Master only; distrusts them as all workers.
 */
#ifndef PORTREEVE_MASTER_POOL_H
#define PORTREEVE_MASTER_POOL_H

#include "master/zygotes.h"

/* POOLED, with its descriptor. 0, or an error that is the zygote's fault. */
int pool_add(struct zygote *z, struct ipc_in *in);

/*
 * Give the session to a pooled worker. ERR_NOT_FOUND: there is none. Otherwise
 * as zygote_start_session(); *delivered: with 0, whether the worker has it. One
 * that has just ended does not, and the zygote will say so.
 */
int pool_start_session(struct zygote *z, struct session *s, bool *delivered);

/*
 * By a channel that took another's place: the worker has the session, which
 * the zygote may not know. An error of ipc_send().
 */
int pool_take_again(struct zygote *z, const struct session *s);

/* The zygote starts nothing more: idle workers are let go. */
void pool_close(struct zygote *z);

/* The zygote will name its idle workers again; none is let go. */
void pool_forget(struct zygote *z);

#endif
