/*
 * What becomes of a connection from accept4() to its verdict: dispatched, or
 * refused with a reason. Master only.
 */
#ifndef PORTREEVE_MASTER_ACCEPT_H
#define PORTREEVE_MASTER_ACCEPT_H

#include "master/listener.h"

/* Somebody waits at a listener. */
void accept_ready(struct listener *l);

/*
 * Given back by a zygote that has no process for it: refused after all, and
 * reported as that, if nothing was reported of it yet.
 */
void accept_undo(
    struct master *m, struct session *s, int error, enum step step);

#endif
