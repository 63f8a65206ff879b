/*
 * What becomes of a connection from accept4() to its verdict: dispatched, or
 * refused with a reason. Master only.
 */
#ifndef PORTREEVE_MASTER_ACCEPT_H
#define PORTREEVE_MASTER_ACCEPT_H

#include "master/listener.h"

/* Somebody waits at a listener. */
void accept_ready(struct listener *l);

/* Refuse fd (taken over), count it and tell it. */
void accept_refuse(struct listener *l, int fd, const struct addr *peer,
    enum policy_reason reason);

/* accept4() with the peer's address; -1 with errno. */
int accept_one(const struct listener *l, struct addr *peer);

/*
 * Given back by a zygote that has no process for it: refused after all, and
 * told as that, if nothing was told of it yet.
 */
void accept_undo(
    struct master *m, struct session *s, int error, enum step step);

#endif
