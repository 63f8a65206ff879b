/*
 * A session's processes: all of them are found, by the kernel's lists of
 * children and by looking through everybody, and nobody else is touched; also
 * those that fork while they are looked for, that are orphans, and whose first
 * thread has ended. The test is everybody's reaper; what it starts is its own.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>

#include <cmocka.h>

/* NOLINTNEXTLINE(bugprone-suspicious-include): the real one, and its state */
#include "ender/look.c"
/* NOLINTNEXTLINE(bugprone-suspicious-include): likewise */
#include "ender/victim.c"
/* NOLINTNEXTLINE(bugprone-suspicious-include): likewise */
#include "ender/tree.c"

#define NAMES 32
#define LONG_NS (60000 * MILLISECOND)
#define BOMB_MOST 300

/* What the children say of themselves. */
struct world {
	_Atomic int pids[NAMES];
	_Atomic int alive, forks;
	uint64_t until; /* nobody outlives a test that fails */
};

static struct world *world;

enum name { LEADER, CHILD, GRANDCHILD, ORPHAN, OF_ORPHAN, STRANGER };

static noreturn void
rest(enum name name)
{
	alarm(120);
	atomic_store(&world->pids[name], getpid());
	for (;;)
		pause();
}

static pid_t
name_wait(enum name name)
{
	while (atomic_load(&world->pids[name]) == 0)
		time_rest(1);
	return (atomic_load(&world->pids[name]));
}

static struct msg_end_leader
leader_of(pid_t pid, enum end_how how)
{
	struct ptable_row row;

	assert_int_equal(ptable_look(pid, &row), 0);
	return ((struct msg_end_leader){.pid = pid,
	    .parent = getpid(),
	    .uid = UINT32_MAX,
	    .least = row.start,
	    .most = row.start,
	    .how = (uint8_t)how});
}

/* 0 when it is there still; else how it ended. */
static int
status_of(pid_t pid)
{
	int status;

	return (waitpid(pid, &status, WNOHANG) == 0 ? 0 : status);
}

