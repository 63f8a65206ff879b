/*
 * What programs write to their standard error, from the zygote's side: a pair
 * for each connection, handed to the logreader, which may die and lie. This
 * program is what the zygote runs, too: with an argument it is a program.
 */
#include <sys/resource.h>

#include "tests/stage/prog.h"

static const struct program_ops exec_ops = {
    .exec = raw_execve, .peer_environment = true};
static const struct program_ops ssh_ops = {
    .exec = raw_execve, .whole_group = true};

#define BIG 300000

/* As the program: what the first byte from the peer says. */
static int
program(void)
{
	static char big[BIG];
	char c = '\0';

	while (read(0, &c, 1) == 1) {
		if (c == 's')
			shutdown(2, SHUT_RDWR);
		else if ((c == 'b' && write(2, big, BIG) != BIG) ||
			 (c == 'w' && write(2, "words\n", 6) != 6))
			_exit(errno);
		if (write(1, &c, 1) != 1)
			_exit(1);
	}
	return (0);
}

static void
new_self(struct prog *z, const struct program_ops *ops)
{
	static char path[1024];
	const char *argv[] = {path, "program", NULL};
	struct msg_program m;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(n > 0);
	path[n] = '\0';
	prog_message(&m, path, argv);
	prog_new(z, ops, &m);
}

static void
tell(int fd, char c)
{
	assert_int_equal(write(fd, &c, 1), 1);
}

static void
ask(int fd, char c)
{
	char answer[2] = "";
	struct pollfd p = {.fd = fd, .events = POLLIN};

	tell(fd, c);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(read(fd, answer, 1), 1);
	assert_int_equal(answer[0], c);
}

