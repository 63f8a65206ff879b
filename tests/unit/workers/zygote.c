/*
 * The zygote of built-in services, with this test as its monitor and master:
 * sessions, the pool, crashes, retirement, a master's death, the way out.
 */
#include <sys/resource.h>

#include "tests/unit/workers/harness.h"
#include "workers/common/engine.h"

/* --- a service for tests: does what its one line says --------------------- */

static int
say(struct worker *w, const char *text)
{
	return (worker_write_all(w, text, strlen(text),
	    worker_deadline(PATIENCE_MS)));
}

static int
do_state(struct worker *w)
{
	char text[160], cmdline[64] = "";
	struct rlimit r;
	FILE *f;

	getrlimit(RLIMIT_NPROC, &r);
	f = fopen("/proc/self/cmdline", "r");
	if (f != NULL) {
		size_t n = fread(cmdline, 1, sizeof(cmdline) - 1, f);

		cmdline[n] = '\0';
		fclose(f);
	}
	snprintf(text, sizeof(text), "nproc %lu session %llu port %u title %s",
	    (unsigned long)r.rlim_cur, (unsigned long long)w->session,
	    w->peer.port, cmdline);
	say(w, text);
	return (0);
}

static int
do_ask(struct worker *w)
{
	struct msg_lookup_ask ask = {.request = 1};
	struct ipc_in in;

	strcpy(ask.name, "alice");
	if (ipc_send(&w->master, MSG_LOOKUP_ASK, &ask, NULL, 0) != 0 ||
	    worker_wait(w->master.fd, POLLIN, worker_deadline(PATIENCE_MS)) !=
		0 || ipc_recv(&w->master, &in) != 0)
		return (1);
	say(w, in.msg.lookup_done.found ? "found" : "not found");
	return (0);
}

static int
serve(struct worker *w)
{
	uint8_t buf[64];
	struct worker_input input = {.buf = buf, .size = sizeof(buf)};
	const uint8_t *line;
	char text[65];
	size_t n;

	if (worker_read_line(w, &input, worker_deadline(60000), &line, &n) !=
	    0)
		return (9);
	memcpy(text, line, n);
	text[n] = '\0';
	if (strcmp(text, "crash") == 0)
		raise(SIGKILL);
	if (strcmp(text, "state") == 0)
		return (do_state(w));
	if (strcmp(text, "ask") == 0)
		return (do_ask(w));
	if (strncmp(text, "exit ", 5) == 0)
		return (atoi(text + 5));
	say(w, text);
	return (0);
}

static int
option(const struct ipc_in *in)
{
	return (in->type == MSG_FINGER_OPTIONS ? 0 : ERR_TYPE);
}

static const struct zygote_ops ops = {.option = option, .serve = serve};

/* --- sessions --------------------------------------------------------------- */

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
	fds = count_fds(z.pid);
	sut_start(&z, &s, 5, 55);
	sut_say(&s, "hello\r\n");
	sut_read(&s, buf, sizeof(buf));
	assert_string_equal(buf, "hello");
	expect(&s.worker, &in, MSG_STATS);
	assert_int_equal(in.msg.stats.bytes_in, 7);
	assert_int_equal(in.msg.stats.bytes_out, 5);
	expect_ended(&z, &s, ENDED_EXITED, 0);
	expect_closed(&s.worker);
	assert_int_equal(slot_read(z.slots, 5, &slot), 0);
	assert_int_equal(slot.port, 40112);
	assert_true(slot.start > 0 && slot.start <= time_boot_ns());
	sut_close(&s);
	assert_int_equal(count_fds(z.pid), fds);
	zut_stop(&z);
}

