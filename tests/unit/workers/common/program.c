/*
 * The program zygote's life: programs started, ended, failed, returned; new
 * masters, a monitor that goes, breaches; nothing leaked.
 */
#include "tests/stage/prog.h"

static const struct program_ops exec_ops = {
    .exec = raw_execve, .peer_environment = true};

static void
new_exec(struct prog *z, const char *const *argv)
{
	struct msg_program m;

	prog_message(&m, argv[0], argv);
	prog_new(z, &exec_ops, &m);
}

static void
test_cat(void **state)
{
	static const char *const argv[] = {"/bin/cat", NULL};
	struct prog z;
	struct slot s;
	char buf[32];
	int fd;

	(void)state;
	new_exec(&z, argv);
	fd = prog_start_one(&z, 5, 99);
	assert_int_equal(write(fd, "hello\n", 6), 6);
	read_line(fd, buf, sizeof(buf));
	assert_string_equal(buf, "hello");

	assert_int_equal(slot_read(z.slots, 5, &s), 0);
	assert_int_equal(atomic_load(&s.use), SLOT_RUNNING);
	assert_int_equal(s.session, 99);
	assert_int_equal(s.port, 40112);
	assert_int_equal(getpgid(s.pid), s.pid);
	assert_int_equal(getsid(s.pid), s.pid);
	assert_int_equal(slot_find_pid(z.slots, s.pid), 5);
	assert_int_equal(slot_find_session(z.slots, 99), 5);
	assert_int_equal(z.slots->zygote, z.pid);
	assert_int_equal(z.slots->magic, SLOT_TABLE_MAGIC);

	shutdown(fd, SHUT_WR);
	prog_expect_ended(&z, 5, 99, ENDED_EXITED, 0);
	close(fd);
	prog_stop(&z);
}

static void
test_exec_fails(void **state)
{
	static const char *const argv[] = {"/nonexistent/program", NULL};
	struct prog z;
	char buf[8];
	int fd;

	(void)state;
	new_exec(&z, argv);
	fd = prog_start_one(&z, 0, 1);
	prog_expect_ended(&z, 0, 1, ENDED_FAILED, ENOENT);
	assert_int_equal(z.slots->slots[0].step, STEP_EXEC);
	assert_int_equal(stage_read_all(fd, buf, sizeof(buf)), 0);
	close(fd);
	prog_stop(&z);
}

/* A user of its own, who may have no process more. */
static void
limit_processes(void)
{
	struct rlimit none = {0, 0};

	if ((geteuid() == 0 && setresuid(64992, 64992, 64992) < 0) ||
	    setrlimit(RLIMIT_NPROC, &none) < 0)
		_exit(97);
}

/* The connection comes back, with the reason, and the zygote keeps nothing. */
static void
test_without_a_process_it_is_given_back(void **state)
{
	static const char *const argv[] = {"/bin/true", NULL};
	struct prog z;
	struct msg_program m;
	struct ipc_in in;
	char buf[8];

	(void)state;
	prog_message(&m, argv[0], argv);
	prog_new_limited(&z, &exec_ops, &m, limit_processes);
	for (uint32_t i = 0; i < 300; i++) {
		int fd = prog_start_one(&z, 0, i + 1);

		stage_expect(&z.master, MSG_RETURNED, &in);
		assert_int_equal(in.msg.returned.slot, 0);
		assert_int_equal(in.msg.returned.session, i + 1);
		assert_int_equal(in.msg.returned.error, EAGAIN);
		assert_int_equal(in.msg.returned.step, STEP_FORK);
		assert_int_equal(in.nfds, 1);
		assert_int_equal(write(in.fds[0], "back", 4), 4);
		assert_int_equal(read_some(fd, buf, sizeof(buf)), 4);
		ipc_in_close(&in);
		assert_int_equal(read_some(fd, buf, sizeof(buf)), 0);
		close(fd);
	}
	assert_int_equal(slot_find_session(z.slots, 300), -1);
	prog_stop(&z);
}

/* Of the last ones no pidfd can be had. */
static void
limit_files(void)
{
	struct rlimit few = {200, 200};

	if (setrlimit(RLIMIT_NOFILE, &few) < 0)
		_exit(97);
}

