/* finger's answers: their form, and that no text in them does harm. */
#include <stdlib.h>
#include <time.h>

#include "tests/stage/hostile.h"
#include "workers/finger/answer.h"

static uint8_t buf[4 * HOSTILE_MAX + 4096];

static void
piece(struct answer *a, enum lookup_piece p, const char *text)
{
	answer_piece(a, p, 0, text, strlen(text));
}

static void
number(struct answer *a, enum lookup_piece p, uint64_t n)
{
	answer_piece(a, p, n, NULL, 0);
}

static void
check(struct answer *a, const char *expected)
{
	size_t n = answer_end(a);

	assert_true(n < sizeof(buf));
	buf[n] = '\0';
	assert_string_equal((const char *)buf, expected);
	assert_true(is_harmless(buf, n));
}

static void
test_a_user(void **state)
{
	struct answer a;

	(void)state;
	answer_init(&a, buf, sizeof(buf), false, false);
	piece(&a, PIECE_LOGIN, "alice");
	piece(&a, PIECE_NAME, "Alice");
	piece(&a, PIECE_OFFICE, "R 1");
	piece(&a, PIECE_HOME, "/home/alice");
	piece(&a, PIECE_SHELL, "/bin/sh");
	piece(&a, PIECE_TTY, "pts/1");
	piece(&a, PIECE_HOST, "192.0.2.1");
	number(&a, PIECE_SINCE, 1000000000);
	number(&a, PIECE_IDLE, 7500);
	number(&a, PIECE_LAST_LOGIN, 1000000000);
	number(&a, PIECE_MAIL, 1000000000);
	piece(&a, PIECE_PLAN, "one\n");
	piece(&a, PIECE_PLAN, "two");
	piece(&a, PIECE_PROJECT, "three\n");
	piece(&a, PIECE_PUBKEY, "four\n");
	check(&a,
	    "Login: alice                            Name: Alice\r\n"
	    "Directory: /home/alice                  Shell: /bin/sh\r\n"
	    "On since Sun 2001-09-09 01:46 (UTC) on pts/1 from 192.0.2.1, "
	    "idle 2:05\r\n"
	    "Last login Sun 2001-09-09 01:46 (UTC)\r\n"
	    "New mail since Sun 2001-09-09 01:46 (UTC)\r\n"
	    "Plan:\r\none\r\ntwo\r\nProject:\r\nthree\r\n");
}

static void
test_a_user_in_more_words(void **state)
{
	struct answer a;

	(void)state;
	answer_init(&a, buf, sizeof(buf), false, true);
	piece(&a, PIECE_LOGIN, "alice");
	piece(&a, PIECE_OFFICE, "R 1");
	piece(&a, PIECE_OFFICE_PHONE, "22");
	piece(&a, PIECE_HOME_PHONE, "333");
	piece(&a, PIECE_PUBKEY, "four\n");
	check(&a, "Login: alice\r\n"
		  "Office: R 1                             Office Phone: 22\r\n"
		  "Home Phone: 333\r\nPGP key:\r\nfour\r\nNo plan.\r\n");
}

static void
list_two(struct answer *a, bool verbose)
{
	answer_init(a, buf, sizeof(buf), true, verbose);
	piece(a, PIECE_LOGIN, "alice");
	piece(a, PIECE_NAME, "Alice");
	piece(a, PIECE_TTY, "pts/1");
	piece(a, PIECE_HOST, "192.0.2.1");
	number(a, PIECE_SINCE, 1000000000);
	number(a, PIECE_IDLE, 120);
	piece(a, PIECE_LOGIN, "bob");
	piece(a, PIECE_TTY, "tty1");
	number(a, PIECE_IDLE, 200000);
}

static void
test_lists(void **state)
{
	struct answer a;

	(void)state;
	list_two(&a, false);
	check(&a,
	    "Login            Name                 Tty      Idle  When\r\n"
	    "alice            Alice                pts/1    2     "
	    "Sun 2001-09-09 01:46 (UTC) 192.0.2.1\r\n"
	    "bob                                   tty1     2d    \r\n");
	list_two(&a, true);
	check(&a,
	    "Login: alice                            Name: Alice\r\n"
	    "On since Sun 2001-09-09 01:46 (UTC) on pts/1 from 192.0.2.1, "
	    "idle 2\r\n\r\n"
	    "Login: bob\r\nOn tty1, idle 2d\r\n");
	answer_init(&a, buf, sizeof(buf), true, false);
	check(&a, "No one is logged in.\r\n");
}

