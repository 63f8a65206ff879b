/*
 * The zygote of built-in services, with this test as its monitor and master:
 * workers forked ahead, crashes, retirement.
 */
#include <sys/resource.h>

#include <sched.h>

#include "tests/stage/service.h"

/* --- the pool ---------------------------------------------------------------
 */

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
	/* Told of right after the fork: its first acts may be to come. */
	while (stage_count_fds(p[0].pid) > 4)
		sched_yield();
	assert_int_equal(stage_count_fds(p[0].pid), 4);
	send_taken(&z, &p[0], 9, 99);
	assert_int_equal(send_assign(&p[0], &s, 9, 99), 0);
	sut_say(&s, "state\n");
	sut_read(&s, buf, sizeof(buf));
	assert_non_null(strstr(buf, "nproc 0 session 99 port 40112"));
	stage_expect(&s.worker, MSG_STATS, &in);
	assert_int_equal(in.msg.stats.bytes_in, 6);
	/* One is forked in its place; the end may be told before or after. */
	stage_readable(z.master.fd);
	assert_int_equal(ipc_recv(&z.master, &in), 0);
	if (in.type == MSG_ENDED) {
		assert_int_equal(in.msg.ended.pid, p[0].pid);
		expect_pooled(&z, &p[2]);
	} else {
		assert_int_equal(in.type, MSG_POOLED);
		p[2].pid = in.msg.pooled.pid;
		p[2].worker.fd = in.fds[0];
		zut_expect_ended(&z, &s, ENDED_EXITED, 0);
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

/*
 * The master took it, and died before it gave the connection; or just after,
 * and before the worker had read of it. The next one cannot know which: it has
 * the worker let go, who has none.
 */
static int32_t
expect_ended_past_pooled(struct zut *z, const struct sut *s)
{
	struct ipc_in in;

	/* The zygote may have forked another in its place by then. */
	do {
		stage_readable(z->master.fd);
		assert_int_equal(ipc_recv(&z->master, &in), 0);
		ipc_in_close(&in);
	} while (in.type == MSG_POOLED);
	return (zut_check_ended(z, s, &in, ENDED_EXITED, 0));
}

static void
test_pool_taken_and_forgotten_ends(void **state)
{
	struct msg_dismiss dismiss = {.end_ = 0};
	struct sut s = {.slot = 4, .session = 44};
	struct ipc_channel worker;
	struct ipc_in in;
	struct pooled p;
	struct zut z;

	(void)state;
	zut_new(&z, &ops, 1);
	expect_pooled(&z, &p);
	send_taken(&z, &p, 4, 44);
	ipc_channel_close(&p.worker);
	ipc_channel_close(&z.master);
	zut_attach(&z, 0);
	stage_expect(&z.master, MSG_WORKER_CHANNEL, &in);
	assert_int_equal(in.msg.worker_channel.session, 44);
	ipc_channel_init(&worker, in.fds[0], ROLE_MASTER, ROLE_WORKER, ST_UP);
	assert_int_equal(ipc_send(&worker, MSG_DISMISS, &dismiss, NULL, 0), 0);
	assert_int_equal(expect_ended_past_pooled(&z, &s), p.pid);
	ipc_channel_close(&worker);
	zut_stop(&z);
}

static void
test_pool_given_and_dismissed_serves(void **state)
{
	struct msg_dismiss dismiss = {.end_ = 0};
	struct ipc_channel worker;
	struct ipc_in in;
	struct pooled p;
	struct zut z;
	struct sut s;
	char buf[64];

	(void)state;
	zut_new(&z, &ops, 1);
	expect_pooled(&z, &p);
	send_taken(&z, &p, 4, 44);
	kill(p.pid, SIGSTOP);
	assert_int_equal(send_assign(&p, &s, 4, 44), 0);
	ipc_channel_close(&s.worker);
	ipc_channel_close(&z.master);
	zut_attach(&z, 0);
	stage_expect(&z.master, MSG_WORKER_CHANNEL, &in);
	ipc_channel_init(&worker, in.fds[0], ROLE_MASTER, ROLE_WORKER, ST_UP);
	assert_int_equal(ipc_send(&worker, MSG_DISMISS, &dismiss, NULL, 0), 0);
	kill(p.pid, SIGCONT);
	sut_say(&s, "served\n");
	sut_read(&s, buf, sizeof(buf));
	assert_string_equal(buf, "served");
	stage_expect(&worker, MSG_STATS, &in);
	assert_int_equal(expect_ended_past_pooled(&z, &s), p.pid);
	ipc_channel_close(&worker);
	sut_close(&s);
	zut_stop(&z);
}

/*
 * A zygote that retires leaves the pool to its master, who may have given one
 * of them a connection just now: nothing shuts the channel of that one.
 */
static void
test_retiring_leaves_the_pool(void **state)
{
	struct sut bad, s;
	struct pooled p[2];
	struct ipc_in in;
	struct zut z;
	char buf[64];

	(void)state;
	zut_new(&z, &ops, 2);
	expect_pooled(&z, &p[0]);
	expect_pooled(&z, &p[1]);
	sut_start(&z, &bad, 1, 2);
	sut_say(&bad, "crash\n");
	stage_expect(&z.master, MSG_RETIRED, &in);
	zut_expect_ended(&z, &bad, ENDED_SIGNAL, SIGKILL);
	stage_expect(&z.monitor, MSG_RETIRING, &in);
	/* The order crosses that; after it there are things to say. */
	send_taken(&z, &p[0], 3, 33);
	assert_int_equal(send_assign(&p[0], &s, 3, 33), 0);
	assert_int_equal(ipc_send(&s.worker, MSG_DISMISS,
			     &(struct msg_dismiss){.end_ = 0}, NULL, 0),
	    0);
	sut_say(&s, "whole\n");
	sut_read(&s, buf, sizeof(buf));
	assert_string_equal(buf, "whole");
	zut_expect_ended(&z, &s, ENDED_EXITED, 0);
	sut_close(&s);
	sut_close(&bad);
	/* It waits for the idle one until that is let go. */
	shutdown(p[1].worker.fd, SHUT_WR);
	ipc_channel_close(&p[1].worker);
	stage_expect_closed(&z.master);
	assert_int_equal(zut_wait(&z), 0);
	zut_free(&z);
}

/* The next message: one more for the pool, or the end of a session. */
static bool
pool_read(struct zut *z, struct pooled *ready, size_t *count, struct sut *s)
{
	struct ipc_in in;

	stage_readable(z->master.fd);
	assert_int_equal(ipc_recv(&z->master, &in), 0);
	if (in.type == MSG_POOLED) {
		ready[*count].pid = in.msg.pooled.pid;
		ipc_channel_init(&ready[*count].worker, in.fds[0], ROLE_MASTER,
		    ROLE_WORKER, ST_IDLE);
		(*count)++;
		return (false);
	}
	assert_int_equal(in.type, MSG_ENDED);
	assert_int_equal(in.msg.ended.how, ENDED_EXITED);
	assert_int_equal(in.msg.ended.value, 0);
	sut_close(&s[in.msg.ended.slot]);
	return (true);
}

/*
 * Many idle workers end at once, and while the zygote waits for them others
 * are taken, serve and end too: each of these is told as what it was.
 */
static void
test_pool_tells_short_sessions_right(void **state)
{
	struct pooled ready[64];
	struct sut s[4];
	struct zut z;
	size_t count = 0;

	(void)state;
	zut_new(&z, &ops, 40);
	for (uint64_t session = 1; session < 200; session += 4) {
		uint32_t ended = 0;

		while (count < 40)
			assert_false(pool_read(&z, ready, &count, s));
		while (count > 4) {
			count--;
			shutdown(ready[count].worker.fd, SHUT_WR);
			ipc_channel_close(&ready[count].worker);
		}
		for (uint32_t i = 0; i < 4; i++) {
			struct pooled p = ready[--count];

			send_taken(&z, &p, i, session + i);
			assert_int_equal(
			    send_assign(&p, &s[i], i, session + i), 0);
			sut_say(&s[i], "x\n");
		}
		while (ended < 4)
			ended += pool_read(&z, ready, &count, s);
	}
	while (count > 0)
		ipc_channel_close(&ready[--count].worker);
	zut_stop(&z);
}

/* --- crashes and retirement
 * ----------------------------------------------------- */

static void
expect_returned(struct zut *z, const struct sut *s)
{
	struct ipc_in in;
	char buf[8];

	stage_expect(&z->master, MSG_RETURNED, &in);
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
	zut_expect_ended(&z, &bad, ENDED_SIGNAL, SIGKILL);
	stage_expect(&z.monitor, MSG_RETIRING, &in);
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
	zut_expect_ended(&z, &live, ENDED_EXITED, 0);
	stage_expect_closed(&z.master);
	sut_close(&live);
	sut_close(&bad);
	assert_int_equal(zut_wait(&z), 0);
	zut_free(&z);
}

/* Its master is told, and lets the idle one go; then it is done. */
static void
test_crash_ends_the_pool(void **state)
{
	struct pooled p[2];
	struct ipc_in in;
	struct zut z;

	(void)state;
	zut_new(&z, &ops, 2);
	expect_pooled(&z, &p[0]);
	expect_pooled(&z, &p[1]);
	kill(p[0].pid, SIGKILL);
	stage_expect(&z.master, MSG_RETIRED, &in);
	stage_expect(&z.monitor, MSG_RETIRING, &in);
	shutdown(p[1].worker.fd, SHUT_RDWR);
	stage_expect_closed(&z.master);
	assert_int_equal(zut_wait(&z), 0);
	assert_int_equal(zut_running(&z), 0);
	ipc_channel_close(&p[0].worker);
	ipc_channel_close(&p[1].worker);
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
	stage_expect(&z.master, MSG_ENDED, &in);
	assert_int_equal(in.msg.ended.slot, 6);
	assert_int_equal(in.msg.ended.session, 66);
	assert_int_equal(in.msg.ended.how, ENDED_FAILED);
	assert_int_equal(in.msg.ended.value, ESRCH);
	/* The same slot and session may be started now. */
	sut_start(&z, &s, 6, 66);
	sut_say(&s, "crash\n");
	stage_expect(&z.master, MSG_ENDED, &in);
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
		zut_fork(&z, &ops, NULL);
		zut_send_table(&z);
		zut_attach(&z, 0);
		for (uint32_t i = 0; i < CRASH_AT_ONCE; i++)
			sut_start(&z, &s[i], i, session++);
		for (int i = 0; i < CRASH_AT_ONCE; i++)
			sut_say(&s[i], "crash\n");
		for (int i = 0; i < CRASH_AT_ONCE; i++) {
			stage_expect(&z.master, MSG_ENDED, &in);
			assert_int_equal(in.msg.ended.how, ENDED_SIGNAL);
		}
		stage_expect_closed(&z.master);
		stage_expect(&z.monitor, MSG_RETIRING, &in);
		assert_int_equal(zut_wait(&z), 0);
		assert_int_equal(zut_running(&z), 0);
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
		zut_expect_ended(&z, &s, ENDED_EXITED, 9);
		ipc_channel_close(&s.worker);
	}
	stage_expect(&z.monitor, MSG_RETIRING, &in);
	assert_int_equal(in.msg.retiring.crashed, 0);
	stage_expect_closed(&z.master);
	assert_int_equal(zut_wait(&z), 0);
	zut_free(&z);
}

