/*
 * A user's processes, counted as the kernel's limit counts them; and what
 * cannot be counted is unknown, never none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/usercount.h"

/* No account's; a test that runs beside this one has others. */
#define UID_OF(pid) ((uid_t)(1500000000 + (pid)))

static void *
wait_for_ever(void *arg)
{
	pause();
	return (arg);
}

/* A process of that uid with so many threads, that says when it is there. */
static pid_t
process_of(uid_t uid, int threads)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		bool good = setresuid(uid, uid, uid) == 0;
		pthread_t t;

		while (good && --threads > 0)
			good =
			    pthread_create(&t, NULL, wait_for_ever, NULL) == 0;
		if (!good || write(ready[1], "", 1) != 1)
			_exit(1);
		wait_for_ever(NULL);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return (pid);
}

static void
test_processes_and_threads(void **state)
{
	uid_t uid = UID_OF(getpid());
	pid_t one, three;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(usercount(uid), 0);
	one = process_of(uid, 1);
	assert_int_equal(usercount(uid), 1);
	three = process_of(uid, 3);
	assert_int_equal(usercount(uid), 4);
	kill(one, SIGKILL);
	assert_int_equal(waitpid(one, NULL, 0), one);
	assert_int_equal(usercount(uid), 3);
	kill(three, SIGKILL);
	assert_int_equal(waitpid(three, NULL, 0), three);
	assert_int_equal(usercount(uid), 0);
}

/* Neither the folder nor what lies in it can be opened. */
static void
test_what_cannot_be_read_is_unknown(void **state)
{
	(void)state;
	for (rlim_t most = 3; most <= 4; most++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			struct rlimit limit = {most, most};

			closefrom(3);
			if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
				_exit(2);
			_exit(
			    usercount(UID_OF(0)) == USERCOUNT_UNKNOWN ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_processes_and_threads),
	    cmocka_unit_test(test_what_cannot_be_read_is_unknown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
