/*
 * user-limit: how many logins, and how many processes, one user may have.
 * Asked by login and by the monitor (for ssh), both root, once it is known
 * who logs in; they do the counting. Pure.
 */
#ifndef PORTREEVE_POLICY_USER_H
#define PORTREEVE_POLICY_USER_H

#include <stdint.h>

#include "policy/verdict.h"

/* Both statements' limits; 0 is none. */
struct policy_user_limit {
	uint32_t processes;
	uint32_t sessions;
};

/* What the user has already, this login not counted. */
struct policy_user_count {
	uint32_t processes; /* that the user owns, ours or not */
	uint32_t sessions;  /* logins over all services */
};

/*
 * REASON_NONE when one session more, which is one process at least, stays
 * within both limits; else REASON_USER_LIMIT.
 */
struct policy_verdict policy_user_login(const struct policy_user_limit *limit,
    const struct policy_user_count *count);

#endif
