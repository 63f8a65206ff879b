/* Each subnegotiation: what is kept, what is answered, what is dropped. */
#include "tests/stage/telnet.h"

static struct telnet t;
static uint8_t queue[8192];
static uint8_t out[8192];

/* A session whose peer has agreed to everything we offered. */
static void
setup(void)
{
	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	harness_receive(&t,
	    "\xff\xfd\x03\xff\xfd\x01\xff\xfb\x03\xff\xfb\x18\xff\xfb\x1f"
	    "\xff\xfb\x27\xff\xfb\x21\xff\xfd\x05",
	    24, NULL);
	harness_take(&t, out, sizeof(out), NULL);
}

/* The body in[0..n) of an option, sent as it is; the answer is in out. */
static size_t
sub(uint8_t option, const char *in, size_t n)
{
	uint8_t bytes[700] = {0xff, 0xfa, option};

	assert_true(n <= sizeof(bytes) - 5);
	memcpy(bytes + 3, in, n);
	bytes[3 + n] = 0xff;
	bytes[4 + n] = 0xf0;
	harness_receive(&t, bytes, n + 5, NULL);
	return (harness_take(&t, out, sizeof(out), NULL));
}
#define SUB(option, in) sub(option, in, sizeof(in) - 1)

static void
check_window(unsigned columns, unsigned rows)
{
	uint16_t c, r;

	assert_true(telnet_window(&t, &c, &r));
	assert_int_equal(c, columns);
	assert_int_equal(r, rows);
}

static void
test_window(void **state)
{
	uint16_t c, r;

	(void)state;
	setup();
	assert_false(telnet_window(&t, &c, &r));
	assert_int_equal(SUB(31, "\0\x50\0\0"), 0);
	assert_false(telnet_window(&t, &c, &r));
	SUB(31, "\0\x50\0\x18");
	check_window(80, 24);
	assert_int_equal(telnet_changes(&t), TELNET_CHANGED_WINDOW);
	assert_int_equal(telnet_changes(&t), 0);
	SUB(31, "\0\x50\0\x18"); /* the same again */
	assert_int_equal(telnet_changes(&t), 0);
	SUB(31, "\0\0\0\x30"); /* 0 keeps */
	check_window(80, 48);
	SUB(31, "\0\x84\0\0");
	check_window(132, 48);
	SUB(31, "\xff\xff\xff\xff\xff\xff\xff\xff"); /* 65535, doubled */
	check_window(1000, 1000);
	SUB(31, "\0\xff\xff\0\x18"); /* 255, doubled */
	check_window(255, 24);
	SUB(31, "\0\1\0\1");
	check_window(1, 1);
}

static void
test_a_window_has_four_bytes(void **state)
{
	(void)state;
	setup();
	SUB(31, "\0\x50\0\x18");
	for (size_t n = 0; n < 12; n++) {
		if (n != 4)
			sub(31, "\0\x10\0\x10\0\x10\0\x10\0\x10\0\x10", n);
	}
	check_window(80, 24);
}

static void
test_many_windows_are_one_change(void **state)
{
	static uint8_t bytes[900];

	(void)state;
	setup();
	for (size_t i = 0; i < 100; i++) {
		const uint8_t naws[9] = {
		    0xff, 0xfa, 31, 0, (uint8_t)(80 + i), 0, 24, 0xff, 0xf0};

		memcpy(bytes + 9 * i, naws, 9);
	}
	harness_receive(&t, bytes, sizeof(bytes), NULL);
	assert_int_equal(telnet_changes(&t), TELNET_CHANGED_WINDOW);
	check_window(179, 24);
}

static void
test_terminals_until_a_repeat(void **state)
{
	static const char send[] = "\xff\xfa\x18\x01\xff\xf0";

	(void)state;
	setup();
	assert_int_equal(SUB(24, "\0XTERM-256color"), 6);
	assert_memory_equal(out, send, 6);
	assert_int_equal(SUB(24, "\0vt220"), 6);
	/* The same: once more, back to the first, which is no new name. */
	assert_int_equal(SUB(24, "\0VT220"), 6);
	assert_memory_equal(out, send, 6);
	assert_int_equal(SUB(24, "\0XTERM-256color"), 0);
	assert_int_equal(SUB(24, "\0vt100"), 0); /* not asked for */
	assert_string_equal(telnet_terminal(&t, 0), "xterm-256color");
	assert_string_equal(telnet_terminal(&t, 1), "vt220");
	assert_null(telnet_terminal(&t, 2));
	assert_int_equal(telnet_changes(&t), TELNET_CHANGED_TERMINAL);
}

