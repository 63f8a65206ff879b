/*
 * A whole connection: what each command does, bounds when the peer does not
 * read, urgent data in both directions, and that no split of the input and no
 * order of sending changes what is said.
 */
#include "lib/err.h"
#include "tests/stage/telnet.h"

static struct telnet t;
static uint8_t queue[TELNET_QUEUE_MIN];
static uint8_t out[TELNET_QUEUE_MIN];
static struct record record;

static void
setup(void)
{
	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	harness_take(&t, out, sizeof(out), NULL);
	record.n = 0;
}

/* The input's actions and the answer. */
static void
check(const void *in, size_t n, const void *actions, size_t actions_n,
    const void *answer, size_t answer_n)
{
	setup();
	harness_receive(&t, in, n, &record);
	assert_int_equal(record.n, actions_n);
	assert_memory_equal(record.bytes, actions, actions_n);
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), answer_n);
	assert_memory_equal(out, answer, answer_n);
}
#define CHECK(in, actions, answer)                                             \
	check(in, sizeof(in) - 1, actions, sizeof(actions) - 1, answer,        \
	    sizeof(answer) - 1)
#define KEY(k) "\xff\x02" k

static void
test_start(void **state)
{
	static const char offers[] = "\xff\xfb\x03\xff\xfb\x01\xff\xfd\x03"
				     "\xff\xfd\x18\xff\xfd\x1f\xff\xfd\x27"
				     "\xff\xfd\x21\xff\xfb\x05";

	(void)state;
	assert_int_equal(telnet_init(&t, queue, sizeof(queue) - 1), ERR_VALUE);
	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	assert_int_equal(
	    harness_take(&t, out, sizeof(out), NULL), sizeof(offers) - 1);
	assert_memory_equal(out, offers, sizeof(offers) - 1);
}

static void
test_each_command(void **state)
{
	(void)state;
	CHECK("a\xff\xf4"
	      "b",
	    "a" KEY("\x00") "b", "");
	CHECK("\xff\xf3", KEY("\x01"), "");
	CHECK("\xff\xee", KEY("\x01"), "");
	CHECK("\xff\xf7", KEY("\x02"), "");
	CHECK("\xff\xf8", KEY("\x03"), "");
	CHECK("\xff\xec", KEY("\x04"), "");
	CHECK("\xff\xed", KEY("\x05"), "");
	CHECK("a\xff\xf6"
	      "b",
	    "ab", "\r\n[Yes]\r\n");
	CHECK("a\xff\xf1\xff\xf9\xff\xf2\xff\xef\xff\xf0"
	      "b",
	    "ab", "");
	for (unsigned c = 0; c < TELNET_CMD_EOF; c++) {
		uint8_t in[4] = {'a', 0xff, (uint8_t)c, 'b'};

		check(in, 4, "ab", 2, "", 0);
	}
}

/* One run for a batch, although it is made of pieces. */
static void
test_data_comes_as_one_run(void **state)
{
	uint8_t in[] = "ls\r\n\xff\xff\xff\xf1-l\r\0\xff\xfd\x01\r\nx";
	struct telnet_input got;

	(void)state;
	setup();
	assert_int_equal(
	    telnet_receive(&t, in, sizeof(in) - 1, &got), sizeof(in) - 1);
	assert_int_equal(got.action, TELNET_DATA);
	assert_int_equal(got.n, 9);
	assert_memory_equal(got.data, "ls\r\xff-l\r\rx", 9);
	assert_int_equal(telnet_receive(&t, in, 0, &got), 0);
	assert_int_equal(got.action, TELNET_MORE);
}

static void
test_timing_mark(void **state)
{
	(void)state;
	CHECK("\xff\xfd\x06\xff\xfd\x06\xff\xfe\x06", "",
	    "\xff\xfb\x06\xff\xfb\x06");
	CHECK("\xff\xfb\x06\xff\xfb\x06", "", "\xff\xfe\x06");
}

static void
test_logout(void **state)
{
	(void)state;
	CHECK("a\xff\xfd\x12"
	      "b",
	    "a\xff\x04\x00"
	    "b",
	    "\xff\xfb\x12");
	CHECK("\xff\xfb\x12", "", "\xff\xfd\x12"); /* its own end */
}

