/* Telnet's grammar: each form, line ends, bodies, and any split of them. */
#include "tests/stage/telnet.h"

/* Events as text: data as it is, `<`code...`>` for the others. */
static void
render(const struct telnet_event *ev, char *out, size_t size)
{
	size_t n = strlen(out);

	switch (ev->kind) {
	case TELNET_EVENT_DATA:
		for (size_t i = 0; i < ev->n && n + 5 < size; i++) {
			uint8_t c = ev->bytes[i];

			if (c >= 0x20 && c < 0x7f)
				n += (size_t)snprintf(
				    out + n, size - n, "%c", c);
			else
				n += (size_t)snprintf(
				    out + n, size - n, "\\%02x", c);
		}
		break;
	case TELNET_EVENT_COMMAND:
		snprintf(out + n, size - n, "<%u>", ev->command);
		break;
	case TELNET_EVENT_REQUEST:
		snprintf(out + n, size - n, "<%u %u>", ev->command, ev->option);
		break;
	case TELNET_EVENT_SUB:
		snprintf(out + n, size - n, "<sub %u %zu %.*s>", ev->option,
		    ev->n, (int)(ev->n < 8 ? ev->n : 8),
		    (const char *)ev->bytes);
		break;
	default:
		break;
	}
}

static void
parse(bool binary, const uint8_t *in, size_t n, size_t step, char *out,
    size_t size)
{
	struct telnet_parser p;
	struct telnet_event ev;

	out[0] = '\0';
	telnet_parser_init(&p);
	telnet_parser_set_binary(&p, binary);
	for (size_t at = 0; at < n; at += step) {
		size_t piece = n - at < step ? n - at : step, used = 0;

		do {
			used += telnet_parser_next(
			    &p, in + at + used, piece - used, &ev);
			assert_true(used <= piece);
			render(&ev, out, size);
		} while (ev.kind != TELNET_EVENT_NONE);
		assert_int_equal(used, piece);
	}
}

/* The same in one piece and in pieces of every size. */
static void
check(bool binary, const char *in, size_t n, const char *expected)
{
	char out[256];

	for (size_t step = n; step > 0; step--) {
		parse(binary, (const uint8_t *)in, n, step, out, sizeof(out));
		assert_string_equal(out, expected);
	}
}
#define CHECK(in, expected) check(false, in, sizeof(in) - 1, expected)
#define CHECK_BINARY(in, expected) check(true, in, sizeof(in) - 1, expected)

static void
test_line_ends(void **state)
{
	(void)state;
	CHECK("ls\r\n", "ls\\0d"); /* Windows */
	CHECK("ls\r\0", "ls\\0d"); /* BSD */
	CHECK("ls\r", "ls\\0d");   /* PuTTY */
	CHECK("a\r\nb\r\0c\rd\n", "a\\0db\\0dc\\0dd\\0a");
	CHECK("\r\r\n\n", "\\0d\\0d\\0a");
	CHECK("\0\n", "\\00\\0a");
	CHECK("\r\xff\xff\n", "\\0d\\ff\\0a");
	/* Commands are not in the stream of data: the pair is one still. */
	CHECK("\r\xff\xf1\n", "\\0d<241>");
}

static void
test_binary_passes_through(void **state)
{
	(void)state;
	CHECK_BINARY("a\r\nb\r\0c\rd\xff\xff", "a\\0d\\0ab\\0d\\00c\\0dd\\ff");
	CHECK_BINARY("\r\xff\xf1\n", "\\0d<241>\\0a");
}

static void
test_binary_forgets_a_cr(void **state)
{
	struct telnet_parser p;
	struct telnet_event ev;

	(void)state;
	telnet_parser_init(&p);
	assert_int_equal(
	    telnet_parser_next(&p, (const uint8_t *)"\r", 1, &ev), 1);
	telnet_parser_set_binary(&p, true);
	telnet_parser_next(&p, (const uint8_t *)"\n", 1, &ev);
	assert_int_equal(ev.kind, TELNET_EVENT_DATA);
}

static void
test_commands(void **state)
{
	(void)state;
	CHECK("a\xff\xf4"
	      "b\xff\xf6\xff\xf2",
	    "a<244>b<246><242>");
	CHECK("\xff\xff\xff\xff", "\\ff\\ff");
	CHECK("x\xff\xff\xff\xf4", "x\\ff<244>");
	/* Unknown ones, and those that no one sends outside a body. */
	CHECK("\xff\x01\xff\xf0\xff\xef", "<1><240><239>");
	for (unsigned c = 0; c < 250; c++) {
		char in[2] = {(char)0xff, (char)c}, expected[16];

		snprintf(expected, sizeof(expected), "<%u>", c);
		check(false, in, 2, expected);
	}
}

static void
test_requests(void **state)
{
	(void)state;
	CHECK("\xff\xfb\x18\xff\xfc\x01\xff\xfd\xff\xff\xfe\xf0",
	    "<251 24><252 1><253 255><254 240>");
}

