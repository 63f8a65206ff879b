/*
 * The queue and the encoder: order, wrap-around, urgent bytes, and that data
 * is dropped on the wire's boundaries however little of it was sent.
 */
#include "lib/err.h"
#include "tests/stage/telnet.h"

#define SIZE 4096

static size_t
drain(struct telnet_ring *r, uint8_t *out, size_t max)
{
	const uint8_t *p;
	size_t n, done = 0;
	bool urgent;

	while (done < max && (n = telnet_ring_peek(r, &p, &urgent)) > 0) {
		if (n > max - done)
			n = max - done;
		memcpy(out + done, p, n);
		done += n;
		telnet_ring_sent(r, n);
	}
	return (done);
}

static void
test_order_and_bounds(void **state)
{
	uint8_t buf[7], out[16];
	struct telnet_ring r;

	(void)state;
	telnet_ring_init(&r, buf, sizeof(buf));
	for (int i = 0; i < 50; i++) {
		assert_int_equal(
		    telnet_ring_put(&r, (const uint8_t *)"abcde", 5), 0);
		assert_int_equal(telnet_ring_room(&r), 2);
		assert_int_equal(
		    telnet_ring_put(&r, (const uint8_t *)"xyz", 3), ERR_FULL);
		assert_int_equal(drain(&r, out, 3), 3);
		assert_memory_equal(out, "abc", 3);
		assert_int_equal(
		    telnet_ring_put(&r, (const uint8_t *)"fghij", 5), 0);
		assert_int_equal(drain(&r, out, 16), 7);
		assert_memory_equal(out, "defghij", 7);
	}
	telnet_ring_sent(&r, 5);
	assert_int_equal(telnet_ring_room(&r), 7);
}

static void
test_the_urgent_byte_is_sent_alone(void **state)
{
	uint8_t buf[32];
	const uint8_t *p;
	struct telnet_ring r;
	bool urgent;

	(void)state;
	telnet_ring_init(&r, buf, sizeof(buf));
	telnet_ring_put(&r, (const uint8_t *)"ab\xff\xf2", 4);
	telnet_ring_mark_urgent(&r);
	telnet_ring_put(&r, (const uint8_t *)"cd", 2);
	assert_int_equal(telnet_ring_peek(&r, &p, &urgent), 3);
	assert_false(urgent);
	telnet_ring_sent(&r, 1);
	assert_int_equal(telnet_ring_peek(&r, &p, &urgent), 2);
	telnet_ring_sent(&r, 2);
	assert_int_equal(telnet_ring_peek(&r, &p, &urgent), 1);
	assert_true(urgent);
	assert_int_equal(*p, 0xf2);
	telnet_ring_sent(&r, 1);
	assert_int_equal(telnet_ring_peek(&r, &p, &urgent), 2);
	assert_false(urgent);
}

/* `sent` bytes went out before the drop; what comes after them. */
static void
check_drop(const char *in, size_t n, size_t sent, const char *expected,
    size_t expected_n)
{
	for (size_t at = 0; at < 48; at++) { /* wherever the queue begins */
		uint8_t buf[48], out[48];
		struct telnet_ring r;

		telnet_ring_init(&r, buf, sizeof(buf));
		r.head = at;
		assert_int_equal(
		    telnet_ring_put(&r, (const uint8_t *)in, n), 0);
		drain(&r, out, sent);
		telnet_ring_drop_data(&r);
		assert_int_equal(r.n, expected_n);
		telnet_ring_drop_data(&r);
		assert_int_equal(drain(&r, out, sizeof(out)), expected_n);
		assert_memory_equal(out, expected, expected_n);
		assert_int_equal(r.unit, TELNET_UNIT_NONE);
	}
}
#define CHECK_DROP(in, sent, expected)                                         \
	check_drop(in, sizeof(in) - 1, sent, expected, sizeof(expected) - 1)

static void
test_drop_keeps_commands(void **state)
{
	(void)state;
	CHECK_DROP("hello", 0, "");
	CHECK_DROP("a\xff\xff"
		   "b\xff\xfb\x01"
		   "c",
	    0, "\xff\xfb\x01");
	CHECK_DROP("a\xff\xfa\x18\x01\xff\xf0"
		   "b\xff\xf1",
	    0, "\xff\xfa\x18\x01\xff\xf0\xff\xf1");
	/* A body with a doubled IAC, and one that looks like a command's. */
	CHECK_DROP("\xff\xfa\x05\xff\xff\xfb\xff\xf0zz", 0,
	    "\xff\xfa\x05\xff\xff\xfb\xff\xf0");
	/* WILL 255 is one unit; the x behind it is data. */
	CHECK_DROP("\xff\xfb\xffx", 0, "\xff\xfb\xff");
}

