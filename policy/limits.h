/*
 * connection-limit, rate-limit, and what one source may have of both: may this
 * connection be served? One struct policy_limiter per service and address
 * family, so that IPv4 and IPv6 are held apart. The master asks, without
 * privilege, before it dispatches; no connection is served without an answer.
 * Pure: the time and the chance are arguments, the memory the caller's.
 *
 * The order asked: access, penalty, connection-limit, reserved, source-limit,
 * early-drop, resources, rate-limit, reserved, source-rate. A refused attempt
 * spends no rate.
 *
 * Of a limit of 40 or more the last quarter is for sources that have few: a
 * source with 4 connections that are not logged in gets none of these slots,
 * and one with 4 attempts in the window none of that share of the rate. So one
 * source alone has 57 of 75, and everyone else can still come in. A service
 * without logins counts every connection as one that is not logged in. What is
 * reserved is taken off the limit first, and is for its sources only, which
 * nothing else of this holds back but a limit of one source that is stated.
 */
#ifndef PORTREEVE_POLICY_LIMITS_H
#define PORTREEVE_POLICY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/rate.h"
#include "policy/source.h"
#include "policy/verdict.h"

#define POLICY_FEW 4U	      /* what a source may have of the last quarter */
#define POLICY_SHARED_MIN 40U /* of a limit below it, all is for everyone */

/* What the master knows about one attempt. */
struct policy_request {
	bool resources; /* descriptors, memory, processes are at hand */
	bool denied;	/* allow-source, deny-source, hosts.deny */
	bool penalty;	/* a penalty of its source is in force */
	bool reserved;	/* what is reserved is for it */
	/* Whose it is; NULL: an exempt one's, or nobody's. */
	const struct addr *source;
	uint8_t chance; /* 0 to 99, drawn for this attempt */
};

/*
 * Connections before login are dropped at random when other sources' are many:
 * from `start` of these on `rate` in a hundred, rising to POLICY_EARLY_MOST at
 * `full`. Of one source POLICY_FEW count: the last quarter bounds what one may
 * have, and a source that fills the rest does not press everybody else out.
 * full 0: never.
 */
struct policy_early {
	uint32_t start, full;
	uint8_t rate;
};
#define POLICY_EARLY_MOST 90U

struct policy_limiter {
	uint32_t connection_limit;
	uint32_t connections; /* present ones; by the functions below only */
	/* Sources' connections that are not logged in, few of each; so too. */
	uint32_t pressure;
	struct policy_window rate;	/* policy_rate_attach() comes first */
	struct policy_sources *sources; /* NULL: sources are not held apart */
	uint16_t service;		/* in that table */
	bool logins;	   /* a connection may log in, and is another's then */
	bool shares_slots; /* the last quarter is for who has few */
	bool shares_rate;
	uint32_t source_connections; /* of one source; 0: as above */
	uint32_t source_attempts;    /* the same */
	uint32_t reserved_slots;
	struct policy_early early;
};

/*
 * now: CLOCK_BOOTTIME, ns. A verdict that allows has taken one slot, one of
 * its source's too, and spent one of the rate; policy_limits_end() frees them.
 */
struct policy_verdict policy_limits_ask(struct policy_limiter *limiter,
    const struct policy_request *request, uint64_t now);

/* What each rule says of a request, and why. */
#define POLICY_RULES 8U
struct policy_finding {
	enum policy_reason rule;
	bool refuses;
};
struct policy_explanation {
	struct policy_finding rules[POLICY_RULES]; /* in the order asked */
	/* The source's; 0 where it is not held apart. */
	uint32_t present, pending, attempts;
	uint32_t slots_shared; /* from so many on, few of a source */
	uint32_t rate_shared;  /* the same, of attempts in the window */
	uint32_t early;	       /* in a hundred, that are dropped now */
};

/* Decides nothing and counts nothing. Of early-drop, only what is certain. */
void policy_limits_explain(struct policy_limiter *limiter,
    const struct policy_request *request, uint64_t now,
    struct policy_explanation *out);

/*
 * It has logged in: its source has one less that is not. source: as it was
 * asked with, here and below.
 */
void policy_limits_login(
    struct policy_limiter *limiter, const struct addr *source);

/*
 * A connection that was allowed is over; pending: it had not logged in. Never
 * takes a count below 0.
 */
void policy_limits_end(
    struct policy_limiter *limiter, const struct addr *source, bool pending);

/*
 * The connection allowed last, at this same now, was not dispatched: frees
 * its slot and gives back what it spent of the rate.
 */
void policy_limits_undo(
    struct policy_limiter *limiter, const struct addr *source, uint64_t now);

/*
 * A connection served already, found again by a master that starts anew: it
 * holds a slot, over the limit or not, and its rate was spent before.
 */
void policy_limits_adopt(struct policy_limiter *limiter,
    const struct addr *source, bool pending, uint64_t now);

/* The same of one whose slot is counted, when the table of sources is new. */
void policy_limits_recount(struct policy_limiter *limiter,
    const struct addr *source, bool pending, uint64_t now);

#endif
