/*
 * What policy answers: allowed or not, and if not, why. Included by every
 * process that asks. The texts are those of the events' field `reason`.
 * Pure: no clock, no input or output, no state.
 */
#ifndef PORTREEVE_POLICY_VERDICT_H
#define PORTREEVE_POLICY_VERDICT_H

#include <stdbool.h>

#define POLICY_REASON_LIST(X)                                                  \
	X(REASON_NONE, "none")                                                 \
	X(REASON_CONNECTION_LIMIT, "connection-limit")                         \
	X(REASON_RATE_LIMIT, "rate-limit")                                     \
	X(REASON_NO_RESOURCES, "no-resources")                                 \
	X(REASON_NOT_CONFIGURED, "not-configured")                             \
	X(REASON_ACCESS, "access")                                             \
	X(REASON_PENALTY, "penalty")                                           \
	X(REASON_SOURCE_LIMIT, "source-limit")                                 \
	X(REASON_SOURCE_RATE, "source-rate")                                   \
	X(REASON_EARLY_DROP, "early-drop")                                     \
	X(REASON_RESERVED, "reserved")                                         \
	X(REASON_ROOT_LOGIN, "root-login")                                     \
	X(REASON_USER_LIMIT, "user-limit")

enum policy_reason {
#define X(name, text) name,
	POLICY_REASON_LIST(X)
#undef X
	    REASON_COUNT
};

/* allow is true exactly when reason is REASON_NONE. */
struct policy_verdict {
	bool allow;
	enum policy_reason reason;
};

/* The verdict that a reason makes: REASON_NONE allows, any other refuses. */
struct policy_verdict policy_verdict_make(enum policy_reason reason);

/* The event's word for a reason, a constant; "?" for a value that is none. */
const char *policy_reason_text(enum policy_reason reason);

#endif
