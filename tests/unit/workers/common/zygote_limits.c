/*
 * The zygote of built-in services out of descriptors and processes, what its
 * workers do not inherit, and a worker that breaks out of its sandbox. The
 * last is this program itself, started as a role (main).
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/stage/service.h"

static char program[512];

/* --- limits
 * ------------------------------------------------------------------- */

#define FEW_FDS (5 * ENGINE_SPARE_FDS / 2)
#define FEW_WORKERS (FEW_FDS - ENGINE_SPARE_FDS)

_Static_assert(FEW_WORKERS < ENGINE_LIVE_MAX,
    "the zygote runs out of descriptors before it is replaced");

static void
limit_descriptors(void)
{
	struct rlimit r = {FEW_FDS, FEW_FDS};

	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		_exit(97);
}

static int
is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return (poll(&p, 1, 0) == 1);
}

/* Orders wait in the channel until a worker has ended; none is lost. */
static void
test_orders_wait_for_descriptors(void **state)
{
	static struct sut s[FEW_WORKERS + 20];
	const uint32_t n = FEW_WORKERS + 20;
	struct ipc_in in;
	struct zut z;

	(void)state;
	zut_new_limited(&z, &ops, 0, limit_descriptors);
	for (uint32_t i = 0; i < n; i++)
		sut_start(&z, &s[i], i, i + 1);
	WAIT_UNTIL(zut_running(&z) >= FEW_WORKERS);
	assert_false(is_readable(z.master.fd));
	assert_int_equal(zut_running(&z), FEW_WORKERS);
	for (uint32_t i = 0; i < n; i++)
		sut_say(&s[i], "exit 0\n");
	for (uint32_t i = 0; i < n; i++) {
		stage_expect(&z.master, MSG_ENDED, &in);
		assert_int_equal(in.msg.ended.how, ENDED_EXITED);
	}
	for (uint32_t i = 0; i < n; i++)
		sut_close(&s[i]);
	zut_stop(&z);
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

/* The connection comes back, with the reason: its peer is to be told. */
static void
test_a_failed_fork_is_told(void **state)
{
	char buf[8];
	struct ipc_in in;
	struct zut z;
	struct sut s;

	(void)state;
	zut_new_limited(&z, &ops, 2, limit_processes);
	for (uint32_t i = 0; i < 300; i++) {
		sut_start(&z, &s, 0, i + 1);
		stage_expect(&z.master, MSG_RETURNED, &in);
		assert_int_equal(in.msg.returned.session, i + 1);
		assert_int_equal(in.msg.returned.error, EAGAIN);
		assert_int_equal(in.nfds, 3);
		assert_int_equal(write(in.fds[0], "back", 4), 4);
		assert_int_equal(read(s.peer, buf, sizeof(buf)), 4);
		ipc_in_close(&in);
		sut_close(&s);
	}
	assert_int_equal(zut_running(&z), 0);
	zut_stop(&z);
}

/* --- inheritance
 * ---------------------------------------------------------------- */

static int
maps_hold(pid_t pid, const char *what)
{
	char path[64], line[512];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		found |= strstr(line, what) != NULL;
	fclose(f);
	return (found);
}

/* The table of all sessions, and the pages of the pool, are the zygote's. */
static void
test_a_worker_has_no_table(void **state)
{
	struct slot slot;
	struct zut z;
	struct sut s;

	(void)state;
	zut_new(&z, &ops, 0);
	sut_start(&z, &s, 0, 1);
	WAIT_UNTIL(slot_read(z.slots, 0, &slot) == 0 && slot.pid != 0);
	assert_true(maps_hold(z.pid, "memfd:slots"));
	assert_true(maps_hold(z.pid, "/dev/zero"));
	assert_false(maps_hold(slot.pid, "memfd:slots"));
	assert_false(maps_hold(slot.pid, "/dev/zero"));
	sut_say(&s, "exit 0\n");
	zut_expect_ended(&z, &s, ENDED_EXITED, 0);
	sut_close(&s);
	zut_stop(&z);
}

/* --- the sandbox
 * ------------------------------------------------------------------ */

static int
serve_violation(struct worker *w)
{
	(void)w;
	return (socket(AF_INET, SOCK_STREAM, 0) < 0);
}

static void
test_a_violation_names_its_call(void **state)
{
	static char title[] = "portreeve: zygote finger";
	struct msg_seal seal = {.profile = SANDBOX_ZYGOTE_FINGER,
	    .kind = SERVICE_FINGER,
	    .service = "finger",
	    .group = UINT32_MAX};
	struct ipc_in in;
	struct zut z;
	struct sut s;

	(void)state;
	memset(&z, 0, sizeof(z));
	zut_table(&z);
	zut_exec(&z, ROLE_ZYGOTE, program, title, &seal, NULL);
	zut_send_table(&z);
	zut_attach(&z, 0);
	sut_start(&z, &s, 2, 22);
	stage_expect(&s.worker, MSG_VIOLATION, &in);
	assert_int_equal(in.msg.violation.syscall, SYS_socket);
	zut_expect_ended(&z, &s, ENDED_SIGNAL, SIGSYS);
	stage_expect(&z.monitor, MSG_RETIRING, &in);
	assert_int_equal(in.msg.retiring.crashed, 1);
	sut_close(&s);
	stage_expect_closed(&z.master);
	assert_int_equal(zut_wait(&z), 0);
	zut_free(&z);
}

int
main(int argc, char **argv)
{
	static const struct zygote_ops breaker = {.serve = serve_violation};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_orders_wait_for_descriptors),
	    cmocka_unit_test(test_a_failed_fork_is_told),
	    cmocka_unit_test(test_a_worker_has_no_table),
	    cmocka_unit_test(test_a_violation_names_its_call),
	};

	if (argc == 1 && strncmp(argv[0], "portreeve: ", 11) == 0)
		return (zygote_run(&breaker, argv));
	snprintf(program, sizeof(program), "%s", argv[0]);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
