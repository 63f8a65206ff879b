/*
 * How many events a source may cause: a bucket of tokens. In the logreader;
 * pure, time is an argument.
 */
#ifndef PORTREEVE_WORKERS_LOGREADER_RATE_H
#define PORTREEVE_WORKERS_LOGREADER_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_PER_SECOND 100
#define RATE_BURST 200

/* All zero is a fresh, full bucket. */
struct rate {
	uint64_t empty_at; /* ns: the time from which the bucket is filled */
	uint64_t dropped;  /* since rate_dropped() was last asked */
};

/* Whether one more may pass at `now` (ns, monotonic); counts it if not. */
bool rate_pass(struct rate *r, uint64_t now);

/* How many did not pass, once there is a token to tell it with; else 0. */
uint64_t rate_dropped(struct rate *r, uint64_t now);

#endif
