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
struct policy_verdict claim_ask(struct master *m, struct service *sv,
    const struct addr *peer, bool resources, bool source, uint64_t now);

/* What claim_ask() would say of a connection, rule by rule; counts nothing. */
void claim_explain(struct master *m, struct service *sv,
    const struct addr *peer, uint64_t now, struct policy_explanation *out);

/* The claim that was allowed last is this session's. */
void claim_take(struct master *m, struct session *s, bool source);

/* An earlier master's session goes on. user: it has logged in. */
void claim_adopt(struct master *m, struct session *s, bool user);

/* The table of sources is new, or others are exempt: all are counted again. */
void claim_recount(struct master *m);

/* It has logged in. */
void claim_login(struct session *s);

/* It is over. */
void claim_end(struct session *s);

/*
 * What was allowed at this now was not served after all. s: NULL where there
 * is no session yet; the peer's is given back.
 */
void claim_undo(struct session *s);
void claim_undo_peer(struct master *m, struct service *sv,
    const struct addr *peer, bool source, uint64_t now);

#endif