static void
test_binary_each_way(void **state)
{
	(void)state;
	CHECK("\r\n\xff\xfb\x00\r\n\xff\xfc\x00\r\n", "\r\r\n\r",
	    "\xff\xfd\x00\xff\xfe\x00");
	/* Said twice it is on still. */
	CHECK("\xff\xfb\x00\xff\xfb\x00\r\n", "\r\n", "\xff\xfd\x00");
	setup();
	telnet_output(&t, (const uint8_t *)"a\r", 2);
	harness_receive(&t, "\xff\xfd\x00\xff\xfd\x00", 6, NULL);
	telnet_output(&t, (const uint8_t *)"b\rc", 3);
	harness_receive(&t, "\xff\xfe\x00", 3, NULL);
	telnet_output(&t, (const uint8_t *)"\rd", 2);
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), 15);
	assert_memory_equal(out,
	    "a\r\0\xff\xfb\x00"
	    "b\rc\xff\xfc\x00\r\0d",
	    15);
}

/* Abort Output: queued output goes, commands and the mark stay, urgent. */
static void
test_abort_output(void **state)
{
	size_t at;

	(void)state;
	setup();
	telnet_output(&t, (const uint8_t *)"much output\r", 12);
	harness_receive(&t, "\xff\xfd\x06\xff\xf5", 5, &record);
	assert_int_equal(record.n, 3);
	assert_int_equal(record.bytes[1], TELNET_FLUSHED);
	telnet_output(&t, (const uint8_t *)"more", 4);
	assert_int_equal(harness_take(&t, out, sizeof(out), &at), 9);
	assert_memory_equal(out, "\xff\xfb\x06\xff\xf2more", 9);
	assert_int_equal(at, 5);
}

/* A second one before the first was sent adds nothing. */
static void
test_flush_twice(void **state)
{
	size_t at;

	(void)state;
	setup();
	telnet_output(&t, (const uint8_t *)"abc", 3);
	telnet_flush(&t);
	telnet_output(&t, (const uint8_t *)"def", 3);
	telnet_flush(&t);
	telnet_output(&t, (const uint8_t *)"ghi", 3);
	assert_int_equal(harness_take(&t, out, sizeof(out), &at), 5);
	assert_memory_equal(out, "\xff\xf2ghi", 5);
	assert_int_equal(at, 2);
	telnet_flush(&t);
	assert_int_equal(harness_take(&t, out, sizeof(out), &at), 2);
	assert_int_equal(at, 2);
}

/* However little was sent before: no unit is cut (CVE-2020-10188). */
/* IAC NOP behind what is queued, not within it; where there is room. */
static void
test_probe(void **state)
{
	size_t n;

	(void)state;
	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	harness_take(&t, out, sizeof(out), NULL);
	assert_int_equal(telnet_output(&t, (const uint8_t *)"a\r", 2), 2);
	telnet_probe(&t);
	n = harness_take(&t, out, sizeof(out), NULL);
	assert_true(n >= 4);
	assert_int_equal(out[0], 'a');
	assert_int_equal(out[n - 2], TELNET_CMD_IAC);
	assert_int_equal(out[n - 1], TELNET_CMD_NOP);
	while (telnet_ring_room(&t.ring) > 0)
		telnet_ring_put(&t.ring, (const uint8_t *)"x", 1);
	telnet_probe(&t);
	assert_int_equal(t.ring.n, t.ring.size);
}

static void
test_flush_after_a_short_write(void **state)
{
	(void)state;
	for (size_t sent = 0; sent < 12; sent++) {
		struct telnet_parser p;
		struct telnet_event ev;
		uint8_t wire[64];
		const uint8_t *pending;
		size_t n = 0, at = 0, more;
		bool urgent, marked = false;

		setup();
		telnet_output(&t, (const uint8_t *)"\xff\xff\xff", 3);
		harness_receive(&t, "\xff\xfd\x06", 3, NULL);
		telnet_output(&t, (const uint8_t *)"a\xff\xff", 3);
		assert_true(telnet_pending(&t, &pending, &urgent) >= sent);
		memcpy(wire, pending, sent);
		telnet_sent(&t, sent);
		n = sent;
		telnet_flush(&t);
		more = harness_take(&t, wire + n, sizeof(wire) - n, NULL);
		n += more;
		telnet_parser_init(&p);
		while (at < n) {
			at += telnet_parser_next(&p, wire + at, n - at, &ev);
			if (ev.kind == TELNET_EVENT_REQUEST)
				assert_int_equal(ev.option, 6);
			else if (ev.kind == TELNET_EVENT_COMMAND)
				marked = ev.command == TELNET_CMD_DM;
			else
				assert_int_equal(ev.kind, TELNET_EVENT_DATA);
		}
		assert_int_equal(p.state, TELNET_PS_DATA);
		assert_true(marked);
	}
}