/* A client with one name has it already; so has one that goes round. */
static void
test_terminals_that_are_at_the_first(void **state)
{
	(void)state;
	setup();
	assert_int_equal(SUB(24, "\0xterm"), 6);
	assert_int_equal(SUB(24, "\0xterm"), 0);
	setup();
	assert_int_equal(SUB(24, "\0xterm"), 6);
	assert_int_equal(SUB(24, "\0vt100"), 6);
	assert_int_equal(SUB(24, "\0xterm"), 0);
}

static void
test_terminals_are_asked_for_8_times(void **state)
{
	size_t asked = 1; /* with the DO's answer */

	(void)state;
	setup();
	for (char i = 'a'; i < 'z'; i++) {
		char body[4] = {0, 't', i, 0};

		asked += sub(24, body, 3) == 6;
	}
	assert_int_equal(asked, 8);
	assert_string_equal(telnet_terminal(&t, 7), "th");
	assert_null(telnet_terminal(&t, 8));
	/* Nor does the option's going off and on ask anew. */
	harness_receive(&t, "\xff\xfc\x18\xff\xfb\x18", 6, NULL);
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), 6);
	assert_memory_equal(out, "\xff\xfe\x18\xff\xfd\x18", 6);
}

static void
test_terminals_that_are_none(void **state)
{
	char name[43] = {0};

	(void)state;
	setup();
	memset(name + 1, 'a', 41);
	SUB(24, "\0../../etc/passwd");
	SUB(24, "\0..");
	SUB(24, "\0");
	SUB(24, "\0xterm\nroot");
	SUB(24, "\0MTTS 137");
	sub(24, name, 42); /* 41 letters */
	assert_null(telnet_terminal(&t, 0));
	assert_int_equal(telnet_changes(&t), 0);
	sub(24, name, 41); /* 40 */
	assert_int_equal(strlen(telnet_terminal(&t, 0)), 40);
	setup();
	SUB(24, "\1xterm"); /* SEND is not the client's to say */
	SUB(24, "");
	assert_null(telnet_terminal(&t, 0));
}

static const char *
variable(const char *name)
{
	return (telnet_environ_get(&t.peer.environ, name));
}

static void
test_environ_asks_by_name_and_once(void **state)
{
	size_t n;

	(void)state;
	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	harness_take(&t, out, sizeof(out), NULL);
	harness_receive(&t, "\xff\xfb\x27", 3, NULL);
	n = harness_take(&t, out, sizeof(out), NULL);
	assert_true(n > 20);
	assert_memory_equal(out, "\xff\xfa\x27\x01\x03TERM\x03LANG", 14);
	assert_memory_equal(out + n - 2, "\xff\xf0", 2);
	assert_null(memmem(out, n, "USER", 4));
	harness_receive(&t, "\xff\xfc\x27\xff\xfb\x27", 6, NULL);
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), 6);
}

static void
test_environ_by_allow_list(void **state)
{
	(void)state;
	setup();
	assert_int_equal(SUB(39, "\0\3LANG\1de_DE.UTF-8\0TERM\1XTERM"
				 "\3LC_TIME\1C\3COLORTERM\1truecolor"),
	    0);
	assert_int_equal(telnet_changes(&t), TELNET_CHANGED_ENVIRON);
	assert_string_equal(variable("LANG"), "de_DE.UTF-8");
	assert_string_equal(variable("TERM"), "xterm");
	assert_string_equal(variable("LC_TIME"), "C");
	assert_string_equal(variable("COLORTERM"), "truecolor");
	assert_non_null(telnet_variable(&t, 3));
	assert_null(telnet_variable(&t, 4));
	SUB(39, "\0\0USER\1root\3USER\1-f root\3CREDENTIALS_DIRECTORY\1/x"
		"\3LD_PRELOAD\1/tmp/x.so\3PATH\1/tmp\3ENV\1x\3LC_\1x"
		"\3LC_all\1x\3LC_A/B\1x\3lang\1x\3LANGUAGE\1x\3TER\1x\3\1x"
		"\3LC_AAAAAAAAAAAAAAAAAAAAA\1x");
	assert_int_equal(telnet_changes(&t), 0);
	assert_null(telnet_variable(&t, 4));
}

static void
test_environ_values(void **state)
{
	char value[80] = "\0\3LANG\1";

	(void)state;
	setup();
	SUB(39, "\0\3LANG\1C.UTF-8");
	SUB(39, "\0\3LC_CTYPE\1../../x\3LC_TIME\1a b\3LC_NAME\1a\x1b[2J"
		"\3TERM\1../x\3TERM\1a=b");
	assert_null(telnet_variable(&t, 1));
	SUB(39, "\2\3LANG\1C"); /* INFO: told again */
	assert_string_equal(variable("LANG"), "C");
	SUB(39, "\0\3LANG"); /* without a value: forgotten */
	assert_null(variable("LANG"));
	memset(value + 7, 'a', 64);
	sub(39, value, 7 + 64);
	assert_null(variable("LANG"));
	sub(39, value, 7 + 63);
	assert_int_equal(strlen(variable("LANG")), 63);
	SUB(39, "\2\3LANG\1a/b"); /* not allowed: forgotten */
	assert_null(variable("LANG"));
}

