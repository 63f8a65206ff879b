/* The nearest word: slips of the pen, beginnings, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/near.h"

static void
test_distance(void **state)
{
	(void)state;
	assert_int_equal(near_distance("port", "port"), 0);
	assert_int_equal(near_distance("Port", "port"), 0);
	assert_int_equal(near_distance("root_login", "root-login"), 0);
	assert_int_equal(near_distance("prot", "port"), 1);
	assert_int_equal(near_distance("", "abc"), 3);
	assert_int_equal(near_distance("abc", ""), 3);
	assert_int_equal(near_distance("ca", "abc"), 3); /* no overlap */
	assert_int_equal(near_distance("fniger", "finger"), 1);
	assert_int_equal(near_distance("relaod", "reload"), 1);
	assert_int_equal(near_distance("kitten", "sitting"), 3);
}

static const char *
meant(const char *word)
{
	static const char *const names[] = {"show", "check", "clear", "reload",
	    "session", "sessions", "services", "configuration"};
	struct near n;

	near_start(&n, word);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		near_try(&n, names[i]);
	return (near_meant(&n));
}

static void
test_meant(void **state)
{
	(void)state;
	assert_string_equal(meant("hsow"), "show");
	assert_string_equal(meant("chekc"), "check");
	assert_string_equal(meant("cleer"), "clear");
	assert_string_equal(meant("serivce"), "services");
	assert_string_equal(meant("conf"), "configuration");
	assert_string_equal(meant("sessoin"), "session");
	/* Two begin so: none is meant. */
	assert_null(meant("sess"));
	assert_null(meant("stop"));
	assert_null(meant("x"));
	assert_null(meant(""));
	assert_null(meant("a-word-that-is-much-longer-than-any-of-all-of-them-"
			  "together"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_distance),
	    cmocka_unit_test(test_meant),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
