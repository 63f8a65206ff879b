/* How long a session goes on behind its client's last byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workers/telnet/tail.h"

#define S UINT64_C(1000000000)

static void
test_not_begun(void **state)
{
	struct telnet_tail t = {0};

	(void)state;
	assert_true(telnet_tail_due(&t) == UINT64_MAX);
	telnet_tail_heard(&t, 5 * S);
	assert_true(telnet_tail_due(&t) == UINT64_MAX);
	assert_int_equal(telnet_tail_act(&t, 900 * S), TELNET_TAIL_WAIT);
}

/* Silence: eight ends of file, then further and further apart, then the end. */
static void
test_silence(void **state)
{
	struct telnet_tail t = {0};
	uint64_t now = 100 * S, wait = S;

	(void)state;
	telnet_tail_begin(&t, now);
	for (int i = 0; i < 15; i++, wait *= i < 8 ? 1 : 2) {
		assert_true(telnet_tail_due(&t) == now + wait);
		assert_int_equal(
		    telnet_tail_act(&t, now + wait - 1), TELNET_TAIL_WAIT);
		now += wait;
		assert_int_equal(telnet_tail_act(&t, now),
		    i < 2 ? TELNET_TAIL_TYPE : TELNET_TAIL_AFRESH);
	}
	assert_int_equal(
	    telnet_tail_act(&t, now + 256 * S - 1), TELNET_TAIL_WAIT);
	assert_int_equal(telnet_tail_act(&t, now + 256 * S), TELNET_TAIL_END);
}

/* Whoever says something is not interrupted, however long that takes. */
static void
test_output(void **state)
{
	struct telnet_tail t = {0};
	uint64_t now = 0;

	(void)state;
	telnet_tail_begin(&t, now);
	for (int i = 0; i < 10000; i++) {
		now += S - 1;
		assert_int_equal(telnet_tail_act(&t, now), TELNET_TAIL_WAIT);
		telnet_tail_heard(&t, now);
	}
	assert_int_equal(telnet_tail_act(&t, now + S), TELNET_TAIL_TYPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_not_begun),
	    cmocka_unit_test(test_silence),
	    cmocka_unit_test(test_output),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