/* All die while the zygote sleeps: one SIGCHLD tells of them. */
static void
test_many_end_at_a_time(void **state)
{
	enum { MANY = 50 };
	static const char *const argv[] = {"/bin/cat", NULL};
	static bool ended[MANY];
	struct prog z;
	struct msg_program m;
	struct ipc_in in;
	struct slot s;
	int fd[MANY];
	char buf[8];

	(void)state;
	prog_message(&m, argv[0], argv);
	prog_new_limited(&z, &exec_ops, &m, limit_files);
	for (uint32_t i = 0; i < MANY; i++) {
		fd[i] = prog_start_one(&z, i, i + 1);
		assert_int_equal(write(fd[i], "up\n", 3), 3);
		assert_int_equal(read_some(fd[i], buf, sizeof(buf)), 3);
	}
	assert_int_equal(kill(z.pid, SIGSTOP), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(slot_read(z.slots, i, &s), 0);
		assert_int_equal(slot_find_pid(z.slots, s.pid), i);
		assert_int_equal(kill(s.pid, SIGKILL), 0);
		assert_int_equal(read_some(fd[i], buf, sizeof(buf)), 0);
		close(fd[i]);
	}
	assert_int_equal(kill(z.pid, SIGCONT), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		stage_expect(&z.master, MSG_ENDED, &in);
		assert_int_equal(in.msg.ended.how, ENDED_SIGNAL);
		assert_false(ended[in.msg.ended.slot]);
		ended[in.msg.ended.slot] = true;
	}
	prog_stop(&z);
}

/* The program's user, who has the child from when it changed its uid. */
static int
exec_stopped(const char *path, char *const argv[], char *const envp[])
{
	kill(getpid(), SIGSTOP);
	return (raw_execve(path, argv, envp));
}

static char
process_state(int32_t pid)
{
	char path[64], text[256] = "";
	const char *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f == NULL)
		return ('?');
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	fclose(f);
	end = strrchr(text, ')');
	return (end != NULL && end[1] == ' ' ? end[2] : '?');
}

/* A child that is stopped between its change of uid and its exec. */
static void
test_a_stopped_child_is_waited_for_by_nobody(void **state)
{
	static const struct program_ops stopped_ops = {.exec = exec_stopped};
	static const char *const argv[] = {"cat", NULL};
	struct prog z;
	struct msg_program m;
	struct msg_ping ping = {.number = 4711};
	struct ipc_in in;
	struct slot s;
	int fd[3];

	(void)state;
	prog_message(&m, "/bin/cat", argv);
	prog_new(&z, &stopped_ops, &m);
	for (uint32_t i = 0; i < 3; i++)
		fd[i] = prog_start_one(&z, i, i + 1);
	/* All are started, and the zygote answers. */
	assert_int_equal(ipc_send(&z.monitor, MSG_PING, &ping, NULL, 0), 0);
	stage_expect(&z.monitor, MSG_PONG, &in);
	for (uint32_t i = 0; i < 3; i++) {
		while (slot_read(z.slots, i, &s) != 0 || s.pid == 0)
			usleep(1000);
		if (i == 0) {
			/* Ended as it is. */
			assert_int_equal(kill(s.pid, SIGKILL), 0);
			prog_expect_ended(&z, 0, 1, ENDED_SIGNAL, SIGKILL);
			continue;
		}
		/* Or let go: then it is what it was to be. */
		while (process_state(s.pid) != 'T')
			usleep(1000);
		assert_int_equal(kill(s.pid, SIGCONT), 0);
		assert_int_equal(write(fd[i], "hello\n", 6), 6);
		assert_int_equal(shutdown(fd[i], SHUT_WR), 0);
		prog_expect_ended(&z, i, i + 1, ENDED_EXITED, 0);
	}
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	prog_stop(&z);
}

