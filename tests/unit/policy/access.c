/* Whom lists of networks let in, against the words of the manual. */
#include <string.h>

#include "lib/err.h"
#include "policy/access.h"
#include "tests/stage/model.h"

static struct policy_prefixes
list(const char *const *texts)
{
	uint8_t wire[POLICY_PREFIXES_MAX * PREFIX_WIRE];
	struct policy_prefixes out;
	struct prefix p;
	size_t n = 0;

	for (; *texts != NULL; texts++) {
		assert_int_equal(prefix_parse(&p, *texts), 0);
		prefix_put(&p, wire + n);
		n += PREFIX_WIRE;
	}
	assert_int_equal(policy_prefixes_read(&out, wire, n), 0);
	return (out);
}

#define LIST(...) list((const char *const[]){__VA_ARGS__, NULL})

static bool
allows(const struct policy_access *access, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 0), 0);
	return (policy_access_allows(access, &a, NULL));
}

static void
test_the_longest_decides(void **state)
{
	struct policy_access a = {
	    .allow = LIST("192.0.2.0/24", "192.0.2.128/32", "2001:db8::/32"),
	    .deny = LIST("192.0.2.128/25", "192.0.2.7/32", "10.0.0.0/8")};

	(void)state;
	assert_true(allows(&a, "192.0.2.1"));
	assert_false(allows(&a, "192.0.2.129"));
	assert_true(allows(&a, "192.0.2.128"));
	assert_false(allows(&a, "192.0.2.7"));
	assert_false(allows(&a, "10.1.1.1"));
	assert_false(allows(&a, "198.51.100.1"));
	assert_true(allows(&a, "2001:db8::1"));
	assert_false(allows(&a, "2001:db9::1"));
}

static void
test_the_same_denies(void **state)
{
	struct policy_access a = {
	    .allow = LIST("192.0.2.0/24"), .deny = LIST("192.0.2.0/24")};

	(void)state;
	assert_false(allows(&a, "192.0.2.1"));
}

static void
test_without_allow(void **state)
{
	struct policy_access none = {.allow.count = 0};
	struct policy_access a = {.deny = LIST("192.0.2.0/24")};

	(void)state;
	assert_true(allows(&none, "192.0.2.1"));
	assert_false(allows(&a, "192.0.2.1"));
	assert_true(allows(&a, "192.0.3.1"));
	assert_true(allows(&a, "::1"));
}

static void
test_bytes_that_are_none(void **state)
{
	static uint8_t wire[(POLICY_PREFIXES_MAX + 1) * PREFIX_WIRE];
	struct policy_prefixes out;

	(void)state;
	assert_int_equal(policy_prefixes_read(&out, wire, 17), ERR_VALUE);
	assert_int_equal(
	    policy_prefixes_read(&out, wire, sizeof(wire)), ERR_VALUE);
	assert_int_equal(
	    policy_prefixes_read(&out, wire, sizeof(wire) - PREFIX_WIRE), 0);
	assert_int_equal(out.count, POLICY_PREFIXES_MAX);
	wire[PREFIX_WIRE] = FAMILY_COUNT;
	assert_int_equal(
	    policy_prefixes_read(&out, wire, 2 * PREFIX_WIRE), ERR_VALUE);
	assert_int_equal(out.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_longest_decides),
	    cmocka_unit_test(test_the_same_denies),
	    cmocka_unit_test(test_without_allow),
	    cmocka_unit_test(test_bytes_that_are_none),
	};

	return (
	    cmocka_run_group_tests_name("policy/access", tests, NULL, NULL));
}