static void
test_worker_has_two_descriptors_and_no_forks(void **state)
{
	char buf[160], title[64];
	struct slot slot;
	struct zut z;
	struct sut s;

	(void)state;
	zut_new(&z, &ops, 0);
	sut_start(&z, &s, 0, 77);
	/* The worker waits for its line: looked at from outside. */
	sut_say(&s, "sta");
	while (slot_read(z.slots, 0, &slot) != 0 || slot.pid == 0)
		continue;
	snprintf(title, sizeof(title), "/proc/%d/fd/5", slot.pid);
	while (count_fds(slot.pid) > 5 && access(title, F_OK) == 0)
		continue;
	assert_int_equal(count_fds(slot.pid), 5);
	sut_say(&s, "te\n");
	sut_read(&s, buf, sizeof(buf));
	assert_non_null(strstr(buf, "nproc 0 session 77 port 40112"));
	expect_ended(&z, &s, ENDED_EXITED, 0);
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
	expect_ended(&z, &s, ENDED_EXITED, 3);
	sut_close(&s);
	/* The slot serves again. */
	sut_start(&z, &s, 0, 2);
	sut_say(&s, "exit 0\n");
	expect_ended(&z, &s, ENDED_EXITED, 0);
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
	expect_closed(&z.master);
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

/* --- the pool ------------------------------------------------------------------ */

struct pooled {
	int32_t pid;
	struct ipc_channel worker;
};

static void
expect_pooled(struct zut *z, struct pooled *p)
{
	struct ipc_in in;

	expect(&z->master, &in, MSG_POOLED);
	p->pid = in.msg.pooled.pid;
	ipc_channel_init(&p->worker, in.fds[0], ROLE_MASTER, ROLE_WORKER,
	    ST_IDLE);
}

static void
send_taken(struct zut *z, const struct pooled *p, uint32_t slot,
    uint64_t session)
{
	struct msg_pool_taken taken = {.pid = p->pid, .slot = slot,
	    .session = session};

	sut_addresses(&taken.peer, &taken.local);
	assert_int_equal(ipc_send_wait(&z->master, MSG_POOL_TAKEN, &taken,
	    NULL, 0), 0);
}

static int
send_assign(const struct pooled *p, struct sut *s, uint32_t slot,
    uint64_t session)
{
	struct msg_assign assign = {.session = session};
	int connection[2], err;

	s->slot = slot;
	s->session = session;
	s->worker = p->worker;
	sut_addresses(&assign.peer, &assign.local);
	assert_int_equal(socketpair(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, connection), 0);
	err = ipc_send(&s->worker, MSG_ASSIGN, &assign, &connection[1], 1);
	close(connection[1]);
	s->peer = connection[0];
	return (err);
}

static void
test_pool_serves_and_refills(void **state)
{
	struct pooled p[3];
	struct ipc_in in;
	struct zut z;
	struct sut s;
	char buf[160];

	(void)state;
	zut_new(&z, &ops, 2);
	expect_pooled(&z, &p[0]);
	expect_pooled(&z, &p[1]);
	assert_int_equal(count_fds(p[0].pid), 4);
	send_taken(&z, &p[0], 9, 99);
	assert_int_equal(send_assign(&p[0], &s, 9, 99), 0);
	sut_say(&s, "state\n");
	sut_read(&s, buf, sizeof(buf));
	assert_non_null(strstr(buf, "nproc 0 session 99 port 40112"));
	expect(&s.worker, &in, MSG_STATS);
	assert_int_equal(in.msg.stats.bytes_in, 6);
	/* One is forked in its place; the end may be told before or after. */
	wait_readable(z.master.fd);
	assert_int_equal(ipc_recv(&z.master, &in), 0);
	if (in.type == MSG_ENDED) {
		assert_int_equal(in.msg.ended.pid, p[0].pid);
		expect_pooled(&z, &p[2]);
	} else {
		assert_int_equal(in.type, MSG_POOLED);
		p[2].pid = in.msg.pooled.pid;
		p[2].worker.fd = in.fds[0];
		expect_ended(&z, &s, ENDED_EXITED, 0);
	}
	assert_int_not_equal(p[2].pid, p[1].pid);
	sut_close(&s);
	ipc_channel_close(&p[1].worker);
	ipc_channel_close(&p[2].worker);
	zut_stop(&z);
}

static void
test_pool_is_announced_to_a_new_master(void **state)
{
	struct pooled p, again;
	struct zut z;
	struct sut s;
	char buf[64];

	(void)state;
	zut_new(&z, &ops, 1);
	expect_pooled(&z, &p);
	ipc_channel_close(&p.worker);
	ipc_channel_close(&z.master);
	zut_attach(&z, 1);
	expect_pooled(&z, &again);
	assert_int_equal(again.pid, p.pid);
	send_taken(&z, &again, 1, 11);
	assert_int_equal(send_assign(&again, &s, 1, 11), 0);
	sut_say(&s, "here\n");
	sut_read(&s, buf, sizeof(buf));
	assert_string_equal(buf, "here");
	sut_close(&s);
	zut_stop(&z);
}

/* The master took it, and died before it gave the connection. */
static void
test_pool_taken_and_forgotten_ends(void **state)
{
	struct sut s = {.slot = 4, .session = 44};
	struct pooled p;
	struct zut z;

	(void)state;
	zut_new(&z, &ops, 1);
	expect_pooled(&z, &p);
	send_taken(&z, &p, 4, 44);
	ipc_channel_close(&p.worker);
	ipc_channel_close(&z.master);
	zut_attach(&z, 0);
	assert_int_equal(expect_ended(&z, &s, ENDED_EXITED, 0), p.pid);
	zut_stop(&z);
}

/* --- crashes and retirement ----------------------------------------------------- */

static void
expect_returned(struct zut *z, const struct sut *s)
{
	struct ipc_in in;
	char buf[8];

	expect(&z->master, &in, MSG_RETURNED);
	assert_int_equal(in.msg.returned.slot, s->slot);
	assert_int_equal(in.msg.returned.session, s->session);
	assert_int_equal(in.nfds, 3);
	/* It is that connection: what is said into it comes out here. */
	assert_int_equal(write(in.fds[0], "back", 4), 4);
	assert_int_equal(read(s->peer, buf, sizeof(buf)), 4);
	ipc_in_close(&in);
}

static void
test_crash_retires_and_returns(void **state)
{
	struct sut bad, live, late;
	struct ipc_in in;
	struct zut z;
	char buf[64];

	(void)state;
	zut_new(&z, &ops, 0);
	sut_start(&z, &live, 0, 1);
	sut_start(&z, &bad, 1, 2);
	sut_say(&bad, "crash\n");
	expect_ended(&z, &bad, ENDED_SIGNAL, SIGKILL);
	expect(&z.monitor, &in, MSG_RETIRING);
	assert_int_equal(in.msg.retiring.crashed, 1);
	for (uint32_t i = 2; i < 12; i++) {
		sut_start(&z, &late, i, i + 1);
		expect_returned(&z, &late);
		sut_close(&late);
	}
	/* Who was being served is served on; then the zygote is done. */
	sut_say(&live, "on\n");
	sut_read(&live, buf, sizeof(buf));
	assert_string_equal(buf, "on");
	expect_ended(&z, &live, ENDED_EXITED, 0);
	expect_closed(&z.master);
	sut_close(&live);
	sut_close(&bad);
	assert_int_equal(zut_wait(&z), 0);
	zut_free(&z);
}

static void
test_crash_closes_the_pool(void **state)
{
	struct pooled p[2];
	struct ipc_in in;
	struct zut z;
	struct sut s;

	(void)state;
	zut_new(&z, &ops, 2);
	expect_pooled(&z, &p[0]);
	expect_pooled(&z, &p[1]);
	kill(p[0].pid, SIGKILL);
	expect(&z.monitor, &in, MSG_RETIRING);
	expect_closed(&p[1].worker);
	assert_int_equal(send_assign(&p[1], &s, 0, 1), ERR_CLOSED);
	expect_closed(&z.master);
	assert_int_equal(zut_wait(&z), 0);
	assert_int_equal(slots_running(&z), 0);
	ipc_channel_close(&p[0].worker);
	sut_close(&s);
	zut_free(&z);
}

/* Taken after it was closed: the session is the master's to place again. */
static void
test_taken_after_a_crash_is_ended_once(void **state)
{
	struct pooled p[2];
	struct ipc_in in;
	struct zut z;
	struct sut s;

	(void)state;
	zut_new(&z, &ops, 2);
	expect_pooled(&z, &p[0]);
	expect_pooled(&z, &p[1]);
	kill(p[1].pid, SIGSTOP);
	kill(p[0].pid, SIGKILL);
	expect(&z.monitor, &in, MSG_RETIRING);
	send_taken(&z, &p[1], 6, 66);
	assert_int_equal(send_assign(&p[1], &s, 6, 66), ERR_CLOSED);
	while (slots_running(&z) == 0)
		continue;
	kill(p[1].pid, SIGCONT);
	expect(&z.master, &in, MSG_ENDED);
	assert_int_equal(in.msg.ended.session, 66);
	expect_closed(&z.master);
	assert_int_equal(zut_wait(&z), 0);
	assert_int_equal(slots_running(&z), 0);
	ipc_channel_close(&p[0].worker);
	sut_close(&s);
	zut_free(&z);
}

/* The master takes one that is dead already: it hears of it, and goes on. */
static void
test_taken_when_dead_is_answered(void **state)
{
	struct pooled none = {.pid = INT32_MAX};
	struct ipc_in in;
	struct zut z;
	struct sut s;

	(void)state;
	zut_new(&z, &ops, 0);
	send_taken(&z, &none, 6, 66);
	expect(&z.master, &in, MSG_ENDED);
	assert_int_equal(in.msg.ended.slot, 6);
	assert_int_equal(in.msg.ended.session, 66);
	assert_int_equal(in.msg.ended.how, ENDED_FAILED);
	assert_int_equal(in.msg.ended.value, ESRCH);
	/* The same slot and session may be started now. */
	sut_start(&z, &s, 6, 66);
	sut_say(&s, "crash\n");
	expect(&z.master, &in, MSG_ENDED);
	assert_int_equal(in.msg.ended.how, ENDED_SIGNAL);
	sut_close(&s);
	zut_wait(&z);
	zut_free(&z);
}

#define CRASH_ROUNDS 20
#define CRASH_AT_ONCE 50

static void
test_a_thousand_crashes_leave_no_slot(void **state)
{
	struct sut s[CRASH_AT_ONCE];
	uint64_t session = 1;
	struct ipc_in in;
	struct zut z;

	(void)state;
	memset(&z, 0, sizeof(z));
	zut_table(&z);
	for (int round = 0; round < CRASH_ROUNDS; round++) {
		zut_fork(&z, &ops);
		zut_send_table(&z);
		zut_attach(&z, 0);
		for (uint32_t i = 0; i < CRASH_AT_ONCE; i++)
			sut_start(&z, &s[i], i, session++);
		for (int i = 0; i < CRASH_AT_ONCE; i++)
			sut_say(&s[i], "crash\n");
		for (int i = 0; i < CRASH_AT_ONCE; i++) {
			expect(&z.master, &in, MSG_ENDED);
			assert_int_equal(in.msg.ended.how, ENDED_SIGNAL);
		}
		expect_closed(&z.master);
		expect(&z.monitor, &in, MSG_RETIRING);
		assert_int_equal(zut_wait(&z), 0);
		assert_int_equal(slots_running(&z), 0);
		for (int i = 0; i < CRASH_AT_ONCE; i++)
			sut_close(&s[i]);
	}
	zut_free(&z);
}

static void
test_many_forks_retire(void **state)
{
	uint64_t session = 1;
	struct ipc_in in;
	struct zut z;
	struct sut s;

	(void)state;
	zut_new(&z, &ops, 0);
	for (; session <= ENGINE_FORKS_MAX; session++) {
		sut_start(&z, &s, 0, session);
		fd_close(&s.peer);
		expect_ended(&z, &s, ENDED_EXITED, 9);
		ipc_channel_close(&s.worker);
	}
	expect(&z.monitor, &in, MSG_RETIRING);
	assert_int_equal(in.msg.retiring.crashed, 0);
	expect_closed(&z.master);
	assert_int_equal(zut_wait(&z), 0);
	zut_free(&z);
}

/* --- masters come and go ---------------------------------------------------------- */

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
	while (slot_read(z.slots, 1, &slot) != 0 ||
	    atomic_load(&slot.use) != SLOT_ENDED)
		continue;
	assert_int_equal(slot.value, 4);
	zut_attach(&z, 0);
	expect(&z.master, &in, MSG_WORKER_CHANNEL);
	assert_int_equal(in.msg.worker_channel.slot, 0);
	assert_int_equal(in.msg.worker_channel.session, 10);
	ipc_channel_init(&live.worker, in.fds[0], ROLE_MASTER, ROLE_WORKER,
	    ST_UP);
	/* What ended while there was no master is told to the next. */
	expect_ended(&z, &gone, ENDED_EXITED, 4);
	sut_say(&live, "ask\n");
	expect(&live.worker, &in, MSG_LOOKUP_ASK);
	assert_int_equal(ipc_send(&live.worker, MSG_LOOKUP_DONE,
	    &(struct msg_lookup_done){.request = 1, .found = 1}, NULL, 0), 0);
	sut_read(&live, buf, sizeof(buf));
	assert_string_equal(buf, "found");
	expect(&live.worker, &in, MSG_STATS);
	expect_ended(&z, &live, ENDED_EXITED, 0);
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
	expect(&z.master, &in, MSG_WORKER_CHANNEL);
	ipc_in_close(&in);
	sut_say(&s, "served\n");
	sut_read(&s, buf, sizeof(buf));
	assert_string_equal(buf, "served");
	expect_ended(&z, &s, ENDED_EXITED, 0);
	sut_close(&s);
	zut_stop(&z);
}