static void
test_controls_are_shown(void **state)
{
	struct answer a;

	(void)state;
	answer_init(&a, buf, sizeof(buf), false, false);
	piece(&a, PIECE_LOGIN, "a\nb");
	piece(&a, PIECE_PLAN,
	    "\033[1m\177\001 \xff\x9b\xc2\x9b \xc3\xa9 "
	    "\xe2\x82\xac\tx\ry\r\nz\xe2\x82");
	check(&a, "Login: a^Jb\r\nPlan:\r\n^[[1m^?^A M-^?M-^[M-BM-^[ \xc3\xa9 "
		  "\xe2\x82\xac   x^My\r\nzM-bM-^B\r\n");
}

/* A sequence that lies over the seam of two pieces is still one. */
static void
test_pieces_may_be_cut_anywhere(void **state)
{
	static const char text[] = "\xf0\x9f\x98\x80\r\n\xe2\x82\xac\n";
	struct answer a;

	(void)state;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		answer_init(&a, buf, sizeof(buf), false, false);
		answer_piece(&a, PIECE_PLAN, 0, text, cut);
		answer_piece(&a, PIECE_PLAN, 0, text + cut,
		    sizeof(text) - 1 > cut ? sizeof(text) - 1 - cut : 0);
		check(&a, "Plan:\r\n\xf0\x9f\x98\x80\r\n\xe2\x82\xac\r\n");
	}
}

static void
test_what_does_not_fit_is_said(void **state)
{
	struct answer a;
	uint8_t small[256];
	size_t n;

	(void)state;
	for (size_t size = 150; size < sizeof(small); size++) {
		memset(small, 0xa5, sizeof(small));
		answer_init(&a, small, size, false, false);
		piece(&a, PIECE_LOGIN, "alice");
		for (int i = 0; i < 100; i++)
			piece(&a, PIECE_PLAN, "\xff\xff\xe2\x82\xac\n");
		n = answer_end(&a);
		assert_true(n <= size);
		assert_true(is_harmless(small, n));
		assert_non_null(memmem(small, n, "left out", 8));
		for (size_t i = size; i < sizeof(small); i++)
			assert_int_equal(small[i], 0xa5);
	}
}

/* What does not fit whole is left out, and so is all behind it. */
static void
test_a_full_buffer_stays_full(void **state)
{
	uint8_t small[8];
	struct safe s;

	(void)state;
	memset(small, 0xa5, sizeof(small));
	safe_init(&s, small, 4);
	safe_constant(&s, "abc");
	assert_false(s.cut);
	safe_field(&s, "\001", 1);
	assert_true(s.cut);
	safe_field(&s, "d", 1);
	assert_int_equal(s.n, 3);
	safe_init(&s, small, 4);
	safe_constant(&s, "abcd");
	assert_false(s.cut);
	assert_int_equal(s.n, 4);
	assert_memory_equal(small, "abcd\xa5\xa5\xa5\xa5", 8);
}

static void
check_hostile(const char *file, const uint8_t *bytes, size_t n)
{
	struct answer a;
	size_t length;

	for (int list = 0; list < 2; list++) {
		answer_init(&a, buf, sizeof(buf), list, true);
		for (unsigned p = 0; p <= PIECE_COUNT; p++)
			answer_piece(&a, p, 0, bytes,
			    p < PIECE_PLAN && n > 256 ? 256 : n);
		length = answer_end(&a);
		if (!is_harmless(buf, length))
			fail_msg("%s came through", file);
		if (length < 2 || memcmp(buf + length - 2, "\r\n", 2) != 0)
			fail_msg("%s: the last line has no end", file);
	}
}

static void
test_hostile_texts(void **state)
{
	(void)state;
	hostile_each("tests/hostile/finger/texts", check_hostile);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_user),
	    cmocka_unit_test(test_a_user_in_more_words),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_controls_are_shown),
	    cmocka_unit_test(test_pieces_may_be_cut_anywhere),
	    cmocka_unit_test(test_what_does_not_fit_is_said),
	    cmocka_unit_test(test_a_full_buffer_stays_full),
	    cmocka_unit_test(test_hostile_texts),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