static void
test_bodies(void **state)
{
	(void)state;
	CHECK("\xff\xfa\x18"
	      "0xterm\xff\xf0ok",
	    "<sub 24 6 0xterm>ok");
	CHECK("\xff\xfa\x1f"
	      "a\xff\xff"
	      "b\xff\xf0",
	    "<sub 31 3 a\xff"
	    "b>");
	CHECK("\xff\xfa\x18\xff\xf0", "<sub 24 0 >");
	CHECK("\xff\xfa\xff\xf0-", "-");		   /* no option */
	CHECK("\xff\xfa\xff\xff\xff\xf0", "<sub 255 0 >"); /* option 255 */
	CHECK("\xff\xfa\xff\xff\xff\xff\xff\xf0", "<sub 255 1 \xff>");
	/* CR means nothing inside, and nothing behind. */
	CHECK("\xff\xfa\x18"
	      "a\r\xff\xf0\n",
	    "<sub 24 2 a\r>\\0a");
}

/* The end was lost: the body goes, the command that shows it is obeyed. */
static void
test_a_body_cut_by_a_command(void **state)
{
	(void)state;
	CHECK("\xff\xfa\x18"
	      "0xt\xff\xfb\x1fls",
	    "<251 31>ls");
	CHECK("\xff\xfa\x18"
	      "0xt\xff\xf4ls",
	    "<244>ls");
	CHECK("\xff\xfa\x18"
	      "0\xff\xfa\x1f"
	      "abcd\xff\xf0",
	    "<sub 31 4 abcd>");
}

static void
test_a_body_is_512_bytes_at_most(void **state)
{
	char in[700], out[256], expected[64];

	(void)state;
	for (size_t n = 500; n < 530; n++) {
		size_t size = n + 8;

		memset(in, 'a', sizeof(in));
		memcpy(in, "\xff\xfa\x18", 3);
		memcpy(in + 3 + n, "\xff\xf0z!", 4);
		snprintf(
		    expected, sizeof(expected), "%s", n <= 512 ? "" : "z!a");
		if (n <= 512)
			snprintf(expected, sizeof(expected),
			    "<sub 24 %zu aaaaaaaa>z!a", n);
		for (size_t step = size; step > 0; step -= step > 7 ? 7 : 1) {
			parse(false, (const uint8_t *)in, size, step, out,
			    sizeof(out));
			assert_string_equal(out, expected);
		}
	}
}

/* A body without an end takes the bytes, and no memory. */
static void
test_a_body_without_an_end(void **state)
{
	struct telnet_parser p;
	struct telnet_event ev;
	uint8_t a[4096];

	(void)state;
	telnet_parser_init(&p);
	telnet_parser_next(&p, (const uint8_t *)"\xff\xfa\x18", 3, &ev);
	memset(a, 'a', sizeof(a));
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(
		    telnet_parser_next(&p, a, sizeof(a), &ev), sizeof(a));
		assert_int_equal(ev.kind, TELNET_EVENT_NONE);
	}
	telnet_parser_next(&p, (const uint8_t *)"\xff\xf0", 2, &ev);
	assert_int_equal(ev.kind, TELNET_EVENT_NONE);
	telnet_parser_next(&p, (const uint8_t *)"x", 1, &ev);
	assert_int_equal(ev.kind, TELNET_EVENT_DATA);
}

static void
test_scan(void **state)
{
	static uint8_t p[5000];

	(void)state;
	memset(p, 'a', sizeof(p));
	assert_int_equal(telnet_scan(p, sizeof(p), false), sizeof(p));
	for (size_t at = 0; at < sizeof(p); at += 13) {
		p[at] = '\r';
		assert_int_equal(telnet_scan(p, sizeof(p), false), at);
		assert_int_equal(telnet_scan(p, sizeof(p), true), sizeof(p));
		p[at] = 0xff;
		assert_int_equal(telnet_scan(p, sizeof(p), false), at);
		assert_int_equal(telnet_scan(p, sizeof(p), true), at);
		assert_int_equal(telnet_scan(p, at, true), at);
		p[at] = 'a';
	}
	p[10] = '\r';
	p[5] = 0xff;
	assert_int_equal(telnet_scan(p, sizeof(p), false), 5);
	p[5] = 'a';
	p[20] = 0xff;
	assert_int_equal(telnet_scan(p, sizeof(p), false), 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_line_ends),
	    cmocka_unit_test(test_binary_passes_through),
	    cmocka_unit_test(test_binary_forgets_a_cr),
	    cmocka_unit_test(test_commands),
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_bodies),
	    cmocka_unit_test(test_a_body_cut_by_a_command),
	    cmocka_unit_test(test_a_body_is_512_bytes_at_most),
	    cmocka_unit_test(test_a_body_without_an_end),
	    cmocka_unit_test(test_scan),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