static void
test_status_and_signal(void **state)
{
	static const char *const argv[] = {"/bin/sh", "-c",
	    "read x; case $x in k) kill -9 $$;; *) exit 7;; esac", NULL};
	struct prog z;
	int fd;

	(void)state;
	new_exec(&z, argv);
	fd = prog_start_one(&z, 1, 2);
	assert_int_equal(write(fd, "k\n", 2), 2);
	prog_expect_ended(&z, 1, 2, ENDED_SIGNAL, SIGKILL);
	close(fd);
	fd = prog_start_one(&z, 1, 3);
	assert_int_equal(write(fd, "e\n", 2), 2);
	prog_expect_ended(&z, 1, 3, ENDED_EXITED, 7);
	close(fd);
	prog_stop(&z);
}

static void
test_slot_in_use_is_a_breach(void **state)
{
	static const char *const argv[] = {"/bin/cat", NULL};
	struct prog z;
	struct ipc_in in;
	int a, b;

	(void)state;
	new_exec(&z, argv);
	a = prog_start_one(&z, 3, 10);
	b = prog_start_one(&z, 3, 11);
	assert_int_equal(ipc_recv(&z.master, &in), ERR_CLOSED);
	close(b);

	/* The session goes on, and a new master hears of its end. */
	ipc_channel_close(&z.master);
	prog_attach(&z);
	shutdown(a, SHUT_WR);
	prog_expect_ended(&z, 3, 10, ENDED_EXITED, 0);
	close(a);
	prog_stop(&z);
}

static void
test_too_many_fds_is_a_breach(void **state)
{
	static const char *const argv[] = {"/bin/cat", NULL};
	struct prog z;
	struct msg_start m;
	struct ipc_in in;
	int fds[3] = {0, 1, 2}, before;

	(void)state;
	new_exec(&z, argv);
	before = stage_count_fds(z.pid);
	prog_start_message(&m, 3, 10);
	assert_int_equal(ipc_send(&z.master, MSG_START, &m, fds, 3), 0);
	assert_int_equal(ipc_recv(&z.master, &in), ERR_CLOSED);
	assert_int_equal(stage_count_fds(z.pid), before - 1);
	prog_stop(&z);
}

/* What ended while there was no master is in the slot table. */
static void
test_master_dies(void **state)
{
	static const char *const argv[] = {"/bin/cat", NULL};
	struct prog z;
	struct slot s;
	char buf[8];
	int a, b;

	(void)state;
	new_exec(&z, argv);
	a = prog_start_one(&z, 0, 1);
	b = prog_start_one(&z, 1, 2);
	assert_int_equal(write(b, "x\n", 2), 2);
	read_line(b, buf, sizeof(buf));
	ipc_channel_close(&z.master);
	shutdown(a, SHUT_WR);
	stage_read_all(a, buf, sizeof(buf));
	prog_attach(&z);
	do {
		assert_int_equal(slot_read(z.slots, 0, &s), 0);
	} while (atomic_load(&s.use) != SLOT_ENDED);
	assert_int_equal(s.session, 1);
	assert_int_equal(slot_read(z.slots, 1, &s), 0);
	assert_int_equal(atomic_load(&s.use), SLOT_RUNNING);
	shutdown(b, SHUT_WR);
	for (;;) {
		struct ipc_in in;

		stage_expect(&z.master, MSG_ENDED, &in);
		if (in.msg.ended.session == 2)
			break;
		assert_int_equal(in.msg.ended.session, 1);
	}
	close(a);
	close(b);
	prog_stop(&z);
}

static void
test_monitor_dies(void **state)
{
	static const char *const argv[] = {"/bin/cat", NULL};
	struct prog z;
	char buf[8];
	int fd;

	(void)state;
	new_exec(&z, argv);
	fd = prog_start_one(&z, 0, 1);
	assert_int_equal(write(fd, "x\n", 2), 2);
	read_line(fd, buf, sizeof(buf));
	ipc_channel_close(&z.monitor);
	assert_int_equal(prog_wait(&z), 1);
	assert_int_equal(write(fd, "y\n", 2), 2);
	read_line(fd, buf, sizeof(buf));
	assert_string_equal(buf, "y");
	close(fd);
}

