/*
 * How many events a source, or one connection of it, may cause: a bucket of
 * tokens. In the logreader; pure, time is an argument.
 */
#ifndef PORTREEVE_WORKERS_LOGREADER_RATE_H
#define PORTREEVE_WORKERS_LOGREADER_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
	uint32_t per_second, burst;
};

/* All zero is a fresh, full bucket. */
struct rate {
	uint64_t empty_at; /* ns: the time from which the bucket is filled */
	uint64_t dropped;  /* since rate_dropped() was last asked */
};

/* Whether one more may pass at `now` (ns, monotonic); counts it if not. */
bool rate_pass(struct rate *r, const struct rate_limit *limit, uint64_t now);

/* How many did not pass, once there is a token to tell it with; else 0. */
uint64_t rate_dropped(
    struct rate *r, const struct rate_limit *limit, uint64_t now);

#endif