static void
test_drop_never_cuts_a_unit(void **state)
{
	(void)state;
	/* Half of a doubled IAC is on the wire: its other half follows. */
	CHECK_DROP("\xff\xff"
		   "abc",
	    1, "\xff");
	CHECK_DROP("\xff\xff"
		   "abc",
	    2, "");
	CHECK_DROP("\xff\xfb\x01"
		   "abc",
	    1, "\xfb\x01");
	CHECK_DROP("\xff\xfb\x01"
		   "abc",
	    2, "\x01");
	CHECK_DROP("\xff\xfb\xff"
		   "abc",
	    2, "\xff");
	for (size_t sent = 0; sent <= 8; sent++) {
		static const char body[] = "\xff\xfa\x18\x01\xff\xff\xff\xf0";

		check_drop("\xff\xfa\x18\x01\xff\xff\xff\xf0tail", 12, sent,
		    body + sent, 8 - sent);
	}
}

static void
test_drop_moves_the_urgent_byte(void **state)
{
	uint8_t buf[64], out[64];
	const uint8_t *p;
	struct telnet_ring r;
	bool urgent;

	(void)state;
	telnet_ring_init(&r, buf, sizeof(buf));
	telnet_ring_put(&r, (const uint8_t *)"abc\xff\xf2", 5);
	telnet_ring_mark_urgent(&r);
	telnet_ring_put(&r, (const uint8_t *)"def\xff\xf1", 5);
	for (int i = 0; i < 3; i++) {
		telnet_ring_drop_data(&r);
		telnet_ring_put(&r, (const uint8_t *)"ghi", 3);
	}
	telnet_ring_drop_data(&r);
	assert_int_equal(telnet_ring_peek(&r, &p, &urgent), 1);
	assert_false(urgent);
	telnet_ring_sent(&r, 1);
	telnet_ring_peek(&r, &p, &urgent);
	assert_true(urgent);
	assert_int_equal(drain(&r, out, sizeof(out)), 3);
	assert_memory_equal(out, "\xf2\xff\xf1", 3);
}

static void
encode(struct telnet_encoder *e, const char *in, size_t n, size_t step,
    const char *expected, size_t expected_n)
{
	uint8_t buf[SIZE], out[SIZE];
	struct telnet_ring r;
	size_t done;

	telnet_ring_init(&r, buf, sizeof(buf));
	for (size_t at = 0; at < n; at += step) {
		size_t piece = n - at < step ? n - at : step;

		assert_int_equal(telnet_encode(e, &r, (const uint8_t *)in + at,
				     piece, telnet_ring_room(&r)),
		    piece);
	}
	done = drain(&r, out, sizeof(out));
	assert_int_equal(done, expected_n);
	assert_memory_equal(out, expected, expected_n);
}

static void
check_encode(bool binary, const char *in, size_t n, const char *expected,
    size_t expected_n)
{
	for (size_t step = n; step > 0; step--) {
		struct telnet_encoder e = {0};

		telnet_encode_set_binary(&e, binary);
		encode(&e, in, n, step, expected, expected_n);
	}
}
#define CHECK_ENCODE(binary, in, expected)                                     \
	check_encode(binary, in, sizeof(in) - 1, expected, sizeof(expected) - 1)

static void
test_encode(void **state)
{
	(void)state;
	CHECK_ENCODE(false, "plain", "plain");
	CHECK_ENCODE(false, "a\r\nb", "a\r\nb");
	CHECK_ENCODE(false, "50%\r60%\r", "50%\r\00060%\r");
	CHECK_ENCODE(false, "\r\r\n\r\0\n", "\r\0\r\n\r\0\0\n");
	CHECK_ENCODE(false, "a\nb", "a\nb");
	CHECK_ENCODE(false, "\xff\xf4 \r\xff", "\xff\xff\xf4 \r\0\xff\xff");
	CHECK_ENCODE(true, "50%\r60%\r\n\xff", "50%\r60%\r\n\xff\xff");
}