static void
test_stop_returns_and_waits(void **state)
{
	static const char *const argv[] = {"/bin/cat", NULL};
	struct msg_stop stop = {.keep_sessions = 1};
	struct prog z;
	struct ipc_in in;
	int a, b, status;
	char buf[8];

	(void)state;
	new_exec(&z, argv);
	a = prog_start_one(&z, 0, 1);
	assert_int_equal(write(a, "x\n", 2), 2);
	read_line(a, buf, sizeof(buf));
	assert_int_equal(ipc_send(&z.monitor, MSG_STOP, &stop, NULL, 0), 0);
	b = prog_start_one(&z, 1, 2);
	stage_expect(&z.master, MSG_RETURNED, &in);
	assert_int_equal(in.msg.returned.slot, 1);
	assert_int_equal(in.msg.returned.session, 2);
	assert_int_equal(in.nfds, 1);
	ipc_in_close(&in);
	close(b);
	assert_int_equal(waitpid(z.pid, &status, WNOHANG), 0);
	shutdown(a, SHUT_WR);
	prog_expect_ended(&z, 0, 1, ENDED_EXITED, 0);
	close(a);
	assert_int_equal(prog_wait(&z), 0);
}

/* A thousand connections leave no descriptor and no slot in use. */
static void
test_thousand(void **state)
{
	static const char *const argv[] = {"/bin/true", NULL};
	enum { N = 1000, SLOTS = 50 };
	struct prog z;
	int ended = 0, before;

	(void)state;
	new_exec(&z, argv);
	before = stage_count_fds(z.pid);
	for (int round = 0; round < N / SLOTS; round++) {
		int fds[SLOTS];

		for (uint32_t i = 0; i < SLOTS; i++)
			fds[i] = prog_start_one(
			    &z, i, (uint64_t)(round * SLOTS) + i + 1);
		for (int i = 0; i < SLOTS; i++) {
			struct ipc_in in;

			stage_expect(&z.master, MSG_ENDED, &in);
			assert_int_equal(in.msg.ended.how, ENDED_EXITED);
			ended++;
		}
		for (int i = 0; i < SLOTS; i++)
			close(fds[i]);
	}
	assert_int_equal(ended, N);
	assert_int_equal(stage_count_fds(z.pid), before);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(
		    atomic_load(&z.slots->slots[i].use), SLOT_ENDED);
	prog_stop(&z);
}

/* More endings than the channel's queue holds: kept, each told once. */
static void
test_slow_master(void **state)
{
	static const char *const argv[] = {"/bin/cat", NULL};
	enum { N = 400 };
	struct prog z;
	int fds[N];
	bool seen[N] = {false};

	(void)state;
	new_exec(&z, argv);
	for (uint32_t i = 0; i < N; i++)
		fds[i] = prog_start_one(&z, i, i + 1);
	for (int i = 0; i < N; i++)
		close(fds[i]);
	for (uint32_t i = 0; i < N; i++) {
		while (atomic_load(&z.slots->slots[i].use) != SLOT_ENDED)
			poll(NULL, 0, 1);
	}
	for (int i = 0; i < N; i++) {
		struct ipc_in in;

		stage_expect(&z.master, MSG_ENDED, &in);
		assert_false(seen[in.msg.ended.slot]);
		seen[in.msg.ended.slot] = true;
	}
	prog_stop(&z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cat),
	    cmocka_unit_test(test_exec_fails),
	    cmocka_unit_test(test_many_end_at_a_time),
	    cmocka_unit_test(test_without_a_process_it_is_given_back),
	    cmocka_unit_test(test_a_stopped_child_is_waited_for_by_nobody),
	    cmocka_unit_test(test_status_and_signal),
	    cmocka_unit_test(test_slot_in_use_is_a_breach),
	    cmocka_unit_test(test_too_many_fds_is_a_breach),
	    cmocka_unit_test(test_master_dies),
	    cmocka_unit_test(test_monitor_dies),
	    cmocka_unit_test(test_stop_returns_and_waits),
	    cmocka_unit_test(test_thousand),
	    cmocka_unit_test(test_slow_master),
	};

	/* A program that has gone is a failure here, and inherits none of it.
	 */
	signal(SIGPIPE, SIG_IGN);
	return (
	    cmocka_run_group_tests_name("program zygote", tests, NULL, NULL));
}
