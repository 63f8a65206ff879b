/* Texts of the reasons, and verdicts made of them. Any process; pure. */
#include "policy/verdict.h"

struct policy_verdict
policy_verdict_make(enum policy_reason reason)
{
	struct policy_verdict verdict = {
	    .allow = reason == REASON_NONE,
	    .reason = reason,
	};

	return (verdict);
}

const char *
policy_reason_text(enum policy_reason reason)
{
	switch (reason) {
#define X(name, text)                                                          \
	case name:                                                             \
		return (text);
		POLICY_REASON_LIST(X)
#undef X
	case REASON_COUNT:
		break;
	}
	return ("?");
}
