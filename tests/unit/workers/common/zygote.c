/*
 * The zygote of built-in services, with this test as its monitor and master:
 * sessions, a master's death, the way out.
 */
#include "tests/stage/service.h"

/* --- sessions ---------------------------------------------------------------
 */

static void
test_serves_and_ends(void **state)
{
	struct ipc_in in;
	struct slot slot;
	struct zut z;
	struct sut s;
	char buf[64];
	int fds;

	(void)state;
	zut_new(&z, &ops, 0);
	fds = stage_count_fds(z.pid);
	sut_start(&z, &s, 5, 55);
	sut_say(&s, "hello\r\n");
	sut_read(&s, buf, sizeof(buf));
	assert_string_equal(buf, "hello");
	stage_expect(&s.worker, MSG_STATS, &in);
	assert_int_equal(in.msg.stats.bytes_in, 7);
	assert_int_equal(in.msg.stats.bytes_out, 5);
	zut_expect_ended(&z, &s, ENDED_EXITED, 0);
	stage_expect_closed(&s.worker);
	assert_int_equal(slot_read(z.slots, 5, &slot), 0);
	assert_int_equal(slot.port, 40112);
	assert_true(slot.start > 0 && slot.start <= time_boot_ns());
	sut_close(&s);
	assert_int_equal(stage_count_fds(z.pid), fds);
	zut_stop(&z);
}

static void
test_worker_has_two_descriptors_and_no_forks(void **state)
{
	char buf[160];
	struct slot slot;
	struct zut z;
	struct sut s;

	(void)state;
	zut_new(&z, &ops, 0);
	sut_start(&z, &s, 0, 77);
	/* The worker waits for its line: looked at from outside. */
	sut_say(&s, "sta");
	WAIT_UNTIL(slot_read(z.slots, 0, &slot) == 0 && slot.pid != 0);
	WAIT_UNTIL(stage_count_fds(slot.pid) == 5);
	sut_say(&s, "te\n");
	sut_read(&s, buf, sizeof(buf));
	assert_non_null(strstr(buf, "nproc 0 session 77 port 40112"));
	zut_expect_ended(&z, &s, ENDED_EXITED, 0);
	sut_close(&s);
	zut_stop(&z);
}

static void
test_exit_status_is_told(void **state)
{
	struct zut z;
	struct sut s;

	(void)state;
	zut_new(&z, &ops, 0);
	sut_start(&z, &s, 0, 1);
	sut_say(&s, "exit 3\n");
	zut_expect_ended(&z, &s, ENDED_EXITED, 3);
	sut_close(&s);
	/* The slot serves again. */
	sut_start(&z, &s, 0, 2);
	sut_say(&s, "exit 0\n");
	zut_expect_ended(&z, &s, ENDED_EXITED, 0);
	sut_close(&s);
	zut_stop(&z);
}

static void
test_a_slot_in_use_is_a_breach(void **state)
{
	struct sut s, other;
	struct slot slot;
	struct zut z;
	char buf[64];

	(void)state;
	zut_new(&z, &ops, 0);
	sut_start(&z, &s, 3, 1);
	sut_start(&z, &other, 3, 2);
	stage_expect_closed(&z.master);
	assert_int_equal(slot_read(z.slots, 3, &slot), 0);
	assert_int_equal(slot.session, 1);
	/* Its own session goes on. */
	sut_say(&s, "still\n");
	sut_read(&s, buf, sizeof(buf));
	assert_string_equal(buf, "still");
	sut_close(&s);
	sut_close(&other);
	zut_stop(&z);
}

/* --- masters come and go
 * ---------------------------------------------------------- */

static void
test_a_new_master_gets_the_live_workers(void **state)
{
	struct sut live, gone;
	struct ipc_in in;
	struct slot slot;
	struct zut z;
	char buf[64];

	(void)state;
	zut_new(&z, &ops, 0);
	sut_start(&z, &live, 0, 10);
	sut_start(&z, &gone, 1, 11);
	ipc_channel_close(&live.worker);
	ipc_channel_close(&gone.worker);
	ipc_channel_close(&z.master);
	sut_say(&gone, "exit 4\n");
	WAIT_UNTIL(slot_read(z.slots, 1, &slot) == 0 &&
		   atomic_load(&slot.use) == SLOT_ENDED);
	assert_int_equal(slot.value, 4);
	zut_attach(&z, 0);
	stage_expect(&z.master, MSG_WORKER_CHANNEL, &in);
	assert_int_equal(in.msg.worker_channel.slot, 0);
	assert_int_equal(in.msg.worker_channel.session, 10);
	ipc_channel_init(
	    &live.worker, in.fds[0], ROLE_MASTER, ROLE_WORKER, ST_UP);
	/* What ended while there was no master is told to the next. */
	zut_expect_ended(&z, &gone, ENDED_EXITED, 4);
	sut_say(&live, "ask\n");
	stage_expect(&live.worker, MSG_LOOKUP_ASK, &in);
	assert_int_equal(
	    ipc_send(&live.worker, MSG_LOOKUP_ANSWER,
		&(struct msg_lookup_answer){.request = 1, .found = 1}, NULL, 0),
	    0);
	sut_read(&live, buf, sizeof(buf));
	assert_string_equal(buf, "found");
	stage_expect(&live.worker, MSG_STATS, &in);
	zut_expect_ended(&z, &live, ENDED_EXITED, 0);
	sut_close(&live);
	sut_close(&gone);
	zut_stop(&z);
}

