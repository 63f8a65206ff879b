/*
 * What a session holds of its service's limits: a slot, and one of its
 * source's. policy/limits.h says what holds. Master only.
 */
#ifndef PORTREEVE_MASTER_CLAIM_H
#define PORTREEVE_MASTER_CLAIM_H

#include "master/session.h"

/*
 * May this peer be served? source: it is held to what one source may have;
 * never of a peer that only claims to be there (udp). now: CLOCK_BOOTTIME, ns.
 */
struct policy_verdict claim_ask(struct service *sv, const struct addr *peer,
    bool resources, bool source, uint64_t now);

/* The claim that was allowed last is this session's. */
void claim_take(struct session *s, bool source);

/* An earlier master's session goes on. user: it has logged in. */
void claim_adopt(struct session *s, bool user);

/* It has logged in. */
void claim_login(struct session *s);

/* It is over. */
void claim_end(struct session *s);

/*
 * What was allowed at this now was not served after all. s: NULL where there
 * is no session yet; the peer's is given back.
 */
void claim_undo(struct session *s);
void claim_undo_peer(
    struct service *sv, const struct addr *peer, bool source, uint64_t now);

#endif