static void
expect_words(int log)
{
	char buf[16];

	assert_int_equal(read_some(log, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "words\n", 6);
}

/* One that shuts its standard error shuts nobody else's, ssh or not. */
static void
test_shutdown_is_ones_own(void **state)
{
	(void)state;
	for (int ssh = 0; ssh < 2; ssh++) {
		struct prog z;
		struct msg_log_connection m;
		int a, b, log_a, log_b;
		char c;

		new_self(&z, ssh ? &ssh_ops : &exec_ops);
		prog_attach_log(&z);
		a = prog_start_one(&z, 0, 1);
		log_a = prog_take_log(&z, &m);
		assert_int_equal(m.session, 1);
		b = prog_start_one(&z, 1, 2);
		log_b = prog_take_log(&z, &m);
		assert_int_equal(m.session, 2);
		assert_int_equal(m.pid, z.slots->slots[1].pid);
		ask(a, 's');
		assert_int_equal(read_some(log_a, &c, 1), 0);
		ask(b, 'w');
		expect_words(log_b);
		close(log_a);
		close(log_b);
		ipc_channel_close(&z.reader);
		close(a);
		close(b);
		prog_stop(&z);
	}
}

static void
test_no_write_fails_for_its_size(void **state)
{
	static char buf[BIG];
	struct prog z;
	struct msg_log_connection m;
	size_t n = 0;
	int fd, log;

	(void)state;
	new_self(&z, &exec_ops);
	prog_attach_log(&z);
	fd = prog_start_one(&z, 0, 1);
	log = prog_take_log(&z, &m);
	tell(fd, 'b');
	while (n < BIG) {
		size_t got = read_some(log, buf, sizeof(buf));

		assert_true(got > 0);
		n += got;
	}
	assert_int_equal(n, BIG);
	shutdown(fd, SHUT_WR);
	prog_expect_ended(&z, 0, 1, ENDED_EXITED, 0);
	close(log);
	close(fd);
	prog_stop(&z);
}

/* The last words of one that has ended are handed over; silence is not. */
static void
test_last_words(void **state)
{
	struct prog z;
	struct msg_log_connection m;
	struct ipc_in in;
	int fd, log;

	(void)state;
	new_self(&z, &exec_ops);
	fd = prog_start_one(&z, 0, 1);
	ask(fd, 'x');
	shutdown(fd, SHUT_WR);
	prog_expect_ended(&z, 0, 1, ENDED_EXITED, 0);
	close(fd);
	fd = prog_start_one(&z, 0, 2);
	ask(fd, 'w');
	shutdown(fd, SHUT_WR);
	prog_expect_ended(&z, 0, 2, ENDED_EXITED, 0);
	close(fd);
	prog_attach_log(&z);
	log = prog_take_log(&z, &m);
	assert_int_equal(m.session, 2);
	expect_words(log);
	close(log);
	assert_int_equal(ipc_recv_now(&z.reader, &in), ERR_AGAIN);
	prog_stop(&z);
}

static void
send_told(
    struct prog *z, const struct msg_log_connection *m, bool ended, bool closed)
{
	struct msg_log_told t = {.number = m->number,
	    .session = m->session,
	    .ended = ended,
	    .closed = closed};

	assert_int_equal(
	    ipc_send_wait(&z->reader, MSG_LOG_TOLD, &t, NULL, 0), 0);
}

/* A connection of ssh is over when what it wrote has been told. */
static void
test_end_waits_for_the_log(void **state)
{
	struct prog z;
	struct msg_log_connection m;
	struct ipc_in in;
	struct slot s;
	int fd, log, before;

	(void)state;
	new_self(&z, &ssh_ops);
	prog_attach_log(&z);
	fd = prog_start_one(&z, 4, 1);
	log = prog_take_log(&z, &m);
	before = stage_count_fds(z.pid);
	shutdown(fd, SHUT_WR);
	stage_expect(&z.reader, MSG_LOG_ENDED, &in);
	assert_int_equal(in.msg.log_ended.number, m.number);
	assert_int_equal(in.msg.log_ended.session, 1);
	assert_int_equal(in.msg.log_ended.how, ENDED_EXITED);
	assert_int_equal(slot_read(z.slots, 4, &s), 0);
	assert_int_equal(atomic_load(&s.use), SLOT_RUNNING);
	send_told(&z, &m, true, true);
	prog_expect_ended(&z, 4, 1, ENDED_EXITED, 0);
	/* Its reading end, and its pidfd. */
	assert_int_equal(stage_count_fds(z.pid), before - 2);
	close(log);
	close(fd);
	prog_stop(&z);
}

/* A logreader's death ends nothing, and its successor reads on. */
static void
test_reader_dies(void **state)
{
	(void)state;
	for (int ssh = 0; ssh < 2; ssh++) {
		struct prog z;
		struct msg_log_connection m;
		int a, b, log;

		new_self(&z, ssh ? &ssh_ops : &exec_ops);
		prog_attach_log(&z);
		a = prog_start_one(&z, 0, 1);
		close(prog_take_log(&z, &m));
		assert_int_equal(m.again, 0);
		b = prog_start_one(&z, 1, 2);
		close(prog_take_log(&z, &m));
		ipc_channel_close(&z.reader);
		ask(a, 'w');
		/* What ends in between is over at once, and still read. */
		ask(b, 'w');
		shutdown(b, SHUT_WR);
		prog_expect_ended(&z, 1, 2, ENDED_EXITED, 0);
		prog_attach_log(&z);
		log = prog_take_log(&z, &m);
		assert_int_equal(m.session, 1);
		assert_int_equal(m.again, 1);
		expect_words(log);
		close(log);
		log = prog_take_log(&z, &m);
		assert_int_equal(m.session, 2);
		expect_words(log);
		close(log);
		ipc_channel_close(&z.reader);
		shutdown(a, SHUT_WR);
		prog_expect_ended(&z, 0, 1, ENDED_EXITED, 0);
		close(a);
		close(b);
		prog_stop(&z);
	}
}

/* What it says is one message, of a connection that it was given. */
static void
test_reader_lies(void **state)
{
	static const struct msg_log_told lies[] = {
	    {.number = 77, .session = 1, .closed = 1},
	    {.number = 100000, .session = 1, .closed = 1},
	    {.number = 0, .session = 2, .closed = 1},
	    {.number = 0, .session = 1, .ended = 1},
	    {.number = 0, .session = 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct prog z;
		struct msg_log_connection m;
		struct ipc_in in;
		int fd;

		new_self(&z, &ssh_ops);
		prog_attach_log(&z);
		fd = prog_start_one(&z, 0, 1);
		close(prog_take_log(&z, &m));
		assert_int_equal(m.number, 0);
		assert_int_equal(
		    ipc_send(&z.reader, MSG_LOG_TOLD, &lies[i], NULL, 0), 0);
		stage_expect(&z.monitor, MSG_LOG_BREACH, &in);
		assert_int_equal(ipc_recv(&z.reader, &in), ERR_CLOSED);
		ask(fd, 'w');
		shutdown(fd, SHUT_WR);
		prog_expect_ended(&z, 0, 1, ENDED_EXITED, 0);
		close(fd);
		prog_stop(&z);
	}
}

/* The zygote's own limit of descriptors is not its programs'. */
static void
test_limit_of_descriptors(void **state)
{
	static const char *const argv[] = {
	    "sh", "-c", "ulimit -Sn; ulimit -Hn", NULL};
	struct rlimit was, is;
	struct prog z;
	struct msg_program m;
	char out[64], expected[64];
	int fd;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	is = was;
	is.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &is), 0);
	prog_message(&m, "/bin/sh", argv);
	prog_new(&z, &exec_ops, &m);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	fd = prog_start_one(&z, 0, 1);
	stage_read_all(fd, out, sizeof(out));
	snprintf(expected, sizeof(expected), "200\n%llu\n",
	    (unsigned long long)was.rlim_max);
	assert_string_equal(out, expected);
	assert_int_equal(prlimit(z.pid, RLIMIT_NOFILE, NULL, &is), 0);
	assert_int_equal(is.rlim_cur, was.rlim_max);
	prog_expect_ended(&z, 0, 1, ENDED_EXITED, 0);
	close(fd);
	prog_stop(&z);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shutdown_is_ones_own),
	    cmocka_unit_test(test_no_write_fails_for_its_size),
	    cmocka_unit_test(test_last_words),
	    cmocka_unit_test(test_end_waits_for_the_log),
	    cmocka_unit_test(test_reader_dies),
	    cmocka_unit_test(test_reader_lies),
	    cmocka_unit_test(test_limit_of_descriptors),
	};

	(void)argv;
	if (argc > 1)
		return (program());
	return (
	    cmocka_run_group_tests_name("standard error", tests, NULL, NULL));
}