static void
test_environ_grammar(void **state)
{
	(void)state;
	setup();
	SUB(39, "\0\3LA\2NG\1C\2.\3LC_ALL\1a\2\3b\3LC_TIME\1b");
	assert_string_equal(variable("LANG"), "C.");
	assert_null(variable("LC_ALL")); /* an escaped code is no letter */
	assert_string_equal(variable("LC_TIME"), "b");
	setup();
	SUB(39, "\0\3LANG\1C\1D\3LC_ALL\1C"); /* two values: the end */
	assert_string_equal(variable("LANG"), "C");
	assert_null(variable("LC_ALL"));
	SUB(39, "\0\3LC_TIME\2"); /* ESC and nothing */
	SUB(39, "\0\3LC_TIME\1C\2");
	SUB(39, "\0xx\3LC_TIME\1C");
	SUB(39, "\1\3LC_TIME\1C"); /* SEND */
	SUB(39, "");
	assert_null(variable("LC_TIME"));
}

static void
test_environ_keeps_12(void **state)
{
	(void)state;
	setup();
	for (char i = 'A'; i <= 'Z'; i++) {
		char body[] = "\0\3LC_X\1v";

		body[5] = i;
		sub(39, body, sizeof(body) - 1);
	}
	assert_non_null(telnet_variable(&t, 11));
	assert_null(telnet_variable(&t, 12));
	assert_string_equal(variable("LC_L"), "v");
	assert_null(variable("LC_M"));
	SUB(39, "\0\3LC_B\0LC_Z\1w"); /* one goes, one comes */
	assert_null(variable("LC_B"));
	assert_string_equal(variable("LC_Z"), "w");
	assert_string_equal(variable("LC_L"), "v");
}

static void
test_status(void **state)
{
	static const char status[] = "\xff\xfa\x05\x00"
				     "\xfb\x01\xfb\x03\xfd\x03\xfb\x05\xfd\x18"
				     "\xfd\x1f\xfd\x21\xfd\x27\xff\xf0";

	(void)state;
	setup();
	assert_int_equal(SUB(5, "\1"), sizeof(status) - 1);
	assert_memory_equal(out, status, sizeof(status) - 1);
	assert_int_equal(SUB(5, "\0\xfb\x01"), 0);
	assert_int_equal(SUB(5, ""), 0);
	assert_int_equal(SUB(5, "\1\1"), 0);
	harness_receive(&t, "\xff\xfe\x05", 3, NULL);
	harness_take(&t, out, sizeof(out), NULL);
	assert_int_equal(SUB(5, "\1"), 0); /* off: no answer */
}

/* With everything on that can be: still within an answer's bound. */
static void
test_the_longest_status(void **state)
{
	(void)state;
	setup();
	for (int i = 0; i < 256; i++) {
		uint8_t both[6] = {
		    0xff, 0xfb, (uint8_t)i, 0xff, 0xfd, (uint8_t)i};

		harness_receive(&t, both, 6, NULL);
		harness_take(&t, out, sizeof(out), NULL);
	}
	assert_int_equal(SUB(5, "\1"), 4 + 2 * 12 + 2);
}

static void
test_flow(void **state)
{
	(void)state;
	setup();
	telnet_flow(&t, false);
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), 6);
	assert_memory_equal(out, "\xff\xfa\x21\x00\xff\xf0", 6);
	telnet_flow(&t, false); /* known */
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), 0);
	telnet_flow(&t, true);
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), 6);
	assert_memory_equal(out, "\xff\xfa\x21\x01\xff\xf0", 6);
	assert_int_equal(SUB(33, "\1"), 0); /* the server's to say */
	/* Told when the option comes on, not before. */
	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	harness_take(&t, out, sizeof(out), NULL);
	telnet_flow(&t, false);
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), 0);
	harness_receive(&t, "\xff\xfb\x21", 3, NULL);
	assert_int_equal(harness_take(&t, out, sizeof(out), NULL), 6);
}

