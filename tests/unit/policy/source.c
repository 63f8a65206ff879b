/*
 * The table of sources: networks, the window of a source's attempts against a
 * list of them, who is forgotten, and what a look-up costs when it is full.
 */
#include <stdio.h>
#include <time.h>

#include "policy/source.h"
#include "tests/stage/model.h"

#define SECOND UINT64_C(1000000000)

static const uint64_t secret[2] = {
    UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xc2b2ae3d27d4eb4f)};

static struct policy_sources *
table_new(uint32_t sets)
{
	struct policy_sources *t = calloc(1, policy_sources_size(sets));

	assert_non_null(t);
	policy_sources_init(t, sets, secret);
	return (t);
}

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 0), 0);
	return (a);
}

static struct addr
number(uint32_t n)
{
	struct addr a = {.family = FAMILY_INET};

	memcpy(a.bytes, &n, sizeof(n));
	return (a);
}

/* Whether two addresses are one source. */
static bool
same(struct policy_sources *t, const char *a, const char *b)
{
	struct addr x = addr(a), y = addr(b);

	return (policy_source_make(t, 1, &x, START) ==
		policy_source_make(t, 1, &y, START));
}

static void
test_networks(void **state)
{
	struct policy_sources *t = table_new(64);
	struct addr a = addr("192.0.2.1");

	(void)state;
	assert_false(same(t, "192.0.2.1", "192.0.2.2"));
	assert_true(same(t, "2001:db8::1", "2001:db8::ffff:1:2:3"));
	assert_false(same(t, "2001:db8::1", "2001:db8:0:1::1"));
	assert_false(same(t, "192.0.2.1", "c000:201::"));
	assert_ptr_not_equal(policy_source_make(t, 1, &a, START),
	    policy_source_make(t, 2, &a, START));
	t->prefix[FAMILY_INET] = 25;
	assert_true(same(t, "198.51.100.1", "198.51.100.127"));
	assert_false(same(t, "198.51.100.1", "198.51.100.128"));
	t->prefix[FAMILY_INET] = 0;
	assert_true(same(t, "10.0.0.1", "11.0.0.2"));
	free(t);
}

/* Never fewer than there are, and none that is a second too old. */
static void
test_window(void **state)
{
	struct policy_sources *t = table_new(1);
	struct addr a = addr("192.0.2.1");
	struct policy_source *s = policy_source_make(t, 1, &a, START);
	struct model least = {0}, most = {0};
	uint64_t seed = 7, now = START;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint32_t counted;

		now += model_random_below(&seed, 20) == 0
			   ? model_random_below(&seed, 90 * SECOND)
			   : model_random_below(&seed, SECOND);
		counted = policy_source_attempts(s, now);
		assert_true(counted >= model_within(&least, now, WINDOW));
		assert_true(
		    counted <= model_within(&most, now, WINDOW + SECOND));
		if (model_random_below(&seed, 3) == 0)
			continue;
		policy_source_add(s, now);
		if (model_random_below(&seed, 3) == 0) {
			policy_source_give_back(s, now);
			continue;
		}
		model_add(&least, now);
		model_add(&most, now);
	}
	model_free(&least);
	model_free(&most);
	free(t);
}

/* More in a second than it counts is still many. */
static void
test_full_second(void **state)
{
	struct policy_sources *t = table_new(1);
	struct addr a = addr("::1");
	struct policy_source *s = policy_source_make(t, 1, &a, START);

	(void)state;
	for (int i = 0; i < 1000; i++)
		policy_source_add(s, START);
	assert_int_equal(policy_source_attempts(s, START), 255);
	assert_int_equal(policy_source_attempts(s, START + 60 * SECOND), 255);
	assert_int_equal(policy_source_attempts(s, START + 61 * SECOND), 0);
	free(t);
}

/* Who has a connection stays; of the rest the one that is silent longest goes.
 */
static void
test_forgotten(void **state)
{
	struct policy_sources *t = table_new(1);
	struct policy_source *first, *second;
	struct addr a;

	(void)state;
	for (uint32_t i = 0; i < POLICY_SOURCE_WAYS; i++) {
		a = number(i);
		policy_source_add(
		    policy_source_make(t, 1, &a, START + i * SECOND),
		    START + i * SECOND);
	}
	a = number(0);
	first = policy_source_find(t, 1, &a);
	first->present = 1;
	a = number(1);
	second = policy_source_find(t, 1, &a);
	a = number(1000);
	assert_ptr_equal(
	    policy_source_make(t, 1, &a, START + 100 * SECOND), second);
	assert_int_equal(policy_source_attempts(second, START), 0);
	a = number(1);
	assert_null(policy_source_find(t, 1, &a));
	for (uint32_t i = 0; i < POLICY_SOURCE_WAYS; i++)
		t->entry[i].present = 1;
	assert_null(policy_source_make(t, 1, &a, START + 200 * SECOND));
	free(t);
}

/* A million sources: no more memory, and no look-up that grows. */
static void
test_a_million(void **state)
{
	struct policy_sources *t = table_new(POLICY_SOURCE_SETS);
	struct timespec begin, end;
	uint64_t spent, found = 0;
	struct addr a;

	(void)state;
	assert_true(policy_sources_size(POLICY_SOURCE_SETS) < 14 << 20);
	for (uint32_t i = 0; i < 1000000; i++) {
		a = number(i);
		policy_source_add(policy_source_make(t, 1, &a, START), START);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	for (uint32_t i = 0; i < 1000000; i++) {
		a = number(i);
		found += policy_source_find(t, 1, &a) != NULL;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	spent = (uint64_t)(end.tv_sec - begin.tv_sec) * SECOND +
		(uint64_t)end.tv_nsec - (uint64_t)begin.tv_nsec;
	print_message("# %llu ns for one look-up\n",
	    (unsigned long long)(spent / 1000000));
	assert_int_equal(found, POLICY_SOURCE_SETS * POLICY_SOURCE_WAYS);
	free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_window),
	    cmocka_unit_test(test_full_second),
	    cmocka_unit_test(test_forgotten),
	    cmocka_unit_test(test_a_million),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