/* What a master ordered just before its end is done. */
static void
test_orders_of_a_dead_master_are_served(void **state)
{
	struct ipc_in in;
	struct zut z;
	struct sut s;
	char buf[64];

	(void)state;
	zut_new(&z, &ops, 0);
	kill(z.pid, SIGSTOP);
	sut_start(&z, &s, 0, 10);
	ipc_channel_close(&s.worker);
	ipc_channel_close(&z.master);
	kill(z.pid, SIGCONT);
	zut_attach(&z, 0);
	stage_expect(&z.master, MSG_WORKER_CHANNEL, &in);
	ipc_in_close(&in);
	sut_say(&s, "served\n");
	sut_read(&s, buf, sizeof(buf));
	assert_string_equal(buf, "served");
	zut_expect_ended(&z, &s, ENDED_EXITED, 0);
	sut_close(&s);
	zut_stop(&z);
}

/* --- the way out
 * -------------------------------------------------------------------- */

static void
test_stop_waits_for_the_last_worker(void **state)
{
	struct msg_stop stop = {.keep_sessions = 1};
	struct sut s, late;
	struct zut z;
	char buf[64];

	(void)state;
	zut_new(&z, &ops, 0);
	sut_start(&z, &s, 0, 1);
	WAIT_UNTIL(zut_running(&z) > 0);
	assert_int_equal(ipc_send(&z.monitor, MSG_STOP, &stop, NULL, 0), 0);
	/* It has read STOP once it returns a START. */
	for (uint64_t i = 2;; i++) {
		struct ipc_in in;

		sut_start(&z, &late, (uint32_t)i, i);
		sut_say(&late, "exit 0\n");
		do {
			stage_readable(z.master.fd);
			assert_int_equal(ipc_recv(&z.master, &in), 0);
		} while (in.type == MSG_RETIRED);
		sut_close(&late);
		ipc_in_close(&in);
		if (in.type == MSG_RETURNED)
			break;
		assert_int_equal(in.type, MSG_ENDED);
		assert_true(i < 100);
	}
	sut_say(&s, "last\n");
	sut_read(&s, buf, sizeof(buf));
	assert_string_equal(buf, "last");
	assert_int_equal(zut_wait(&z), 0);
	assert_int_equal(zut_running(&z), 0);
	sut_close(&s);
	zut_free(&z);
}

static void
test_the_monitors_end_leaves_workers(void **state)
{
	struct zut z;
	struct sut s;
	char buf[64];

	(void)state;
	zut_new(&z, &ops, 0);
	sut_start(&z, &s, 0, 1);
	sut_say(&s, "still ");
	WAIT_UNTIL(zut_running(&z) > 0);
	ipc_channel_close(&z.monitor);
	assert_int_equal(zut_wait(&z), 0);
	sut_say(&s, "here\n");
	sut_read(&s, buf, sizeof(buf));
	assert_string_equal(buf, "still here");
	sut_close(&s);
	zut_free(&z);
}

static void
test_a_message_of_another_service_ends_it(void **state)
{
	struct msg_program program;
	struct zut z;

	(void)state;
	zut_new(&z, &ops, 0);
	memset(&program, 0, sizeof(program));
	assert_int_equal(
	    ipc_send(&z.monitor, MSG_PROGRAM, &program, NULL, 0), 0);
	assert_int_equal(zut_wait(&z), 1);
	zut_free(&z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_serves_and_ends),
	    cmocka_unit_test(test_worker_has_two_descriptors_and_no_forks),
	    cmocka_unit_test(test_exit_status_is_told),
	    cmocka_unit_test(test_a_slot_in_use_is_a_breach),
	    cmocka_unit_test(test_a_new_master_gets_the_live_workers),
	    cmocka_unit_test(test_orders_of_a_dead_master_are_served),
	    cmocka_unit_test(test_stop_waits_for_the_last_worker),
	    cmocka_unit_test(test_the_monitors_end_leaves_workers),
	    cmocka_unit_test(test_a_message_of_another_service_ends_it),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
