/*
 * connection-limit and rate-limit: may this connection be served? One
 * struct policy_limiter per service and address family, so that IPv4 and IPv6
 * are held apart. The master asks, without privilege, before it dispatches;
 * no connection is served without an answer. Pure: the time is an argument,
 * the memory the caller's.
 *
 * Not configured is asked first, then connection-limit, then resources, and
 * the rate last of all: a refused attempt spends none.
 */
#ifndef PORTREEVE_POLICY_LIMITS_H
#define PORTREEVE_POLICY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/rate.h"
#include "policy/verdict.h"

/* What the master knows about one attempt. */
struct policy_request {
	bool configured; /* an active statement wants this listener */
	bool resources;	 /* descriptors, memory, processes are at hand */
};

struct policy_limiter {
	uint32_t connection_limit;
	uint32_t connections; /* present ones; by the functions below only */
	struct policy_window rate; /* policy_rate_attach() comes first */
};

/*
 * now: CLOCK_BOOTTIME, ns. A verdict that allows has taken one slot and
 * spent one of the rate; policy_limits_end() frees the slot.
 */
struct policy_verdict policy_limits_ask(struct policy_limiter *limiter,
    const struct policy_request *request, uint64_t now);

/* A connection that was allowed is over. Never takes the count below 0. */
void policy_limits_end(struct policy_limiter *limiter);

/*
 * The connection allowed last, at this same now, was not dispatched: frees
 * its slot and gives back what it spent of the rate.
 */
void policy_limits_undo(struct policy_limiter *limiter, uint64_t now);

/*
 * A connection served already, found again by a master that starts anew: it
 * holds a slot, over the limit or not, and its rate was spent before.
 */
void policy_limits_adopt(struct policy_limiter *limiter);

#endif