/* When this is answered, every order before it has been carried out. */
static void
barrier(struct zut *z, uint32_t slot, uint64_t session)
{
	struct pooled none = {.pid = INT32_MAX};
	struct ipc_in in;

	send_taken(z, &none, slot, session);
	stage_expect(&z->master, MSG_ENDED, &in);
	assert_int_equal(in.msg.ended.session, session);
}

/*
 * So many that live make each fork dear: the next go to another zygote. But
 * not at once, since short sessions' ends may only be late.
 */
static void
test_many_living_retire(void **state)
{
	const uint32_t peak = ENGINE_LIVE_MAX, last = peak + 1;
	static struct sut s[ENGINE_LIVE_MAX + 2];
	struct pollfd p = {.events = POLLIN};
	struct rlimit r;
	struct ipc_in in;
	struct zut z;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = r.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
	zut_new(&z, &ops, 0);
	p.fd = z.monitor.fd;
	for (uint32_t i = 0; i < peak; i++)
		sut_start(&z, &s[i], i, i + 1);
	barrier(&z, last, last + 1);
	assert_int_equal(poll(&p, 1, ENGINE_CROWDED_MS + 10), 0);
	for (uint32_t i = peak; i <= last; i++)
		sut_start(&z, &s[i], i, i + 1);
	stage_expect(&z.monitor, MSG_RETIRING, &in);
	assert_int_equal(in.msg.retiring.crashed, 0);
	expect_returned(&z, &s[last]);
	for (uint32_t i = 0; i < last; i++) {
		fd_close(&s[i].peer);
		zut_expect_ended(&z, &s[i], ENDED_EXITED, 9);
		ipc_channel_close(&s[i].worker);
	}
	sut_close(&s[last]);
	stage_expect_closed(&z.master);
	assert_int_equal(zut_wait(&z), 0);
	zut_free(&z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pool_serves_and_refills),
	    cmocka_unit_test(test_pool_is_announced_to_a_new_master),
	    cmocka_unit_test(test_pool_taken_and_forgotten_ends),
	    cmocka_unit_test(test_pool_given_and_dismissed_serves),
	    cmocka_unit_test(test_retiring_leaves_the_pool),
	    cmocka_unit_test(test_pool_tells_short_sessions_right),
	    cmocka_unit_test(test_crash_retires_and_returns),
	    cmocka_unit_test(test_crash_ends_the_pool),
	    cmocka_unit_test(test_taken_when_dead_is_answered),
	    cmocka_unit_test(test_a_thousand_crashes_leave_no_slot),
	    cmocka_unit_test(test_many_forks_retire),
	    cmocka_unit_test(test_many_living_retire),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
