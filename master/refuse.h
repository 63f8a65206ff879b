/*
 * How a refused peer is sent away: a line where its protocol has one, and a
 * close. Master only; reads none of the peer's bytes, it drops them.
 */
#ifndef PORTREEVE_MASTER_REFUSE_H
#define PORTREEVE_MASTER_REFUSE_H

#include "lib/role.h"
#include "master/listener.h"
#include "policy/verdict.h"

/* At most so many are closed gently at a time. */
#define REFUSE_GENTLE_MAX 16

int refuse_init(struct master *m);

/* The line for a kind of service; NULL: close without a word. */
const char *refuse_text(enum service_kind kind);

/*
 * Send text (or nothing when NULL) and close; fd is taken over. Gently as long
 * as there are few: FIN, then the peer's bytes are dropped for up to a second,
 * so that it reads the line and not a reset. In a flood at once.
 */
void refuse_connection(struct master *m, int fd, const char *text);

/* Refuse who came to a listener; fd is taken over, or -1. Counted and reported.
 */
void refuse_peer(struct listener *l, int fd, const struct addr *peer,
    enum policy_reason reason);

/* The same, at once always: descriptors are short. */
void refuse_at_once(int fd, const char *text);

#endif