/* --- the way out -------------------------------------------------------------------- */

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
	while (slots_running(&z) == 0)
		continue;
	assert_int_equal(ipc_send(&z.monitor, MSG_STOP, &stop, NULL, 0), 0);
	/* It has read STOP once it returns a START. */
	for (uint64_t i = 2;; i++) {
		struct ipc_in in;

		sut_start(&z, &late, (uint32_t)i, i);
		sut_say(&late, "exit 0\n");
		wait_readable(z.master.fd);
		assert_int_equal(ipc_recv(&z.master, &in), 0);
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
	assert_int_equal(slots_running(&z), 0);
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
	while (slots_running(&z) == 0)
		continue;
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
	int fd = dup(0);

	(void)state;
	zut_new(&z, &ops, 0);
	memset(&program, 0, sizeof(program));
	assert_int_equal(ipc_send(&z.monitor, MSG_PROGRAM, &program, &fd, 1),
	    0);
	close(fd);
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
	    cmocka_unit_test(test_pool_serves_and_refills),
	    cmocka_unit_test(test_pool_is_announced_to_a_new_master),
	    cmocka_unit_test(test_pool_taken_and_forgotten_ends),
	    cmocka_unit_test(test_crash_retires_and_returns),
	    cmocka_unit_test(test_crash_closes_the_pool),
	    cmocka_unit_test(test_taken_after_a_crash_is_ended_once),
	    cmocka_unit_test(test_taken_when_dead_is_answered),
	    cmocka_unit_test(test_a_thousand_crashes_leave_no_slot),
	    cmocka_unit_test(test_many_forks_retire),
	    cmocka_unit_test(test_a_new_master_gets_the_live_workers),
	    cmocka_unit_test(test_orders_of_a_dead_master_are_served),
	    cmocka_unit_test(test_stop_waits_for_the_last_worker),
	    cmocka_unit_test(test_the_monitors_end_leaves_workers),
	    cmocka_unit_test(test_a_message_of_another_service_ends_it),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