/* Forget everything but whether to scan, and reap whoever is left. */
static void
forget(void)
{
	bool by_scan = scans;

	free(by_pid.entries);
	free(leaders.entries);
	free(reapers.entries);
	by_pid = leaders = reapers = (struct map){0};
	count = 0;
	orphans = false;
	scans = by_scan;
	for (int i = 0; i < NAMES; i++)
		atomic_store(&world->pids[i], 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

/* A leader, a child, and a session that the child's child leads. */
static void
family_run(void)
{
	setsid();
	if (fork() == 0) {
		if (fork() == 0) {
			setsid();
			rest(GRANDCHILD);
		}
		rest(CHILD);
	}
	/* Its parent ends: the test has it, in the leader's group. */
	if (fork() == 0) {
		if (fork() == 0) {
			if (fork() == 0) {
				setsid();
				rest(OF_ORPHAN);
			}
			rest(ORPHAN);
		}
		_exit(0);
	}
	rest(LEADER);
}

static void
family_begin(pid_t *leader, pid_t *stranger)
{
	*stranger = fork();
	if (*stranger == 0)
		rest(STRANGER);
	*leader = fork();
	if (*leader == 0)
		family_run();
	for (int i = LEADER; i <= STRANGER; i++)
		(void)name_wait((enum name)i);
	/* The one in the middle has to be gone. */
	for (struct ptable_row row = {.parent = 0}; row.parent != getpid();)
		assert_int_equal(ptable_look(name_wait(ORPHAN), &row), 0);
}

static void
family_ends(bool by_scan, bool waited)
{
	struct msg_end_leader m;
	pid_t leader, stranger;

	scans = by_scan;
	family_begin(&leader, &stranger);
	m = leader_of(leader, END_NOW);
	assert_int_equal(tree_add_leader(&m), 0);
	assert_int_equal(tree_freeze(false), 0);
	assert_int_equal(count, by_scan ? 5 : 3);
	assert_int_equal(tree_kill(false), 0);
	assert_int_equal(tree_wait(time_boot_ns() + LONG_NS, true), 0);
	if (!by_scan && waited)
		assert_int_equal(status_of(leader), SIGKILL);
	assert_int_equal(tree_has_orphans(), !by_scan);
	assert_int_equal(tree_freeze(true), 0);
	assert_int_equal(count, 5);
	assert_int_equal(tree_kill(true), 0);
	assert_int_equal(tree_wait(time_boot_ns() + LONG_NS, true), 0);
	if (by_scan || !waited)
		assert_int_equal(status_of(leader), SIGKILL);
	assert_int_equal(status_of(name_wait(ORPHAN)), SIGKILL);
	assert_int_equal(status_of(stranger), 0);
	assert_int_equal(kill(stranger, SIGKILL), 0);
	assert_int_equal(waitpid(stranger, NULL, 0), stranger);
	forget();
}

static void
test_all_of_a_session(void **state)
{
	(void)state;
	family_ends(false, true);
	family_ends(false, false);
	assert_false(scans);
	family_ends(true, true);
	scans = false;
}

static void
test_another_process_is_no_leader(void **state)
{
	struct msg_end_leader m;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		rest(STRANGER);
	m = leader_of(pid, END_NOW);
	m.least = ++m.most;
	assert_int_equal(tree_add_leader(&m), ERR_NOT_FOUND);
	m.least = 0;
	m.parent = 1;
	assert_int_equal(tree_add_leader(&m), ERR_NOT_FOUND);
	m.parent = 0;
	m.uid = geteuid() + 1;
	assert_int_equal(tree_add_leader(&m), ERR_NOT_FOUND);
	assert_int_equal(tree_freeze(true), 0);
	assert_int_equal(tree_kill(true), 0);
	assert_int_equal(status_of(pid), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	forget();
}

/* Each forks another and ends, or stays: as many as may be. */
static noreturn void
bomb_run(void)
{
	for (;;) {
		pid_t pid;

		if (time_boot_ns() > world->until)
			_exit(1);
		atomic_fetch_add(&world->forks, 1);
		if (atomic_fetch_add(&world->alive, 1) >= BOMB_MOST) {
			atomic_fetch_sub(&world->alive, 1);
			time_rest(1);
			continue;
		}
		pid = fork();
		if (pid > 0 && atomic_load(&world->forks) % 3 == 0) {
			atomic_fetch_sub(&world->alive, 1);
			_exit(0);
		}
	}
}

static void
test_a_fork_bomb(void **state)
{
	struct msg_end_leader m;
	int forks;
	pid_t leader;

	(void)state;
	world->until = time_boot_ns() + LONG_NS;
	leader = fork();
	if (leader == 0) {
		setsid();
		/* The leader itself stays. */
		if (fork() > 0)
			rest(LEADER);
		bomb_run();
	}
	while (atomic_load(&world->forks) < BOMB_MOST)
		time_rest(1);
	m = leader_of(leader, END_NOW);
	assert_int_equal(tree_add_leader(&m), 0);
	assert_int_equal(tree_freeze(false), 0);
	assert_int_equal(tree_kill(false), 0);
	assert_int_equal(tree_wait(time_boot_ns() + LONG_NS, true), 0);
	assert_true(tree_has_orphans());
	assert_int_equal(tree_freeze(true), 0);
	forks = atomic_load(&world->forks);
	assert_true(count > 1);
	assert_int_equal(tree_kill(true), 0);
	assert_int_equal(tree_wait(time_boot_ns() + LONG_NS, true), 0);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	/* Nobody was left that could go on. */
	assert_int_equal(atomic_load(&world->forks), forks);
	forget();
}

static void *
thread_run(void *arg)
{
	(void)arg;
	rest(LEADER);
}

/* Its /proc entry is a zombie's, and it is none. */
static void
test_a_first_thread_that_has_ended(void **state)
{
	struct ptable_row row;
	struct msg_end_leader m;
	pthread_t thread;
	char path[64], text[512];
	pid_t pid = fork();
	int fd;

	(void)state;
	if (pid == 0) {
		pthread_create(&thread, NULL, thread_run, NULL);
		pthread_exit(NULL);
	}
	(void)name_wait(LEADER);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	do {
		ssize_t n;

		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		assert_true(n > 0);
		text[n] = '\0';
	} while (strstr(text, ") Z ") == NULL);
	assert_int_equal(ptable_look(pid, &row), 0);
	assert_false(row.zombie);
	m = leader_of(pid, END_NOW);
	assert_int_equal(tree_add_leader(&m), 0);
	assert_int_equal(tree_freeze(false), 0);
	assert_int_equal(tree_kill(false), 0);
	assert_int_equal(tree_wait(time_boot_ns() + LONG_NS, true), 0);
	assert_int_equal(status_of(pid), SIGKILL);
	forget();
}

static void
test_grace(void **state)
{
	struct msg_end_leader m;
	pid_t deaf = fork(), last, ready;

	(void)state;
	if (deaf == 0) {
		signal(SIGTERM, SIG_IGN);
		rest(CHILD);
	}
	if ((last = fork()) == 0)
		rest(GRANDCHILD);
	if ((ready = fork()) == 0)
		rest(LEADER);
	(void)name_wait(LEADER);
	(void)name_wait(CHILD);
	(void)name_wait(GRANDCHILD);
	m = leader_of(deaf, END_GRACE);
	assert_int_equal(tree_add_leader(&m), 0);
	m = leader_of(ready, END_GRACE);
	assert_int_equal(tree_add_leader(&m), 0);
	m = leader_of(last, END_LAST);
	assert_int_equal(tree_add_leader(&m), 0);
	assert_int_equal(tree_freeze(false), 0);
	assert_int_equal(tree_kill(false), 0);
	assert_int_equal(waitpid(ready, NULL, 0), ready);
	assert_int_equal(tree_wait(time_boot_ns(), true), 2);
	assert_int_equal(tree_freeze(true), 0);
	assert_int_equal(tree_kill(true), 0);
	assert_int_equal(tree_wait(time_boot_ns() + LONG_NS, true), 0);
	assert_int_equal(status_of(deaf), SIGKILL);
	assert_int_equal(status_of(last), SIGKILL);
	forget();
}

/* Its leader has ended, and has been waited for. */
static void
test_a_group_without_its_leader(void **state)
{
	struct msg_end_leader m = {.how = END_GROUP};
	pid_t leader = fork();

	(void)state;
	if (leader == 0) {
		setsid();
		if (fork() == 0)
			rest(ORPHAN);
		(void)name_wait(ORPHAN);
		_exit(0);
	}
	assert_int_equal(waitpid(leader, NULL, 0), leader);
	m.pid = leader;
	assert_int_equal(tree_add_leader(&m), 0);
	assert_int_equal(tree_freeze(false), 0);
	assert_int_equal(count, 2);
	assert_int_equal(tree_kill(false), 0);
	assert_int_equal(tree_wait(time_boot_ns() + LONG_NS, true), 0);
	assert_int_equal(status_of(name_wait(ORPHAN)), SIGKILL);
	scans = false;
	forget();
}

static int
setup(void **state)
{
	(void)state;
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return (world == MAP_FAILED ||
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_of_a_session),
	    cmocka_unit_test(test_another_process_is_no_leader),
	    cmocka_unit_test(test_a_fork_bomb),
	    cmocka_unit_test(test_a_first_thread_that_has_ended),
	    cmocka_unit_test(test_grace),
	    cmocka_unit_test(test_a_group_without_its_leader),
	};

	return (cmocka_run_group_tests(tests, setup, NULL));
}
