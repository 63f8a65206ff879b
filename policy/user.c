/* user-limit; policy/user.h says what holds. Pure; asked by root's processes.
 */
#include "policy/user.h"

static bool
user_is_full(uint32_t count, uint32_t limit)
{
	return (limit != 0 && count >= limit);
}

struct policy_verdict
policy_user_login(const struct policy_user_limit *limit,
    const struct policy_user_count *count)
{
	if (user_is_full(count->sessions, limit->sessions) ||
	    user_is_full(count->processes, limit->processes))
		return (policy_verdict_make(REASON_USER_LIMIT));
	return (policy_verdict_make(REASON_NONE));
}
