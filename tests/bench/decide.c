/*
 * What the policy's decision costs: decide N prints nanoseconds of one with N
 * sources in the tables, each of which has made attempts and has a penalty that
 * is below force, and with full lists of networks. A decision is what the
 * master asks of policy/ for one connection, and its end. Run by
 * tests/bench/run; needs no privilege.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/access.h"
#include "policy/limits.h"
#include "policy/penalty.h"

#define LOOKS 200000U
#define RUNS 5
#define SECOND UINT64_C(1000000000)
#define START (1000 * SECOND)

struct decide {
	struct policy_limiter limiter;
	struct policy_sources *sources;
	struct policy_penalties *penalties;
	struct policy_access access;
	struct policy_prefixes reserved, exempt;
};

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return ((uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec);
}

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "decide: %s\n", what);
	exit(1);
}

/* Far apart, so that no cache helps that would not help with strangers. */
static struct addr
source(uint32_t n)
{
	struct addr a = {.family = FAMILY_INET};
	uint32_t far = n * 2654435761U;

	memcpy(a.bytes, &far, sizeof(far));
	return (a);
}

static void
fill_list(struct policy_prefixes *list, uint8_t first)
{
	struct addr a = {.family = FAMILY_INET, .bytes = {first}};

	for (list->count = 0; list->count < POLICY_PREFIXES_MAX;
	     list->count++) {
		a.bytes[1] = (uint8_t)list->count;
		prefix_of(&list->at[list->count], &a, 16);
	}
}

static void
prepare(struct decide *d, unsigned n)
{
	static const uint64_t secret[2] = {3, 5};
	size_t size = policy_rate_size(10000000);
	void *window = calloc(1, size);

	d->sources = calloc(1, policy_sources_size(POLICY_SOURCE_SETS));
	d->penalties = calloc(1, sizeof(*d->penalties));
	must(d->sources != NULL && d->penalties != NULL && window != NULL &&
		 policy_rate_attach(
		     &d->limiter.rate, window, size, 10000000, START) == 0,
	    "no memory");
	policy_sources_init(d->sources, POLICY_SOURCE_SETS, secret);
	policy_penalties_init(d->penalties, secret);
	d->limiter.connection_limit = 65535;
	d->limiter.sources = d->sources;
	d->limiter.logins = true;
	d->limiter.shares_slots = d->limiter.shares_rate = true;
	d->limiter.source_attempts = 10000;
	d->limiter.reserved_slots = 5;
	d->limiter.early = (struct policy_early){1, 65535, 1};
	fill_list(&d->access.deny, 10);
	fill_list(&d->reserved, 11);
	fill_list(&d->exempt, 12);
	for (unsigned i = 0; i < n; i++) {
		struct addr a = source(i);
		struct policy_source *s =
		    policy_source_make(d->sources, 0, &a, START);
		struct prefix p;

		if (s != NULL)
			policy_source_add(s, START);
		prefix_of(&p, &a, 32);
		policy_penalty_add(d->penalties, &p, 0, DEED_FAILURE, START);
	}
}

/* One connection, as master/claim.c asks, and its end. */
static bool
decide(struct decide *d, uint32_t n)
{
	struct addr a = source(n);
	struct policy_request request = {.resources = true, .chance = 99};
	struct policy_verdict verdict;
	struct prefix p;

	prefix_of(&p, &a, 32);
	request.denied = !policy_access_allows(&d->access, &a, NULL);
	if (policy_prefixes_find(&d->exempt, &a) == NULL)
		request.source = &a;
	request.penalty = policy_penalty_holds(
	    policy_penalty_find(d->penalties, &p, START), START);
	request.reserved = policy_prefixes_find(&d->reserved, &a) != NULL;
	verdict = policy_limits_ask(&d->limiter, &request, START + SECOND);
	if (verdict.allow)
		policy_limits_end(&d->limiter, request.source, true);
	return (verdict.allow);
}

int
main(int argc, char **argv)
{
	static struct decide d;
	unsigned n = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	uint64_t best = UINT64_MAX, allowed = 0;

	if (n == 0) {
		fprintf(stderr, "usage: decide N\n");
		return (2);
	}
	prepare(&d, n);
	for (int run = 0; run < RUNS; run++) {
		uint64_t before = now_ns(), took;

		for (uint32_t i = 0; i < LOOKS; i++)
			allowed += decide(&d, i % n);
		took = now_ns() - before;
		best = took < best ? took : best;
	}
	must(allowed > LOOKS, "most are refused: it measures something else");
	printf("%.1f\n", (double)best / LOOKS);
	return (0);
}
