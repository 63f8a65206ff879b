/*
 * A sealed role and its monitor's life: it ends when its parent does, whatever
 * it was doing; what it forked does not. The test is everybody's reaper.
 */
#include <sys/prctl.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "tests/stage/sealed.h"

/* Sealed, it says whom it forked (0: nobody), and hangs. */
static void
role_run(enum sandbox_profile id, const struct sandbox_params *params, int fd,
    bool forks)
{
	struct sandbox_report report;
	pid_t pids[2] = {getpid(), 0};

	sealed_or_exit(id, params, &report);
	if (forks && (pids[1] = fork()) == 0)
		poll(NULL, 0, 60000);
	(void)send(fd, pids, sizeof(pids), MSG_NOSIGNAL);
	for (;;)
		poll(NULL, 0, 60000);
}

/* Start a monitor with one role, end the monitor; the role's pids. */
static void
monitor_dies(enum sandbox_profile id, bool forks, pid_t pids[2])
{
	struct sandbox_params params = sealed_params(id);
	int pair[2], status;
	pid_t monitor;

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	assert_true((monitor = fork()) >= 0);
	if (monitor == 0) {
		params.parent = getpid();
		if (fork() == 0)
			role_run(id, &params, pair[1], forks);
		close(pair[1]);
		for (;;)
			poll(NULL, 0, 60000);
	}
	close(pair[1]);
	assert_int_equal(
	    recv(pair[0], pids, 2 * sizeof(pid_t), 0), 2 * sizeof(pid_t));
	close(pair[0]);
	assert_int_equal(kill(monitor, SIGKILL), 0);
	assert_int_equal(waitpid(monitor, &status, 0), monitor);
}

static void
test_ends_with_its_monitor(void **state)
{
	int status;

	(void)state;
	for (int id = 0; id < SANDBOX_PROFILE_COUNT; id++) {
		pid_t pids[2];

		monitor_dies((enum sandbox_profile)id, false, pids);
		assert_int_equal(waitpid(pids[0], &status, 0), pids[0]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
	}
}

/* Workers, sshd and programs outlive the monitor, and their zygote. */
static void
test_a_child_does_not(void **state)
{
	static const enum sandbox_profile ids[] = {
	    SANDBOX_ZYGOTE_TELNET, SANDBOX_ZYGOTE_SSH, SANDBOX_ZYGOTE_EXEC};
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		pid_t pids[2];

		monitor_dies(ids[i], true, pids);
		assert_int_equal(waitpid(pids[0], &status, 0), pids[0]);
		assert_true(pids[1] > 0);
		assert_int_equal(waitpid(pids[1], &status, WNOHANG), 0);
		assert_int_equal(kill(pids[1], SIGKILL), 0);
		assert_int_equal(waitpid(pids[1], &status, 0), pids[1]);
	}
}

static int
act_unbind(const void *arg)
{
	(void)arg;
	return (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) == 0 ? 0 : errno);
}

/* Those that have a filter cannot give the bond up. */
static void
test_the_bond_stays(void **state)
{
	(void)state;
	for (int id = 0; id < SANDBOX_PROFILE_COUNT; id++) {
		const struct profile *p = profile_get((enum sandbox_profile)id);
		struct outcome out;

		if (!p->sealed)
			continue;
		out = sealed_run((enum sandbox_profile)id, act_unbind, NULL);
		if (p->programs) /* it fails, gently */
			assert_int_equal(out.status, EPERM);
		else
			assert_int_equal(out.signal, SIGSYS);
	}
}

/* The monitor was gone before the bond was made. */
static void
test_another_parent(void **state)
{
	(void)state;
	for (int id = 0; id < SANDBOX_PROFILE_COUNT; id++) {
		struct sandbox_params p =
		    sealed_params((enum sandbox_profile)id);
		struct sandbox_report report;
		int status;
		pid_t pid;

		p.parent = 1;
		if ((pid = fork()) == 0)
			_exit(sandbox_seal((enum sandbox_profile)id, &p,
				  &report) == ERR_REFUSED &&
				      strstr(report.error, "parent") != NULL
				  ? 0
				  : 1);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ends_with_its_monitor),
	    cmocka_unit_test(test_a_child_does_not),
	    cmocka_unit_test(test_the_bond_stays),
	    cmocka_unit_test(test_another_parent),
	};

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		return (1);
	return (cmocka_run_group_tests(tests, sealed_setup, sealed_teardown));
}
