/*
 * What a role's process is, and what its end means: each state with each event.
 */
#include "monitor/roles/proc.c" /* NOLINT(bugprone-suspicious-include): its statics */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* --- the monitor's other parts, played -------------------------------------
 */

struct monitor *
table_monitor(void)
{
	return (NULL);
}

void
loop_timer_in(
    struct loop_timer *t, uint64_t delay, void (*cb)(void *arg), void *arg)
{
	(void)t;
	(void)delay;
	(void)cb;
	(void)arg;
}

void
loop_unwatch(struct watch **w)
{
	*w = NULL;
}

bool
outbox_holds(const struct proc *p)
{
	(void)p;
	return (false);
}

void
outbox_clear(struct proc *p)
{
	(void)p;
}

int
outbox_flush(struct proc *p)
{
	(void)p;
	return (0);
}

int
outbox_send(struct proc *p, enum msg_type type, const void *msg, const int *fds,
    size_t nfds)
{
	(void)p;
	(void)type;
	(void)msg;
	(void)fds;
	(void)nfds;
	return (0);
}

void
reserve_use(void)
{
}

void
reserve_keep(void)
{
}

/* --- tests -----------------------------------------------------------------
 */

static void
test_states(void **state)
{
	/* A letter for each event: READY, RETIRES, STOPPED, KILLED, ENDS. */
	static const char *const expected[PROC_STATES] = {
	    [PROC_STARTING] = "uSske",
	    [PROC_UP] = "urske",
	    [PROC_RETIRED] = "rrske",
	    [PROC_STOPPING] = "sssse",
	    [PROC_KILLED] = "kkske",
	    [PROC_ENDED] = "eeeee",
	};
	static const char names[PROC_STATES] = {'S', 'u', 'r', 's', 'k', 'e'};
	struct proc p = {0};

	(void)state;
	for (int s = 0; s < PROC_STATES; s++) {
		for (int e = 0; e < PROC_EVENTS; e++) {
			p.state = (enum proc_state)s;
			assert_int_equal(
			    names[proc_step(&p, (enum proc_event)e)],
			    expected[s][e]);
		}
	}
}

/* Only one that may be meant is found, and nobody's number is signalled. */
static void
test_who_is_found(void **state)
{
	static struct monitor mon;
	struct proc p = {.role = ROLE_MASTER, .pid = -1};

	(void)state;
	TAILQ_INIT(&mon.procs);
	TAILQ_INSERT_TAIL(&mon.procs, &p, next);
	assert_ptr_equal(proc_find(&mon, ROLE_MASTER, SERVICE_COUNT), &p);
	assert_null(proc_find_up(&mon, ROLE_MASTER, SERVICE_COUNT));
	(void)proc_step(&p, PROC_IS_READY);
	assert_ptr_equal(proc_find_up(&mon, ROLE_MASTER, SERVICE_COUNT), &p);
	(void)proc_step(&p, PROC_ENDS);
	assert_null(proc_find(&mon, ROLE_MASTER, SERVICE_COUNT));
	assert_false(proc_serves(&p));
	proc_kill(&mon, &p, "too late");
	assert_string_equal(p.reason, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_states),
	    cmocka_unit_test(test_who_is_found),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
