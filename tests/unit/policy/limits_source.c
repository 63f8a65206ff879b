/*
 * What one source may have of a service's limits: the last quarter of the
 * slots and of the rate is for those that have few, and connections before
 * login are dropped early when others' are many.
 */
#include "policy/limits.h"
#include "tests/stage/model.h"

#define SECOND UINT64_C(1000000000)

#define SETS 64

static const uint64_t secret[2] = {1, 2};

struct limited {
	struct policy_limiter limiter;
	struct policy_sources *table;
};

static struct limited
limited_new(uint32_t connections, uint32_t rate)
{
	struct limited l;

	memset(&l, 0, sizeof(l));
	l.table = calloc(1, policy_sources_size(SETS));
	assert_non_null(l.table);
	policy_sources_init(l.table, SETS, secret);
	l.limiter.connection_limit = connections;
	l.limiter.sources = l.table;
	l.limiter.logins = true;
	l.limiter.shares_slots = l.limiter.shares_rate = true;
	model_window_new(&l.limiter.rate, rate, START);
	return (l);
}

static void
limited_free(struct limited *l)
{
	model_window_free(&l->limiter.rate);
	free(l->table);
}

static struct addr
source(uint32_t n)
{
	struct addr a = {.family = FAMILY_INET};

	memcpy(a.bytes, &n, sizeof(n));
	return (a);
}

static enum policy_reason
come(struct limited *l, uint32_t n, uint64_t now)
{
	struct addr a = source(n);
	struct policy_request request = {
	    .resources = true, .source = &a, .chance = 50};

	return (policy_limits_ask(&l->limiter, &request, now).reason);
}

/* How many one source gets until it is refused, and why it is. */
static uint32_t
come_all(struct limited *l, uint32_t n, enum policy_reason why)
{
	enum policy_reason reason;
	uint32_t got = 0;

	while ((reason = come(l, n, START)) == REASON_NONE)
		got++;
	assert_int_equal(reason, why);
	return (got);
}

