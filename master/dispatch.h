/*
 * From a verdict to a zygote: hand a session over, or hold it until its
 * service's zygote has room or is there again. Master only.
 */
#ifndef PORTREEVE_MASTER_DISPATCH_H
#define PORTREEVE_MASTER_DISPATCH_H

#include "master/listener.h"
#include "master/session.h"

int dispatch_init(struct master *m);

/* session_new(); a slow audit gives up who is over, if that makes room. */
struct session *dispatch_new(struct master *m, struct service *sv,
    const struct listener *l, const struct addr *peer, uint64_t now);

/*
 * Hand over a session that has its connection. 0: handed over or held.
 * ERR_SHORT with errno, or ERR_NO_MEMORY: it cannot be, and is still the
 * caller's.
 */
int dispatch_session(struct master *m, struct session *s);

/* Hold a session that came back; the present zygote or the next one has it. */
void dispatch_again(struct master *m, struct session *s);

/* There is room, or a zygote: hand over what is held. */
void dispatch_held(struct master *m, struct service *sv);

/* A listener that one session at a time has to itself is readable. */
void dispatch_listener(struct listener *l);

/*
 * Such a session was given back by a zygote that has no process for it: who
 * waits at its listener is refused.
 */
void dispatch_undo(
    struct master *m, struct session *s, int error, enum step step);

#endif
