/*
 * The table of login processes: what one may do when, how many are being made,
 * and which it holds.
 */
#include "monitor/logins/loginproc.c" /* NOLINT(bugprone-suspicious-include): its statics */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct monitor mon;

/* --- the monitor's other parts, played -------------------------------------
 */

bool
slots_verify(const struct slot *slot, pid_t parent, struct ptable_row *row)
{
	(void)slot;
	(void)parent;
	(void)row;
	return (false);
}

void
loop_timer_clear(struct loop_timer *t)
{
	(void)t;
}

void
loop_unwatch(struct watch **w)
{
	*w = NULL;
}

/* --- tests -----------------------------------------------------------------
 */

static void
test_what_may_be_done_when(void **state)
{
	/* A letter for each event from STARTS to ENDS: the next state, or -. */
	static const char *const expected[LOGINPROC_STATES] = {
	    [LOGINPROC_NEW] = "w-o-Oo",
	    [LOGINPROC_WAITING] = "-tw--o",
	    [LOGINPROC_TRYING] = "-twa-o",
	    [LOGINPROC_ALLOWED] = "--w-Oo",
	    [LOGINPROC_OPEN] = "-----o",
	    [LOGINPROC_OVER] = "-----o",
	};
	static const char letters[] = "nwtaOo";
	struct loginproc p = {0};

	(void)state;
	for (int s = 0; s < LOGINPROC_STATES; s++) {
		for (int e = LOGINPROC_STARTS; e < LOGINPROC_EVENTS; e++) {
			char want = expected[s][e - LOGINPROC_STARTS];
			enum loginproc_state before = (enum loginproc_state)s;
			bool may;

			p.state = before;
			may = loginproc_step(&p, (enum loginproc_does)e);
			assert_int_equal(may, want != '-');
			assert_int_equal(letters[p.state],
			    want == '-' ? letters[before] : want);
		}
	}
	nmaking = 0;
}

static void
test_counts_what_is_being_made(void **state)
{
	struct loginproc *p = loginproc_new(&mon, 7);

	(void)state;
	assert_non_null(p);
	assert_int_equal(loginproc_making(), 0);
	assert_int_equal(loginproc_set_pid(p, 1234), 0);
	assert_true(loginproc_step(p, LOGINPROC_STARTS));
	assert_int_equal(loginproc_making(), 1);
	assert_true(loginproc_step(p, LOGINPROC_TRIES));
	assert_false(loginproc_step(p, LOGINPROC_OPENS));
	assert_true(loginproc_step(p, LOGINPROC_MAY));
	assert_int_equal(loginproc_making(), 1);
	assert_true(loginproc_step(p, LOGINPROC_OPENS));
	assert_int_equal(loginproc_making(), 0);
	assert_ptr_equal(loginproc_of(1234), p);
	assert_ptr_equal(loginproc_find(7), p);
	assert_true(loginproc_any());
	loginproc_free(p);
	assert_null(loginproc_of(1234));
	assert_null(loginproc_find(7));
	assert_false(loginproc_any());
	assert_int_equal(loginproc_making(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_may_be_done_when),
	    cmocka_unit_test(test_counts_what_is_being_made),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
