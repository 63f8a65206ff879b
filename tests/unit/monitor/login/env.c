/* The login process's pure parts: a session's environment, cleaned texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "monitor/login/env.h"
#include "monitor/login/login.h"

static void
test_filled(void **state)
{
	struct env e = {0};

	(void)state;
	assert_int_equal(
	    env_fill(&e, "alice", 1000, "/home/alice", "/bin/sh", "xterm"), 0);
	assert_string_equal(env_get(&e, "HOME"), "/home/alice");
	assert_string_equal(env_get(&e, "SHELL"), "/bin/sh");
	assert_string_equal(env_get(&e, "USER"), "alice");
	assert_string_equal(env_get(&e, "LOGNAME"), "alice");
	assert_string_equal(env_get(&e, "MAIL"), "/var/mail/alice");
	assert_string_equal(env_get(&e, "TERM"), "xterm");
	assert_null(strstr(env_get(&e, "PATH"), "sbin"));
	assert_int_equal(e.count, 7);
	assert_null(e.vars[7]);
	env_free(&e);
	assert_int_equal(env_fill(&e, "toor", 0, "/root", "/bin/sh", ""), 0);
	assert_non_null(strstr(env_get(&e, "PATH"), "/sbin"));
	assert_string_equal(env_get(&e, "TERM"), "dumb");
	env_free(&e);
}

static void
test_terms(void **state)
{
	static const char *const good[] = {"vt100", "xterm-256color",
	    "screen.linux", "a_b+c",
	    "0123456789012345678901234567890123456789"};
	static const char *const bad[] = {"", ".x", "a b", "a/b", "a\n", "a=b",
	    "\xc3\xa9", "01234567890123456789012345678901234567890"};

	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct env e = {0};

		assert_int_equal(env_fill(&e, "a", 1, "/", "/x", good[i]), 0);
		assert_string_equal(env_get(&e, "TERM"), good[i]);
		env_free(&e);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct env e = {0};

		assert_int_equal(env_fill(&e, "a", 1, "/", "/x", bad[i]), 0);
		assert_string_equal(env_get(&e, "TERM"), "dumb");
		env_free(&e);
	}
}

static void
test_replaced(void **state)
{
	struct env e = {0};

	(void)state;
	assert_int_equal(env_set(&e, "A", "1"), 0);
	assert_int_equal(env_set(&e, "AB", "2"), 0);
	assert_int_equal(env_put(&e, "A=3=4"), 0);
	assert_int_equal(e.count, 2);
	assert_string_equal(env_get(&e, "A"), "3=4");
	assert_string_equal(env_get(&e, "AB"), "2");
	assert_null(env_get(&e, "B"));
	assert_int_equal(env_put(&e, "none"), ERR_VALUE);
	assert_int_equal(env_put(&e, "=x"), ERR_VALUE);
	assert_int_equal(env_set(&e, "", "x"), ERR_VALUE);
	assert_int_equal(env_set(&e, "A=B", "x"), ERR_VALUE);
	env_free(&e);
}

static void
test_full(void **state)
{
	struct env e = {0};
	char name[16];

	(void)state;
	for (unsigned i = 0; i < ENV_MAX; i++) {
		snprintf(name, sizeof(name), "V%u", i);
		assert_int_equal(env_set(&e, name, ""), 0);
	}
	assert_int_equal(env_set(&e, "ONE", "more"), ERR_FULL);
	assert_int_equal(env_set(&e, "V7", "again"), 0);
	assert_null(e.vars[ENV_MAX]);
	env_free(&e);
	assert_int_equal(e.count, 0);
}

static void
clean(const char *text, const char *wanted)
{
	char got[64] = {0};
	size_t n = login_clean_text((uint8_t *)got, sizeof(got) - 1, text);

	assert_int_equal(n, strlen(wanted));
	assert_string_equal(got, wanted);
}

static void
test_clean(void **state)
{
	uint8_t small[4] = {0};

	(void)state;
	clean("Password: ", "Password: ");
	clean("a\tb\nc", "a\tb\nc");
	clean("a\r\nb", "a\nb");
	clean("\033]0;x\007\177", "?]0;x??");
	clean("Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f");
	clean("", "");
	assert_int_equal(login_clean_text(small, 3, "abcdef"), 3);
	assert_int_equal(small[3], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_filled),
	    cmocka_unit_test(test_terms),
	    cmocka_unit_test(test_replaced),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_clean),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
