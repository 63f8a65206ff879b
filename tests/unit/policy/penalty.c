/*
 * The penalty box: what deeds add up to, against a slow model; forgiving; a
 * full table, and memory that a master left in the middle of a store.
 */
#include <string.h>

#include "policy/penalty.h"
#include "tests/stage/model.h"

#define SECOND UINT64_C(1000000000)

static struct policy_penalties *
table_new(void)
{
	static const uint64_t secret[2] = {3, 5};
	struct policy_penalties *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	policy_penalties_init(t, secret);
	return (t);
}

static struct prefix
source(uint32_t n)
{
	struct addr a = {.family = FAMILY_INET};
	struct prefix p;

	memcpy(a.bytes, &n, sizeof(n));
	prefix_of(&p, &a, 32);
	return (p);
}

static bool
holds(struct policy_penalties *t, uint32_t n, uint64_t now)
{
	struct prefix p = source(n);

	return (policy_penalty_holds(policy_penalty_find(t, &p, now), now));
}

static void
add(struct policy_penalties *t, uint32_t n, enum deed deed, uint64_t now)
{
	struct prefix p = source(n);

	policy_penalty_add(t, &p, 1, deed, now);
}

static void
test_what_each_costs(void **state)
{
	static const unsigned many[DEED_COUNT] = {[DEED_FAILURE] = 6,
	    [DEED_UNKNOWN_USER] = 6,
	    [DEED_TIMEOUT] = 3,
	    [DEED_PACKETS] = 1,
	    [DEED_CRASH] = 1};
	struct policy_penalties *t = table_new();

	(void)state;
	for (uint32_t d = 0; d < DEED_COUNT; d++) {
		for (unsigned i = 0; i < many[d]; i++) {
			assert_false(holds(t, d, START));
			add(t, d, (enum deed)d, START);
		}
		assert_true(holds(t, d, START));
		assert_false(holds(t, d, START + 90 * SECOND));
	}
	free(t);
}

/* Once in force it is so to its end, and no longer than the most. */
static void
test_to_its_end(void **state)
{
	struct policy_penalties *t = table_new();

	(void)state;
	add(t, 1, DEED_PACKETS, START);
	assert_true(holds(t, 1, START + 30 * SECOND - 1));
	assert_false(holds(t, 1, START + 30 * SECOND));
	add(t, 1, DEED_FAILURE, START + 31 * SECOND);
	assert_false(holds(t, 1, START + 31 * SECOND));
	for (int i = 0; i < 100; i++)
		add(t, 1, DEED_CRASH, START + 31 * SECOND);
	assert_true(holds(t, 1, START + 630 * SECOND));
	assert_false(holds(t, 1, START + 631 * SECOND));
	free(t);
}

static void
test_forgiving(void **state)
{
	struct policy_penalties *t = table_new();
	struct prefix p = source(1);

	(void)state;
	add(t, 1, DEED_CRASH, START);
	policy_penalty_forgive(t, &p, START + SECOND);
	assert_null(policy_penalty_find(t, &p, START + SECOND));
	add(t, 1, DEED_CRASH, START + 2 * SECOND);
	policy_penalty_forgive(t, &p, START + 60 * SECOND);
	assert_true(holds(t, 1, START + 60 * SECOND));
	policy_penalty_forgive(t, &p, START + 61 * SECOND);
	assert_false(holds(t, 1, START + 61 * SECOND));
	/* What was none is no forgiving. */
	p = source(2);
	policy_penalty_forgive(t, &p, START);
	add(t, 2, DEED_CRASH, START);
	policy_penalty_forgive(t, &p, START + SECOND);
	assert_false(holds(t, 2, START + SECOND));
	free(t);
}

static void
test_clearing(void **state)
{
	struct policy_penalties *t = table_new();
	struct prefix p = source(1);

	(void)state;
	assert_false(policy_penalty_clear(t, &p, START));
	add(t, 1, DEED_CRASH, START);
	assert_true(policy_penalty_clear(t, &p, START));
	assert_false(policy_penalty_clear(t, &p, START));
	assert_false(holds(t, 1, START));
	free(t);
}

enum { SOURCES = 20 };

/* Any order of everything, against numbers that each have a place. */
static void
test_random(void **state)
{
	struct policy_penalties *t = table_new();
	uint64_t until[SOURCES] = {0}, forgiven[SOURCES] = {0};
	bool force[SOURCES] = {false};
	uint64_t seed = 11, now = START, refused = 0;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		uint32_t n = (uint32_t)model_random_below(&seed, SOURCES);
		enum deed deed =
		    (enum deed)model_random_below(&seed, DEED_COUNT);
		struct prefix p = source(n);

		now += model_random_below(&seed, 3 * SECOND);
		if (model_random_below(&seed, 10) != 0) {
			if (until[n] <= now) {
				until[n] = now;
				force[n] = false;
			}
			until[n] += deed_seconds(deed) * SECOND;
			if (until[n] > now + 600 * SECOND)
				until[n] = now + 600 * SECOND;
			if ((until[n] - now + SECOND - 1) / SECOND >= 30)
				force[n] = true;
			add(t, n, deed, now);
		} else {
			if (until[n] > now &&
			    (forgiven[n] == 0 ||
				now - forgiven[n] >= 60 * SECOND))
				until[n] = forgiven[n] = now;
			policy_penalty_forgive(t, &p, now);
		}
		for (uint32_t i = 0; i < SOURCES; i++)
			assert_int_equal(
			    holds(t, i, now), force[i] && until[i] > now);
		refused += holds(t, n, now);
	}
	assert_in_range(refused, 1000, 199000);
	free(t);
}

/* The table never grows; the newest, and the longest, are kept. */
static void
test_a_full_table(void **state)
{
	struct policy_penalties *t = table_new();
	unsigned there = 0;

	(void)state;
	add(t, 0, DEED_CRASH, START);
	for (uint32_t n = 1; n <= 200000; n++)
		add(t, n, DEED_FAILURE, START + n);
	assert_true(holds(t, 0, START + SECOND));
	for (size_t i = 0; i < POLICY_PENALTY_SETS * POLICY_PENALTY_WAYS; i++)
		there += policy_penalty_at(t, i, START + SECOND) != NULL;
	assert_int_equal(there, POLICY_PENALTY_SETS * POLICY_PENALTY_WAYS);
	free(t);
}

/* No garbage lasts longer than a penalty, or ends the one who reads it. */
static void
test_garbage(void **state)
{
	struct policy_penalties *t = table_new();
	uint64_t seed = 13;
	struct prefix p = source(1);

	(void)state;
	for (int round = 0; round < 200; round++) {
		uint8_t *b = (uint8_t *)t->entry;

		for (size_t i = 0; i < sizeof(t->entry); i += 7)
			b[i] = (uint8_t)model_random_below(&seed, 256);
		add(t, 1, DEED_CRASH, START);
		assert_true(
		    policy_penalty_seconds(policy_penalty_find(t, &p, START),
			START) <= POLICY_PENALTY_MOST);
		policy_penalty_forgive(t, &p, START);
		(void)policy_penalty_clear(t, &p, START);
		if (round % 100 == 0)
			memset(t->entry, 0xff, sizeof(t->entry));
	}
	free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_each_costs),
	    cmocka_unit_test(test_to_its_end),
	    cmocka_unit_test(test_forgiving),
	    cmocka_unit_test(test_clearing),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_a_full_table),
	    cmocka_unit_test(test_garbage),
	};

	return (
	    cmocka_run_group_tests_name("policy/penalty", tests, NULL, NULL));
}
