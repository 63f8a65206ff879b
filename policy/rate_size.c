/*
 * How much memory a rate window needs: what the monitor asks, which makes that
 * memory and knows nothing else of it. Pure.
 */
#include "policy/rate.h"
#include "policy/rate_private.h"

bool
rate_is_exact(uint32_t limit)
{
	return (limit <= POLICY_RATE_EXACT_MAX);
}

uint32_t
rate_slots(uint32_t limit)
{
	if (!rate_is_exact(limit))
		return (POLICY_RATE_STEPS);
	return (limit < RATE_RING_MIN ? RATE_RING_MIN : limit);
}

size_t
policy_rate_size(uint32_t limit)
{
	if (limit == 0 || limit > POLICY_RATE_MAX)
		return (0);
	return (sizeof(struct policy_rate) +
		(size_t)rate_slots(limit) * sizeof(uint64_t));
}
