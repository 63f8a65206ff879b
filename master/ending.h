/*
 * How sessions end. Master only.
 */
#ifndef PORTREEVE_MASTER_ENDING_H
#define PORTREEVE_MASTER_ENDING_H

#include "master/session.h"

/* Reads a worker's last words before its session's books are closed. */
typedef void ending_drain(struct master *m, struct session *s);

/* Before all others. */
void ending_init(ending_drain *drain);

/* Undo session_new() for what could not be dispatched: nobody hears of it. */
void ending_discard(struct master *m, struct session *s);

/*
 * It is over: the worker's last words are read, events are emitted, counts go
 * down. The entry and the journal's go at the next report_flush().
 */
void ending_session(
    struct master *m, struct session *s, const struct session_end *end);

#endif
