/*
 * connection-limit and rate-limit; policy/limits.h says what holds. Runs in
 * the master, without privilege. Pure.
 */
#include "policy/limits.h"

struct policy_verdict
policy_limits_ask(struct policy_limiter *limiter,
    const struct policy_request *request, uint64_t now)
{
	if (!request->configured)
		return (policy_verdict_make(REASON_NOT_CONFIGURED));
	if (limiter->connections >= limiter->connection_limit)
		return (policy_verdict_make(REASON_CONNECTION_LIMIT));
	if (!request->resources)
		return (policy_verdict_make(REASON_NO_RESOURCES));
	if (!policy_rate_take(&limiter->rate, now))
		return (policy_verdict_make(REASON_RATE_LIMIT));
	limiter->connections++;
	return (policy_verdict_make(REASON_NONE));
}

void
policy_limits_end(struct policy_limiter *limiter)
{
	if (limiter->connections > 0)
		limiter->connections--;
}

void
policy_limits_undo(struct policy_limiter *limiter, uint64_t now)
{
	policy_limits_end(limiter);
	policy_rate_give_back(&limiter->rate, now);
}

void
policy_limits_adopt(struct policy_limiter *limiter)
{
	if (limiter->connections < UINT32_MAX)
		limiter->connections++;
}