/* A body of an option that is off, or refused, is not looked at. */
static void
test_bodies_of_options_that_are_off(void **state)
{
	(void)state;
	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	harness_take(&t, out, sizeof(out), NULL);
	for (int option = 0; option < 256; option++) {
		sub((uint8_t)option, "\0\x50\0\x18", 4);
		sub((uint8_t)option, "\0xterm", 6);
		sub((uint8_t)option, "\0\3LANG\1C", 8);
		assert_int_equal(sub((uint8_t)option, "\1", 1), 0);
	}
	assert_int_equal(telnet_changes(&t), 0);
	assert_null(telnet_terminal(&t, 0));
	assert_null(telnet_variable(&t, 0));
}

static void
test_settled(void **state)
{
	(void)state;
	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	assert_false(telnet_settled(&t));
	setup();
	assert_false(telnet_settled(&t));
	SUB(24, "\0vt100");
	SUB(24, "\0vt100");
	assert_false(telnet_settled(&t));
	SUB(31, "\0\x50\0\x18");
	assert_false(telnet_settled(&t));
	SUB(39, "\0");
	assert_true(telnet_settled(&t));
	/* One that refuses all is settled as well. */
	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	harness_receive(&t,
	    "\xff\xfe\x03\xff\xfe\x01\xff\xfc\x03\xff\xfc\x18\xff\xfc\x1f"
	    "\xff\xfc\x27\xff\xfc\x21\xff\xfe\x05",
	    24, NULL);
	assert_true(telnet_settled(&t));
}

static void
check_peer(void)
{
	uint16_t c, r;

	if (telnet_window(&t, &c, &r))
		assert_true(c >= 1 && c <= 1000 && r >= 1 && r <= 1000);
	for (size_t i = 0; telnet_terminal(&t, i) != NULL; i++) {
		const char *name = telnet_terminal(&t, i);

		assert_in_range(strlen(name), 1, 40);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz"
					      "0123456789._+-"),
		    strlen(name));
	}
	for (size_t i = 0; telnet_variable(&t, i) != NULL; i++) {
		const struct telnet_variable *v = telnet_variable(&t, i);

		assert_true(strcmp(v->name, "TERM") == 0 ||
			    strcmp(v->name, "LANG") == 0 ||
			    strcmp(v->name, "COLORTERM") == 0 ||
			    strncmp(v->name, "LC_", 3) == 0);
		assert_in_range(strlen(v->value), 1, 63);
		for (const char *p = v->value; *p != '\0'; p++)
			assert_true(*p > 0x20 && *p < 0x7f);
	}
}

/* Bodies of random options and lengths; half of them nearly right. */
static void
test_a_million_random_bodies(void **state)
{
	static const uint8_t options[] = {
	    0, 1, 3, 5, 6, 18, 24, 31, 32, 33, 34, 35, 36, 37, 38, 39};
	uint64_t seed = 0x5eed;
	uint8_t body[640];

	(void)state;
	setup();
	for (int i = 0; i < 1000000; i++) {
		uint32_t r = telnet_random(&seed);
		size_t n = (r & 0x3f) == 0 ? r >> 8 & 0x1ff : r >> 8 & 0xf;
		uint8_t option = options[r >> 20 & 0xf];

		if ((r & 0x80) != 0)
			option = 39;
		for (size_t at = 0; at < n; at++) {
			uint32_t c = telnet_random(&seed);

			body[at] = (uint8_t)(c >> 8);
			if ((c & 3) == 0)
				body[at] &= 3;
			else if ((c & 3) == 1)
				body[at] = (uint8_t) "LC_A"[at & 3];
			if (body[at] == 0xff)
				body[at] = 0;
		}
		if (n > 6 && (r & 0x40) != 0)
			memcpy(body, "\0\3LANG\1", n < 7 ? n : 7);
		assert_true(sub(option, (char *)body, n) <= TELNET_REPLY_MAX);
		if ((i & 0xff) == 0) {
			check_peer();
			setup();
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_window),
	    cmocka_unit_test(test_a_window_has_four_bytes),
	    cmocka_unit_test(test_many_windows_are_one_change),
	    cmocka_unit_test(test_terminals_until_a_repeat),
	    cmocka_unit_test(test_terminals_that_are_at_the_first),
	    cmocka_unit_test(test_terminals_are_asked_for_8_times),
	    cmocka_unit_test(test_terminals_that_are_none),
	    cmocka_unit_test(test_environ_asks_by_name_and_once),
	    cmocka_unit_test(test_environ_by_allow_list),
	    cmocka_unit_test(test_environ_values),
	    cmocka_unit_test(test_environ_grammar),
	    cmocka_unit_test(test_environ_keeps_12),
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_the_longest_status),
	    cmocka_unit_test(test_flow),
	    cmocka_unit_test(test_bodies_of_options_that_are_off),
	    cmocka_unit_test(test_settled),
	    cmocka_unit_test(test_a_million_random_bodies),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
