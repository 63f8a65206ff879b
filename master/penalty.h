/*
 * What sources have done before, over all services: policy/penalty.h says what
 * holds. A deed is told by its session's number, so that nobody can name a
 * source that was not there; those that ended lately are remembered for it.
 * Master only.
 */
#ifndef PORTREEVE_MASTER_PENALTY_H
#define PORTREEVE_MASTER_PENALTY_H

#include "lib/deed.h"
#include "master/session.h"

/* 0 or ERR_NO_MEMORY. */
int penalties_init(struct master *m);

/* The state is there: with the table of an earlier master, if it has one. */
void penalties_attach(struct master *m);

/* Who is exempt has changed: no session is remembered any more. */
void penalties_forget(struct master *m);

/* A session of a peer that is held to it. */
void penalty_remember(struct master *m, const struct session *s);

/* DEED. What no session of late has done is nobody's. */
void penalty_deed(struct master *m, uint64_t session, enum deed deed);

/* Whether an address is refused now. */
bool penalty_holds(const struct master *m, const struct addr *peer);

/* What its source has that is not over; NULL. */
const struct policy_penalty *penalty_of(
    const struct master *m, const struct addr *peer);

/* Its user has logged in, as PAM has it. */
void penalty_forgive(struct master *m, const struct session *s);

/* CLEAR_PENALTY: whether there was one. */
bool penalty_clear(struct master *m, const struct msg_clear_penalty *msg);

/* Entry i of all, for listings; NULL: nothing. i reaches PENALTIES_MAX. */
#define PENALTIES_MAX (POLICY_PENALTY_SETS * POLICY_PENALTY_WAYS)
const struct policy_penalty *penalty_at(const struct master *m, size_t i);

#endif