static void
test_one_source_leaves_a_quarter(void **state)
{
	static const struct {
		uint32_t limit, one;
		enum policy_reason why;
	} all[] = {
	    {75, 57, REASON_SOURCE_LIMIT},
	    {250, 188, REASON_SOURCE_LIMIT},
	    {40, 30, REASON_SOURCE_LIMIT},
	    {39, 39, REASON_CONNECTION_LIMIT},
	    {10, 10, REASON_CONNECTION_LIMIT},
	    {1, 1, REASON_CONNECTION_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct limited l = limited_new(all[i].limit, 65535);

		assert_int_equal(come_all(&l, 1, all[i].why), all[i].one);
		/* What is left is others', four for each. */
		for (uint32_t n = all[i].one; n < all[i].limit; n++)
			assert_int_equal(
			    come(&l, 2 + n / 4, START), REASON_NONE);
		assert_int_equal(come(&l, 999, START), REASON_CONNECTION_LIMIT);
		limited_free(&l);
	}
}

/* Behind one address are many users: those who have logged in do not count. */
static void
test_who_has_logged_in_counts_no_more(void **state)
{
	struct limited l = limited_new(75, 65535);
	struct addr a = source(1);

	(void)state;
	for (uint32_t n = 0; n < 75; n++) {
		assert_int_equal(come(&l, 1, START), REASON_NONE);
		policy_limits_login(&l.limiter, &a);
	}
	assert_int_equal(l.limiter.pressure, 0);
	assert_int_equal(come(&l, 1, START), REASON_CONNECTION_LIMIT);
	for (uint32_t n = 0; n < 75; n++)
		policy_limits_end(&l.limiter, &a, false);
	assert_int_equal(l.limiter.connections, 0);
	assert_int_equal(policy_source_find(l.table, 0, &a)->present, 0);
	assert_int_equal(come_all(&l, 1, REASON_SOURCE_LIMIT), 57);
	limited_free(&l);
}

static void
test_an_end_frees_its_sources_place(void **state)
{
	struct limited l = limited_new(75, 65535);
	struct addr a = source(1);

	(void)state;
	come_all(&l, 1, REASON_SOURCE_LIMIT);
	policy_limits_end(&l.limiter, &a, true);
	assert_int_equal(come(&l, 1, START), REASON_NONE);
	assert_int_equal(come(&l, 1, START), REASON_SOURCE_LIMIT);
	policy_limits_undo(&l.limiter, &a, START);
	assert_int_equal(come(&l, 1, START), REASON_NONE);
	limited_free(&l);
}

/* A master that starts anew finds them again. */
static void
test_adopted_ones_count(void **state)
{
	struct limited l = limited_new(75, 65535);
	struct addr a = source(1);

	(void)state;
	for (int i = 0; i < 57; i++)
		policy_limits_adopt(&l.limiter, &a, true, START);
	assert_int_equal(come(&l, 1, START), REASON_SOURCE_LIMIT);
	assert_int_equal(come(&l, 2, START), REASON_NONE);
	limited_free(&l);
}

static void
test_an_exempt_one_is_held_to_nothing_of_it(void **state)
{
	struct limited l = limited_new(75, 65535);
	struct policy_request request = {.resources = true};

	(void)state;
	for (int i = 0; i < 75; i++)
		assert_true(
		    policy_limits_ask(&l.limiter, &request, START).allow);
	limited_free(&l);
}

/* Of 150 in a minute the last 37 are for sources with fewer than 4. */
static void
test_one_source_leaves_a_quarter_of_the_rate(void **state)
{
	struct limited l = limited_new(1000, 150);
	struct addr a = source(1);
	uint32_t got = 0;

	(void)state;
	while (come(&l, 1, START) == REASON_NONE) {
		policy_limits_end(&l.limiter, &a, true);
		got++;
	}
	assert_int_equal(got, 113);
	assert_int_equal(come(&l, 1, START), REASON_SOURCE_RATE);
	for (uint32_t n = got; n < 150; n++) {
		struct addr other = source(2 + n / 4);

		assert_int_equal(come(&l, 2 + n / 4, START), REASON_NONE);
		policy_limits_end(&l.limiter, &other, true);
	}
	assert_int_equal(come(&l, 999, START), REASON_RATE_LIMIT);
	assert_int_equal(come(&l, 1, START + WINDOW + 1), REASON_NONE);
	limited_free(&l);
}

static void
test_a_small_rate_is_for_all_alike(void **state)
{
	struct limited l = limited_new(1000, 39);

	(void)state;
	assert_int_equal(come_all(&l, 1, REASON_RATE_LIMIT), 39);
	limited_free(&l);
}

/* In a hundred draws, how many are dropped with so many of others. */
static unsigned
dropped(uint32_t others, bool logins)
{
	struct limited l = limited_new(75, 65535);
	struct addr one = source(1);
	unsigned n = 0;

	l.limiter.logins = logins;
	for (uint32_t i = 0; i < others; i++) {
		struct addr a = source(100 + i);

		policy_limits_adopt(&l.limiter, &a, true, START);
	}
	l.limiter.early = (struct policy_early){37, 75, 30};
	for (uint8_t chance = 0; chance < 100; chance++) {
		struct policy_request request = {
		    .resources = true, .source = &one, .chance = chance};
		struct policy_verdict v =
		    policy_limits_ask(&l.limiter, &request, START);

		n += v.reason == REASON_EARLY_DROP;
		if (v.allow)
			policy_limits_undo(&l.limiter, &one, START);
	}
	limited_free(&l);
	return (n);
}

static void
test_early_drop(void **state)
{
	(void)state;
	assert_int_equal(dropped(36, true), 0);
	assert_int_equal(dropped(37, true), 30);
	assert_int_equal(dropped(56, true), 60);
	assert_int_equal(dropped(74, true), 88);
	assert_int_equal(dropped(74, false), 0);
}

/*
 * What is its own does not press a source. A source that has all that one may
 * have presses others as four connections do, or it would shut them out.
 */
static void
test_early_drop_is_others_pressure(void **state)
{
	struct limited l = limited_new(75, 65535);

	(void)state;
	l.limiter.early = (struct policy_early){1, 75, 90};
	assert_int_equal(come_all(&l, 1, REASON_SOURCE_LIMIT), 57);
	assert_int_equal(l.limiter.pressure, POLICY_FEW);
	assert_int_equal(come(&l, 2, START), REASON_EARLY_DROP);
	l.limiter.early.start = POLICY_FEW + 1;
	assert_int_equal(come(&l, 2, START), REASON_NONE);
	assert_int_equal(come(&l, 3, START), REASON_EARLY_DROP);
	limited_free(&l);
}

/* The last slots are for those that they are kept for, and so is the rate. */
static void
test_what_is_reserved(void **state)
{
	struct limited l = limited_new(44, 220);
	struct addr mine = source(99);
	struct policy_request request = {
	    .resources = true, .source = &mine, .reserved = true};
	uint32_t got, n = 0;

	(void)state;
	l.limiter.reserved_slots = 4;
	assert_int_equal(come_all(&l, 1, REASON_SOURCE_LIMIT), 30);
	for (got = 30; come(&l, 100 + n / 4, START) == REASON_NONE; n++)
		got++;
	assert_int_equal(got, 40);
	assert_int_equal(come(&l, 77, START), REASON_RESERVED);
	while (policy_limits_ask(&l.limiter, &request, START).allow)
		got++;
	assert_int_equal(got, 44);
	while (l.limiter.connections > 0)
		policy_limits_end(&l.limiter, NULL, true);
	/* 200 of 220 attempts are for all, 44 are made. */
	for (got = 44; come(&l, 1000 + got, START) == REASON_NONE; got++)
		policy_limits_end(&l.limiter, NULL, true);
	assert_int_equal(got, 200);
	assert_int_equal(come(&l, 77, START), REASON_RESERVED);
	assert_true(policy_limits_ask(&l.limiter, &request, START).allow);
	limited_free(&l);
}

static void
test_of_one_source(void **state)
{
	struct limited l = limited_new(20, 100);

	(void)state;
	l.limiter.source_connections = 3;
	l.limiter.source_attempts = 5;
	assert_int_equal(come_all(&l, 1, REASON_SOURCE_LIMIT), 3);
	for (int i = 0; i < 3; i++) {
		struct addr a = source(1);

		policy_limits_end(&l.limiter, &a, true);
	}
	assert_int_equal(come_all(&l, 1, REASON_SOURCE_RATE), 2);
	assert_int_equal(come(&l, 2, START), REASON_NONE);
	assert_int_equal(come(&l, 1, START + WINDOW + SECOND), REASON_NONE);
	limited_free(&l);
}

/* Asked first, whatever else there is. */
static void
test_the_order(void **state)
{
	struct limited l = limited_new(1, 1);
	struct addr a = source(1);
	struct policy_request request = {
	    .source = &a, .denied = true, .penalty = true};
	struct policy_explanation e;

	(void)state;
	assert_int_equal(come(&l, 1, START), REASON_NONE);
	policy_limits_explain(&l.limiter, &request, START, &e);
	assert_int_equal(e.rules[0].rule, REASON_ACCESS);
	assert_true(e.rules[0].refuses && e.rules[1].refuses);
	assert_int_equal(e.rules[1].rule, REASON_PENALTY);
	assert_int_equal(e.present, 1);
	assert_int_equal(l.limiter.connections, 1);
	assert_int_equal(policy_limits_ask(&l.limiter, &request, START).reason,
	    REASON_ACCESS);
	request.denied = false;
	assert_int_equal(policy_limits_ask(&l.limiter, &request, START).reason,
	    REASON_PENALTY);
	/* Of a source that is exempt nothing is remembered. */
	request.source = NULL;
	assert_int_equal(policy_limits_ask(&l.limiter, &request, START).reason,
	    REASON_CONNECTION_LIMIT);
	limited_free(&l);
}

enum { SOURCES = 6, LIMIT = 44 };

static uint32_t
pressure(const uint32_t pending[SOURCES])
{
	uint32_t sum = 0;

	for (int i = 0; i < SOURCES; i++)
		sum += pending[i] < 4 ? pending[i] : 4;
	return (sum);
}

/* The books are right after any order of everything. */
static void
test_random(void **state)
{
	struct limited l = limited_new(LIMIT, 65535);
	uint32_t pending[SOURCES] = {0}, logged[SOURCES] = {0}, total = 0;
	uint64_t seed = 3, seen[REASON_COUNT] = {0};

	(void)state;
	for (int round = 0; round < 200000; round++) {
		uint32_t n = (uint32_t)model_random_below(&seed, SOURCES);
		struct addr a = source(n);
		enum policy_reason reason, expected = REASON_NONE;

		switch (model_random_below(&seed, 6)) {
		case 0:
			if (pending[n] == 0)
				break;
			policy_limits_login(&l.limiter, &a);
			pending[n]--;
			logged[n]++;
			break;
		case 1:
			if (pending[n] == 0)
				break;
			policy_limits_end(&l.limiter, &a, true);
			pending[n]--;
			total--;
			break;
		case 2:
			if (logged[n] == 0)
				break;
			policy_limits_end(&l.limiter, &a, false);
			logged[n]--;
			total--;
			break;
		default:
			if (total >= LIMIT)
				expected = REASON_CONNECTION_LIMIT;
			else if (total >= LIMIT - LIMIT / 4 && pending[n] >= 4)
				expected = REASON_SOURCE_LIMIT;
			reason = come(&l, n, START + (uint64_t)round * WINDOW);
			assert_int_equal(reason, expected);
			seen[reason]++;
			if (reason == REASON_NONE) {
				pending[n]++;
				total++;
			}
		}
		assert_int_equal(l.limiter.connections, total);
		assert_int_equal(l.limiter.pressure, pressure(pending));
	}
	assert_true(seen[REASON_NONE] > 1000);
	assert_true(seen[REASON_SOURCE_LIMIT] > 1000);
	assert_true(seen[REASON_CONNECTION_LIMIT] > 1000);
	limited_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_source_leaves_a_quarter),
	    cmocka_unit_test(test_who_has_logged_in_counts_no_more),
	    cmocka_unit_test(test_an_end_frees_its_sources_place),
	    cmocka_unit_test(test_adopted_ones_count),
	    cmocka_unit_test(test_an_exempt_one_is_held_to_nothing_of_it),
	    cmocka_unit_test(test_one_source_leaves_a_quarter_of_the_rate),
	    cmocka_unit_test(test_a_small_rate_is_for_all_alike),
	    cmocka_unit_test(test_early_drop),
	    cmocka_unit_test(test_early_drop_is_others_pressure),
	    cmocka_unit_test(test_what_is_reserved),
	    cmocka_unit_test(test_of_one_source),
	    cmocka_unit_test(test_the_order),
	    cmocka_unit_test(test_random),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