/* Room of any size: what is taken comes out whole, what is not stays. */
static void
test_encode_into_little_room(void **state)
{
	static const char in[] = "\xff\xff\r\ra\xff\r\n\r\xff\xff\xff"
				 "b\r\nc\r";
	uint8_t buf[SIZE], out[SIZE], whole[SIZE];
	size_t whole_n;

	(void)state;
	for (size_t room = 1; room < 12; room++) {
		struct telnet_encoder e = {0};
		struct telnet_ring r;
		size_t at = 0, n = 0;

		telnet_ring_init(&r, buf, sizeof(buf));
		e = (struct telnet_encoder){0};
		telnet_encode(
		    &e, &r, (const uint8_t *)in, sizeof(in) - 1, SIZE);
		whole_n = drain(&r, whole, sizeof(whole));
		e = (struct telnet_encoder){0};
		for (int i = 0; i < 100 && at < sizeof(in) - 1; i++) {
			at += telnet_encode(&e, &r, (const uint8_t *)in + at,
			    sizeof(in) - 1 - at, room);
			assert_true(r.n <= room);
			n += drain(&r, out + n, SIZE - n);
		}
		if (room == 1) { /* a doubled IAC never fits */
			assert_int_equal(at, 0);
			continue;
		}
		assert_int_equal(n, whole_n);
		assert_memory_equal(out, whole, n);
	}
}

static void
test_a_command_completes_a_cr(void **state)
{
	struct telnet_encoder e = {0};
	uint8_t buf[8], out[8];
	struct telnet_ring r;

	(void)state;
	telnet_ring_init(&r, buf, sizeof(buf));
	telnet_encode(&e, &r, (const uint8_t *)"abcd\r", 5, 8);
	assert_int_equal(
	    telnet_encode_command(&e, &r, (const uint8_t *)"\xff\xfb\x00", 3),
	    ERR_FULL);
	assert_int_equal(r.n, 5);
	assert_int_equal(
	    telnet_encode_command(&e, &r, (const uint8_t *)"\xff\xf1", 2), 0);
	assert_int_equal(drain(&r, out, sizeof(out)), 8);
	assert_memory_equal(out, "abcd\r\0\xff\xf1", 8);
}

/* Whatever a terminal prints, a client that decodes it sees the same. */
static void
test_what_is_encoded_can_be_decoded(void **state)
{
	static uint8_t in[SIZE], out[2 * SIZE + 64], buf[2 * SIZE + 64],
	    back[SIZE + 64];
	uint64_t seed = 42;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		bool binary = (i & 1) != 0;
		struct telnet_encoder e = {.binary = binary};
		struct telnet_parser p;
		struct telnet_event ev;
		struct telnet_ring r;
		size_t n = telnet_random(&seed) % 200, at, used, total = 0;
		size_t kept = 0;

		telnet_ring_init(&r, buf, sizeof(buf));
		for (at = 0; at < n; at++)
			in[at] = telnet_random_byte(&seed);
		for (at = 0; at < n;)
			at += telnet_encode(&e, &r, in + at,
			    1 + telnet_random(&seed) % (n - at), sizeof(buf));
		used = drain(&r, out, sizeof(out));
		telnet_parser_init(&p);
		/* A client keeps CR LF: compare as BINARY, less the NULs. */
		telnet_parser_set_binary(&p, true);
		for (at = 0; at < used;) {
			at += telnet_parser_next(&p, out + at, used - at, &ev);
			assert_true(
			    ev.kind == TELNET_EVENT_DATA ||
			    (ev.kind == TELNET_EVENT_NONE && at == used));
			if (ev.kind == TELNET_EVENT_DATA) {
				memcpy(back + total, ev.bytes, ev.n);
				total += ev.n;
			}
		}
		for (at = 0; at < total; at++) {
			back[kept++] = back[at];
			if (!binary && back[at] == '\r' && at + 1 < total) {
				assert_true(back[at + 1] == '\n' ||
					    back[at + 1] == '\0');
				at += back[at + 1] == '\0';
			}
		}
		assert_int_equal(kept, n);
		assert_memory_equal(back, in, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order_and_bounds),
	    cmocka_unit_test(test_the_urgent_byte_is_sent_alone),
	    cmocka_unit_test(test_drop_keeps_commands),
	    cmocka_unit_test(test_drop_never_cuts_a_unit),
	    cmocka_unit_test(test_drop_moves_the_urgent_byte),
	    cmocka_unit_test(test_encode),
	    cmocka_unit_test(test_encode_into_little_room),
	    cmocka_unit_test(test_a_command_completes_a_cr),
	    cmocka_unit_test(test_what_is_encoded_can_be_decoded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
