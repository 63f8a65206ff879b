/*
 * The table of logins: what a login costs where many are there, and that the
 * record of a session which is over is found again. The work is counted: looks
 * for a session among those that run.
 */
#include "monitor/logins/logins.c" /* NOLINT(bugprone-suspicious-include): its statics */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

static struct monitor mon;
static struct plan in_force;
static uint64_t over; /* sessions up to this one have ended */
static unsigned looks;

/* --- the monitor's other parts, played
 * ---------------------------------------- */

struct end_process
adopted_find(uint64_t session)
{
	looks++;
	return ((struct end_process){.pid = session > over ? 2 : 0});
}

bool
loginproc_runs(uint64_t session)
{
	(void)session;
	return (false);
}

/* --- tests
 * --------------------------------------------------------------------- */

static int
setup(void **state)
{
	static char folder[] = "/tmp/portreeve-logins-XXXXXX";
	char path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/state", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(mon.run_dir, sizeof(mon.run_dir), "%s", folder);
	mon.plan = &in_force;
	TAILQ_INIT(&mon.procs);
	assert_int_equal(logins_open(&mon), 0);
	snprintf(path, sizeof(path), "%s/state/logins", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/state", folder);
	rmdir(path);
	rmdir(folder);
	return (0);
}

/* The looks that one login takes. */
static unsigned
put(uint64_t session, uid_t uid)
{
	looks = 0;
	assert_non_null(logins_put(&mon, session, uid, "alice"));
	assert_int_equal(logins_find(session)->session, session);
	return (looks);
}

static void
test_a_login_costs_the_same_at_10_and_at_10000(void **state)
{
	uint64_t session = 1;

	(void)state;
	while (session <= 10)
		put(session++, 7);
	assert_in_range(put(session++, 7), 0, LOGINS_LOOK);
	while (session <= 10000)
		put(session++, 7);
	assert_in_range(put(session++, 7), 0, LOGINS_LOOK);
	/* One user's count looks at that user's only. */
	in_force.is.user_sessions = 5;
	put(session, 8);
	looks = 0;
	assert_null(logins_user_refusal(&mon, 8, session + 1, 0));
	assert_int_equal(looks, 1);
	assert_non_null(logins_user_refusal(&mon, 7, session + 1, 0));
	in_force.is.user_sessions = 0;
	session++;
	/* All are over: their records are taken again, the file grows little.
	 */
	over = session - 1;
	for (unsigned high = logins_high, i = 0; i < 10000; i++) {
		put(session++, 7);
		assert_in_range(logins_high, high, high + 1);
		over = session - 1;
	}
	logins_remove(session - 1);
	assert_null(logins_find(session - 1));
}

/* Whoever makes the login has counted; what it could not count is refused. */
static void
test_processes(void **state)
{
	(void)state;
	assert_null(logins_user_refusal(&mon, 9, 1, USERCOUNT_UNKNOWN));
	in_force.is.user_processes = 5;
	assert_null(logins_user_refusal(&mon, 9, 1, 4));
	assert_string_equal(logins_user_refusal(&mon, 9, 1, 5), "user-limit");
	assert_string_equal(
	    logins_user_refusal(&mon, 9, 1, USERCOUNT_UNKNOWN), "no-resources");
	assert_null(logins_user_refusal(&mon, 0, 1, 5));
	in_force.is.user_processes = 0;
}

/* Full of sessions that run: no login more; of some that do not: one. */
static void
test_a_full_table(void **state)
{
	uint64_t session = 100000;

	(void)state;
	over = 99999;
	while (logins_put(&mon, session, 7, "alice") != NULL)
		session++;
	assert_int_equal(session - 100000, LOGINS_MAX);
	over = 100000 + LOGINS_MAX - 1;
	assert_non_null(logins_put(&mon, session, 7, "alice"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_login_costs_the_same_at_10_and_at_10000),
	    cmocka_unit_test(test_processes),
	    cmocka_unit_test(test_a_full_table),
	};

	return (cmocka_run_group_tests(tests, setup, NULL));
}
