/*
 * What a program is given (environment, identity, descriptors, limits) and
 * what becomes of its process group.
 */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/stage/prog.h"

static const struct program_ops exec_ops = {
    .exec = raw_execve, .peer_environment = true};
static const struct program_ops ssh_ops = {
    .exec = raw_execve, .whole_group = true};

/* Run one program to its end and give what it wrote. */
static void
run(const struct program_ops *ops, const struct msg_program *m, char *out,
    size_t size)
{
	struct prog z;
	int fd;

	prog_new(&z, ops, m);
	fd = prog_start_one(&z, 0, 1);
	stage_read_all(fd, out, size);
	prog_expect_ended(&z, 0, 1, ENDED_EXITED, 0);
	close(fd);
	prog_stop(&z);
}

static void
test_environment(void **state)
{
	static const char *const argv[] = {"env", NULL};
	struct msg_program m;
	char out[4096];

	(void)state;
	prog_message(&m, "/usr/bin/env", argv);
	run(&exec_ops, &m, out, sizeof(out));
	assert_string_equal(out,
	    "PROTO=TCP\nREMOTE_HOST=192.0.2.7\nREMOTE_PORT=40112\n"
	    "TCPREMOTEIP=192.0.2.7\nTCPREMOTEPORT=40112\n"
	    "TCPLOCALIP=192.0.2.1\nTCPLOCALPORT=7007\nHOME=/\n");
	run(&ssh_ops, &m, out, sizeof(out));
	assert_string_equal(out, "HOME=/\n");
	m.wait = 1;
	m.datagram = 1;
	run(&exec_ops, &m, out, sizeof(out));
	assert_string_equal(out, "PROTO=UDP\nHOME=/\n");
}

/* ls opens one more descriptor for the folder itself. */
static void
test_descriptors(void **state)
{
	static const char *const argv[] = {"ls", "/proc/self/fd", NULL};
	struct msg_program m;
	char out[256];

	(void)state;
	prog_message(&m, "/bin/ls", argv);
	run(&exec_ops, &m, out, sizeof(out));
	assert_string_equal(out, "0\n1\n2\n3\n");
}

static void
test_signals_are_default(void **state)
{
	static const char *const argv[] = {"grep", "-E",
	    "^Sig(Blk|Ign):.*0000000000000000$", "/proc/self/status", NULL};
	struct msg_program m;
	char out[256];
	int lines = 0;

	(void)state;
	prog_message(&m, "/bin/grep", argv);
	run(&exec_ops, &m, out, sizeof(out));
	for (char *p = out; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 2);
}

static void
test_limits(void **state)
{
	static const char *const argv[] = {
	    "sh", "-c", "umask; ulimit -n; nice", NULL};
	struct program_rlimit limit = {
	    .soft = 77, .hard = 99, .resource = RLIMIT_NOFILE};
	struct msg_program m;
	char out[256];

	(void)state;
	prog_message(&m, "/bin/sh", argv);
	m.umask = 0137;
	m.nice = 5;
	memcpy(m.rlimits.b, &limit, sizeof(limit));
	m.rlimits.n = sizeof(limit);
	run(&exec_ops, &m, out, sizeof(out));
	assert_string_equal(out, "0137\n77\n5\n");
}

/* A listener comes from the master's loop, and programs expect to wait. */
static void
test_listener_is_blocking(void **state)
{
	static const char *const argv[] = {
	    "grep", "flags:", "/proc/self/fdinfo/0", NULL};
	struct prog z;
	struct msg_program m;
	struct msg_start start;
	int pair[2];
	char out[64];

	(void)state;
	prog_message(&m, "/bin/grep", argv);
	m.wait = 1;
	prog_new(&z, &exec_ops, &m);
	prog_start_message(&start, 0, 1);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fd_set_nonblock(pair[1], 1), 0);
	assert_int_equal(
	    ipc_send(&z.master, MSG_START, &start, &pair[1], 1), 0);
	close(pair[1]);
	stage_read_all(pair[0], out, sizeof(out));
	assert_string_equal(out, "flags:\t02\n");
	prog_expect_ended(&z, 0, 1, ENDED_EXITED, 0);
	close(pair[0]);
	prog_stop(&z);
}

static void
test_identity(void **state)
{
	static const char *const argv[] = {"grep", "-E",
	    "^(Uid|Gid|Groups|CapEff|CapPrm):", "/proc/self/status", NULL};
	uint32_t groups[2] = {60001, 60002};
	struct msg_program m;
	char out[512];

	(void)state;
	if (geteuid() != 0) {
		print_message("not root: identities are not tested\n");
		skip();
	}
	prog_message(&m, "/bin/grep", argv);
	m.uid = 60011;
	m.gid = 60012;
	memcpy(m.groups.b, groups, sizeof(groups));
	m.groups.n = sizeof(groups);
	run(&exec_ops, &m, out, sizeof(out));
	assert_string_equal(out,
	    "Uid:\t60011\t60011\t60011\t60011\n"
	    "Gid:\t60012\t60012\t60012\t60012\n"
	    "Groups:\t60001 60002 \n"
	    "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n");
}

