/* A token bucket, kept as the time at which it was empty. Pure. */
#include "workers/logreader/rate.h"

#define TOKEN_NS (UINT64_C(1000000000) / RATE_PER_SECOND)

static bool
rate_take(struct rate *r, uint64_t now)
{
	uint64_t full = TOKEN_NS * RATE_BURST;

	if (now > full && r->empty_at < now - full)
		r->empty_at = now - full;
	if (r->empty_at + TOKEN_NS > now)
		return (false);
	r->empty_at += TOKEN_NS;
	return (true);
}

bool
rate_pass(struct rate *r, uint64_t now)
{
	if (rate_take(r, now))
		return (true);
	r->dropped++;
	return (false);
}

uint64_t
rate_dropped(struct rate *r, uint64_t now)
{
	uint64_t n = r->dropped;

	if (n == 0 || !rate_take(r, now))
		return (0);
	r->dropped = 0;
	return (n);
}
