/*
 * A token bucket, kept as the time at which it was empty. In the logreader,
 * sealed. Pure.
 */
#include "workers/logreader/rate.h"

#define SECOND_NS UINT64_C(1000000000)

static bool
rate_take(struct rate *r, const struct rate_limit *limit, uint64_t now)
{
	uint64_t token = SECOND_NS / limit->per_second;
	uint64_t full = token * limit->burst;

	if (now > full && r->empty_at < now - full)
		r->empty_at = now - full;
	if (r->empty_at + token > now)
		return (false);
	r->empty_at += token;
	return (true);
}

bool
rate_pass(struct rate *r, const struct rate_limit *limit, uint64_t now)
{
	if (rate_take(r, limit, now))
		return (true);
	r->dropped++;
	return (false);
}

uint64_t
rate_dropped(struct rate *r, const struct rate_limit *limit, uint64_t now)
{
	uint64_t n = r->dropped;

	if (n == 0 || !rate_take(r, limit, now))
		return (0);
	r->dropped = 0;
	return (n);
}