/* The leader leaves a child in its group and one in a session of its own. */
#define TWO_CHILDREN                                                           \
	"sleep 1000 & setsid sleep 1000 <&- >&- 2>&- & echo $!; "              \
	"while ! test \"$(ps -o sid= -p $!)\" -eq $!; do :; done"

static pid_t
start_two_children(struct prog *z, int *fd)
{
	char line[32];

	*fd = prog_start_one(z, 0, 1);
	read_line(*fd, line, sizeof(line));
	return ((pid_t)strtol(line, NULL, 10));
}

static void
test_group_is_killed(void **state)
{
	static const char *const argv[] = {"sh", "-c", TWO_CHILDREN, NULL};
	struct prog z;
	struct msg_program m;
	char rest[8];
	pid_t other;
	int fd;

	(void)state;
	prog_message(&m, "/bin/sh", argv);
	for (int ssh = 0; ssh < 2; ssh++) {
		prog_new(&z, ssh ? &ssh_ops : &exec_ops, &m);
		other = start_two_children(&z, &fd);
		prog_expect_ended(&z, 0, 1, ENDED_EXITED, 0);
		/* Its group is gone, and with it the connection. */
		assert_int_equal(stage_read_all(fd, rest, sizeof(rest)), 0);
		/* What left the group lives. */
		assert_int_equal(kill(other, 0), 0);
		kill(other, SIGKILL);
		close(fd);
		prog_stop(&z);
	}
}

static void
test_detach(void **state)
{
	static const char *const argv[] = {
	    "sh", "-c", "cat & echo $!; exit 3", NULL};
	struct prog z;
	struct msg_program m;
	char line[32];
	int fd;

	(void)state;
	prog_message(&m, "/bin/sh", argv);
	m.detach = 1;
	prog_new(&z, &exec_ops, &m);
	fd = prog_start_one(&z, 0, 1);
	read_line(fd, line, sizeof(line));
	prog_expect_ended(&z, 0, 1, ENDED_EXITED, 3);
	kill((pid_t)strtol(line, NULL, 10), SIGKILL);
	assert_int_equal(stage_read_all(fd, line, sizeof(line)), 0);
	close(fd);
	prog_stop(&z);
}

/*
 * ssh: a leader that dies by SIGKILL takes its group with it, however much
 * that ignores; the slot is free only then.
 */
static void
test_whole_group_of_killed_leader(void **state)
{
	static const char *const argv[] = {"sh", "-c",
	    "sh -c 'trap \"\" TERM HUP; echo $$; while :; do sleep 9; done' & "
	    "wait",
	    NULL};
	struct prog z;
	struct msg_program m;
	struct slot s;
	char line[32];
	int fd;

	(void)state;
	prog_message(&m, "/bin/sh", argv);
	prog_new(&z, &ssh_ops, &m);
	fd = prog_start_one(&z, 0, 1);
	read_line(fd, line, sizeof(line));
	assert_int_equal(slot_read(z.slots, 0, &s), 0);
	assert_int_equal(getpgid((pid_t)strtol(line, NULL, 10)), s.pid);
	kill(s.pid, SIGKILL);
	prog_expect_ended(&z, 0, 1, ENDED_SIGNAL, SIGKILL);
	assert_int_equal(kill(-s.pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(stage_read_all(fd, line, sizeof(line)), 0);
	close(fd);
	prog_stop(&z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_environment),
	    cmocka_unit_test(test_descriptors),
	    cmocka_unit_test(test_signals_are_default),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_listener_is_blocking),
	    cmocka_unit_test(test_identity),
	    cmocka_unit_test(test_group_is_killed),
	    cmocka_unit_test(test_detach),
	    cmocka_unit_test(test_whole_group_of_killed_leader),
	};

	/*
	 * What make and others leave ignored is not the zygote's doing; two of
	 * these are the C library's own, which sigaction() would not touch.
	 */
	for (int i = 1; i < NSIG; i++) {
		static const struct {
			void *handler;
			unsigned long flags;
			void *restorer;
			uint64_t mask;
		} by_default;

		(void)syscall(SYS_rt_sigaction, i, &by_default, NULL, 8);
	}
	/* A program that has gone is a failure here, and inherits none of it.
	 */
	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests_name(
	    "programs and groups", tests, NULL, NULL));
}