static void
test_synch_from_the_peer(void **state)
{
	static const uint8_t in[] = "typed\r\n\xff\xf7\xff\xf8\xff\xf4\xff\xf6"
				    "more\xff\xff\xff\xfb\x1f\xff\xf2"
				    "after";

	(void)state;
	setup();
	telnet_urgent(&t);
	harness_receive(&t, in, sizeof(in) - 1, &record);
	assert_int_equal(record.n, 8);
	assert_memory_equal(record.bytes, KEY("\x00") "after", 8);
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), 9);
	assert_true(telnet_options_is_on(&t.options, TELNET_PEER, 31));
}

/* 100,000 AYT to a client that does not read (CVE-2001-0554). */
static void
test_an_ayt_flood_is_bounded(void **state)
{
	struct telnet_input got;
	size_t said = 0, n, i = 0, full = 0;
	struct telnet before;

	(void)state;
	setup();
	while (i < 100000) {
		uint8_t ayt[2] = {0xff, 0xf6};
		size_t used = telnet_receive(&t, ayt, 2, &got);

		assert_int_equal(used, 2);
		i++;
		if (got.action == TELNET_MORE)
			continue;
		assert_int_equal(got.action, TELNET_FULL);
		assert_true(telnet_ring_room(&t.ring) < TELNET_RESERVE);
		before = t;
		for (int k = 0; k < 10; k++) { /* nothing changes by asking */
			assert_int_equal(telnet_receive(&t, ayt, 2, &got), 0);
			assert_int_equal(got.action, TELNET_FULL);
			assert_memory_equal(&t, &before, sizeof(t));
		}
		full++;
		n = harness_take(&t, out, sizeof(out), NULL);
		assert_int_equal(n % 9, 0);
		said += n / 9;
		assert_int_equal(telnet_receive(&t, ayt, 0, &got), 0);
		assert_int_equal(got.action, TELNET_MORE);
	}
	said += harness_take(&t, out, sizeof(out), NULL) / 9;
	assert_int_equal(said, 100000);
	assert_true(full > 100);
}

/* Output fills its part, and answers have theirs. */
static void
test_output_leaves_room_for_answers(void **state)
{
	uint8_t iac[TELNET_QUEUE_MIN];
	size_t room, taken;

	(void)state;
	setup();
	memset(iac, 0xff, sizeof(iac));
	telnet_output(&t, (const uint8_t *)"\r", 1);
	room = telnet_room(&t);
	assert_true(room > 0);
	assert_int_equal(telnet_output(&t, iac, room), room);
	taken = telnet_output(&t, iac, sizeof(iac));
	assert_true(taken <= 1);
	assert_int_equal(telnet_room(&t), 0);
	assert_int_equal(telnet_output(&t, iac, sizeof(iac)), 0);
	harness_receive(&t, "\xff\xfb\x27\xff\xf6\xff\xf4", 7, &record);
	assert_int_equal(record.n, 3);
}

/* Keys and Abort Output are obeyed even when no answer has room. */
static void
test_full_of_answers(void **state)
{
	static uint8_t ayt[4096];
	struct telnet_input got;
	uint8_t keys[] = "\xff\xf4\xff\xf5\xff\xf6";
	size_t used;

	(void)state;
	setup();
	for (size_t i = 0; i < sizeof(ayt); i += 2) {
		ayt[i] = 0xff;
		ayt[i + 1] = 0xf6;
	}
	used = telnet_receive(&t, ayt, sizeof(ayt), &got);
	assert_int_equal(got.action, TELNET_FULL);
	assert_true(used < sizeof(ayt));
	t.event.kind = TELNET_EVENT_NONE; /* forget the one that waits */
	used = telnet_receive(&t, keys, 6, &got);
	assert_int_equal(got.action, TELNET_KEY);
	used += telnet_receive(&t, keys + used, 6 - used, &got);
	assert_int_equal(got.action, TELNET_FLUSHED);
	used += telnet_receive(&t, keys + used, 6 - used, &got);
	assert_int_equal(got.action, TELNET_MORE);
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), 2 + 9);
}

