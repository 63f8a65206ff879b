/* The queue of events: order, losses told in their place, a new channel. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "audit/event.h"
#include "lib/err.h"
#include "lib/fd.h"

static void
emit(struct event_sink *s, uint64_t session, size_t text)
{
	static char longest[512];
	struct event_builder b;

	memset(longest, 'r', sizeof(longest));
	event_begin(&b, EV_CONNECTION_REFUSED);
	event_text(&b, FIELD_SERVICE, "finger");
	event_number(&b, FIELD_SESSION, session);
	event_bytes(&b, FIELD_REASON, longest, text);
	event_emit(s, &b);
}

/*
 * Read what is there, at most so many: sessions must go on from *next, a told
 * loss moves *next by its count. Returns the events read.
 */
static int
drain_some(struct ipc_channel *ch, uint64_t *next, uint64_t *lost, int most)
{
	struct ipc_in in;
	struct event_view v;
	int n = 0;

	while (n < most) {
		int err = ipc_recv(ch, &in);

		if (err == ERR_AGAIN || err == ERR_CLOSED)
			return (n);
		assert_int_equal(err, 0);
		assert_int_equal(in.type, MSG_EVENT);
		assert_int_equal(
		    event_decode(&in.msg.event, ROLE_MASTER, &v), 0);
		n++;
		if (v.event == EV_EVENTS_DROPPED) {
			*next += v.fields[FIELD_COUNT].number;
			*lost += v.fields[FIELD_COUNT].number;
			continue;
		}
		assert_true(v.fields[FIELD_SESSION].number == *next);
		(*next)++;
	}
	return (n);
}

static int
drain(struct ipc_channel *ch, uint64_t *next, uint64_t *lost)
{
	return (drain_some(ch, next, lost, INT_MAX));
}

static void
channel(struct ipc_channel *ch, struct event_sink *s)
{
	int pair[2];

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	assert_int_equal(fd_set_nonblock(pair[0], 1), 0);
	ipc_channel_init(ch, pair[0], ROLE_AUDIT, ROLE_MASTER, ST_UP);
	event_sink_attach(s, pair[1]);
}

static void
test_at_once(void **state)
{
	struct event_sink *s = event_sink_new(ROLE_MASTER, 16);
	struct ipc_channel ch;
	uint64_t next = 1, lost = 0;

	(void)state;
	channel(&ch, s);
	emit(s, 1, 10);
	assert_false(event_sink_wants_write(s));
	assert_int_equal(drain(&ch, &next, &lost), 1);
	event_sink_hold(s, 1);
	emit(s, 2, 10);
	emit(s, 3, 10);
	assert_int_equal(drain(&ch, &next, &lost), 0);
	assert_true(event_sink_wants_write(s));
	event_sink_flush(s);
	assert_int_equal(drain(&ch, &next, &lost), 2);
	ipc_channel_close(&ch);
	event_sink_free(s);
}

/* No channel: the queue holds its capacity, the rest is told, in order. */
static void
test_without_channel(void **state)
{
	struct event_sink *s = event_sink_new(ROLE_MASTER, 16);
	struct ipc_channel ch;
	uint64_t next = 1, lost = 0;

	(void)state;
	for (uint64_t i = 1; i <= 40; i++)
		emit(s, i, 10);
	assert_int_equal(event_sink_queued(s), 16);
	assert_true(event_sink_dropped(s) == 24);
	assert_int_equal(event_sink_fd(s), -1);
	assert_false(event_sink_wants_write(s));
	channel(&ch, s);
	assert_int_equal(drain(&ch, &next, &lost), 17);
	assert_true(lost == 24);
	emit(s, 41, 10);
	drain(&ch, &next, &lost);
	assert_true(next == 42);
	ipc_channel_close(&ch);
	event_sink_free(s);
}

/*
 * A slow reader, with events of all lengths, so that the ring wraps at many
 * places: sessions told plus losses told are all, in order.
 */
static void
test_slow_reader(void **state)
{
	struct event_sink *s = event_sink_new(ROLE_MASTER, 24);
	struct ipc_channel ch;
	uint64_t next = 1, lost = 0, i;

	(void)state;
	channel(&ch, s);
	for (i = 1; i <= 60000; i++) {
		emit(s, i, (size_t)((i * 7919) % 500));
		/* Always behind, so that the queue never starts afresh. */
		if (i % 11 == 0)
			drain_some(&ch, &next, &lost, (int)(i % 19));
		if (i % 7 == 0)
			event_sink_flush(s);
	}
	while (event_sink_wants_write(s)) {
		event_sink_flush(s);
		drain(&ch, &next, &lost);
	}
	drain(&ch, &next, &lost);
	assert_true(next == i);
	assert_true(lost > 0);
	ipc_channel_close(&ch);
	event_sink_free(s);
}

/* The reader dies: what was not sent yet goes to the next one. */
static void
test_new_channel(void **state)
{
	struct event_sink *s = event_sink_new(ROLE_MASTER, 64);
	struct ipc_channel ch;
	uint64_t next = 1, lost = 0;

	(void)state;
	channel(&ch, s);
	emit(s, 1, 10);
	assert_int_equal(drain(&ch, &next, &lost), 1);
	ipc_channel_close(&ch);
	emit(s, 2, 10);
	assert_int_equal(event_sink_fd(s), -1);
	emit(s, 3, 10);
	channel(&ch, s);
	assert_int_equal(drain(&ch, &next, &lost), 2);
	assert_true(lost == 0);
	ipc_channel_close(&ch);
	event_sink_free(s);
}

/* An event with a field that is not its own is not sent, and is counted. */
static void
test_bad_event(void **state)
{
	struct event_sink *s = event_sink_new(ROLE_MASTER, 64);
	struct event_builder b;

	(void)state;
	event_begin(&b, EV_CONNECTION_REFUSED);
	event_text(&b, FIELD_ROLE, "master");
	event_emit(s, &b);
	assert_int_equal(event_sink_queued(s), 0);
	assert_true(event_sink_dropped(s) == 1);
	event_sink_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_at_once),
	    cmocka_unit_test(test_without_channel),
	    cmocka_unit_test(test_slow_reader),
	    cmocka_unit_test(test_new_channel),
	    cmocka_unit_test(test_bad_event),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