/* The terminal's flow control waits for room, and says only the last word. */
static void
test_flow_waits_for_room(void **state)
{
	static uint8_t ayt[512];
	struct telnet_input got;
	const uint8_t *p;
	size_t n, total = 0;
	bool urgent;

	(void)state;
	setup();
	harness_receive(&t, "\xff\xfb\x21", 3, NULL);
	for (size_t i = 0; i < sizeof(ayt); i += 2) {
		ayt[i] = 0xff;
		ayt[i + 1] = 0xf6;
	}
	telnet_receive(&t, ayt, sizeof(ayt), &got);
	assert_int_equal(got.action, TELNET_FULL);
	telnet_flow(&t, false);
	telnet_flow(&t, true);
	telnet_flow(&t, false);
	while ((n = telnet_pending(&t, &p, &urgent)) > 0) {
		if (n > 100)
			n = 100;
		assert_true(n <= sizeof(out) - total);
		memcpy(out + total, p, n);
		total += n;
		telnet_sent(&t, n);
	}
	assert_memory_equal(out + total - 6, "\xff\xfa\x21\x00\xff\xf0", 6);
	assert_null(memmem(out, total, "\xff\xfa\x21\x01", 4));
}

static size_t
random_input(uint64_t *seed, uint8_t *in, size_t max)
{
	size_t n = telnet_random(seed) % max;

	for (size_t i = 0; i < n; i++)
		in[i] = telnet_random_byte(seed);
	return (n);
}

/* The same input, cut anywhere: same actions, same answers, same end. */
static void
test_no_split_changes_anything(void **state)
{
	static struct telnet whole;
	static struct record pieces;
	static uint8_t big[1 << 16], answer[1 << 16];
	uint64_t seed = 0xc0ffee;
	uint8_t in[400];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		size_t n = random_input(&seed, in, sizeof(in)), said, at = 0;

		telnet_init(&t, big, sizeof(big));
		record.n = pieces.n = 0;
		harness_receive(&t, in, n, &record);
		said = harness_take(&t, answer, sizeof(answer), NULL);
		whole = t;
		telnet_init(&t, big, sizeof(big));
		while (at < n) {
			size_t step = 1 + telnet_random(&seed) % 5;

			if (step > n - at)
				step = n - at;
			harness_receive(&t, in + at, step, &pieces);
			at += step;
		}
		assert_int_equal(pieces.n, record.n);
		assert_memory_equal(pieces.bytes, record.bytes, record.n);
		assert_int_equal(
		    said, harness_take(&t, record.bytes, sizeof(answer), NULL));
		assert_memory_equal(answer, record.bytes, said);
		assert_memory_equal(
		    &t.options, &whole.options, sizeof(t.options));
		assert_memory_equal(&t.peer, &whole.peer, sizeof(t.peer));
		assert_int_equal(t.parser.state, whole.parser.state);
		assert_int_equal(t.parser.cr, whole.parser.cr);
	}
}

/* A peer that reads little by little hears what one that reads all hears. */
static void
test_a_slow_reader_hears_the_same(void **state)
{
	static uint8_t big[1 << 17], answer[1 << 17], slow[1 << 17];
	static uint8_t in[8192], copy[8192];
	uint64_t seed = 0xbadcafe;

	(void)state;
	for (int i = 0; i < 100; i++) {
		size_t n = random_input(&seed, in, sizeof(in)), said, at = 0;
		size_t heard = 0;
		struct telnet_input got;

		for (size_t k = 0; k < n; k++) { /* no Abort Output */
			if (in[k] == TELNET_CMD_AO)
				in[k] = TELNET_CMD_AYT;
		}
		telnet_init(&t, big, sizeof(big));
		record.n = 0;
		harness_receive(&t, in, n, &record);
		said = harness_take(&t, answer, sizeof(answer), NULL);
		telnet_init(&t, queue, sizeof(queue));
		memcpy(copy, in, n);
		do {
			const uint8_t *p;
			bool urgent;
			size_t some;

			at += telnet_receive(&t, copy + at, n - at, &got);
			if (got.action != TELNET_FULL &&
			    (got.action != TELNET_MORE || at < n))
				continue;
			some = telnet_pending(&t, &p, &urgent);
			if (got.action == TELNET_FULL)
				some = 1 + telnet_random(&seed) % some;
			memcpy(slow + heard, p, some);
			heard += some;
			telnet_sent(&t, some);
		} while (got.action != TELNET_MORE || at < n);
		heard +=
		    harness_take(&t, slow + heard, sizeof(slow) - heard, NULL);
		assert_int_equal(heard, said);
		assert_memory_equal(slow, answer, said);
	}
}

/* Requests of any kind: no more option answers than requests. */
static void
test_answers_never_outnumber_requests(void **state)
{
	uint64_t seed = 0xdecade;
	size_t requests = 0, answers = 0, bodies = 0;

	(void)state;
	setup();
	for (int i = 0; i < 200000; i++) {
		uint32_t r = telnet_random(&seed);
		uint8_t in[3] = {0xff, (uint8_t)(TELNET_CMD_WILL + (r & 3)),
		    (uint8_t)((r & 0x80) != 0 ? r >> 8 & 63 : r >> 8)};
		size_t n;

		harness_receive(&t, in, 3, NULL);
		requests++;
		n = harness_take(&t, out, sizeof(out), NULL);
		if (n > 3)
			bodies++;
		answers += n >= 3 && out[1] >= TELNET_CMD_WILL;
	}
	assert_true(answers > 0 && answers <= requests);
	assert_true(bodies <= 2); /* TTYPE's SEND, NEW-ENVIRON's */
}

/* Random traffic both ways, flushes among it: what is sent is telnet. */
static void
test_what_is_sent_can_be_parsed(void **state)
{
	uint64_t seed = 0xf1005;
	struct telnet_parser p;
	struct telnet_event ev;
	struct telnet_input got;
	uint8_t in[300];
	size_t marks = 0, events = 0;

	(void)state;
	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	telnet_parser_init(&p);
	for (int i = 0; i < 100000; i++) {
		const uint8_t *bytes;
		size_t n = random_input(&seed, in, 40), at;
		bool urgent;

		(void)telnet_receive(&t, in, n, &got);
		n = random_input(&seed, in, sizeof(in));
		telnet_output(&t, in, n);
		if (telnet_random(&seed) % 16 == 0)
			telnet_flush(&t);
		if (telnet_random(&seed) % 16 == 0)
			telnet_flow(&t, (i & 1) != 0);
		n = telnet_pending(&t, &bytes, &urgent);
		assert_true(!urgent || (n == 1 && *bytes == TELNET_CMD_DM));
		marks += urgent;
		if (n > 1)
			n = 1 + telnet_random(&seed) % n;
		for (at = 0; at < n;) {
			at += telnet_parser_next(&p, bytes + at, n - at, &ev);
			/* Nothing of ours is cut or unknown. */
			if (ev.kind == TELNET_EVENT_COMMAND)
				assert_int_equal(ev.command, TELNET_CMD_DM);
			if (ev.kind == TELNET_EVENT_SUB)
				assert_true(ev.option == 5 || ev.option == 24 ||
					    ev.option == 33 || ev.option == 39);
			events++;
		}
		telnet_sent(&t, n);
		assert_true(t.ring.n <= t.ring.size &&
			    t.ring.clean <= t.ring.n &&
			    t.ring.urgent <= t.ring.n);
	}
	assert_true(marks > 100 && events > 100000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_start),
	    cmocka_unit_test(test_each_command),
	    cmocka_unit_test(test_data_comes_as_one_run),
	    cmocka_unit_test(test_timing_mark),
	    cmocka_unit_test(test_logout),
	    cmocka_unit_test(test_binary_each_way),
	    cmocka_unit_test(test_abort_output),
	    cmocka_unit_test(test_flush_twice),
	    cmocka_unit_test(test_probe),
	    cmocka_unit_test(test_flush_after_a_short_write),
	    cmocka_unit_test(test_synch_from_the_peer),
	    cmocka_unit_test(test_an_ayt_flood_is_bounded),
	    cmocka_unit_test(test_output_leaves_room_for_answers),
	    cmocka_unit_test(test_full_of_answers),
	    cmocka_unit_test(test_flow_waits_for_room),
	    cmocka_unit_test(test_no_split_changes_anything),
	    cmocka_unit_test(test_a_slow_reader_hears_the_same),
	    cmocka_unit_test(test_answers_never_outnumber_requests),
	    cmocka_unit_test(test_what_is_sent_can_be_parsed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
