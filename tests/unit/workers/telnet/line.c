/* Line editing at telnet's login prompts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "workers/telnet/line.h"

/* Types a text; what is shown is added to `shown`. */
static enum telnet_line_end
type(struct telnet_line *l, const char *text, size_t n, char *shown)
{
	enum telnet_line_end end = TELNET_LINE_MORE;
	struct telnet_line_echo echo;

	for (size_t i = 0; i < n; i++) {
		end = telnet_line_put(l, (uint8_t)text[i], &echo);
		assert_true(echo.n <= sizeof(echo.bytes));
		strncat(shown, (const char *)echo.bytes, echo.n);
	}
	return (end);
}

static void
expect(const char *typed, size_t n, enum telnet_line_end end, const char *line,
    const char *shown)
{
	struct telnet_line l = {0};
	char seen[4096] = "";

	telnet_line_begin(&l, 16, true);
	assert_int_equal(type(&l, typed, n, seen), end);
	assert_string_equal(seen, shown);
	assert_int_equal(l.n, strlen(line));
	assert_memory_equal(l.bytes, line, l.n);
}

#define EXPECT(typed, end, line, shown)                                        \
	expect(typed, sizeof(typed) - 1, TELNET_LINE_##end, line, shown)

static void
ends(void **state)
{
	(void)state;
	EXPECT("alice\r", DONE, "alice", "alice\r\n");
	EXPECT("alice\n", DONE, "alice", "alice\r\n");
	EXPECT("alice", MORE, "alice", "alice");
	EXPECT("\r", DONE, "", "\r\n");
}

static void
edits(void **state)
{
	(void)state;
	EXPECT("alx\bice\r", DONE, "alice", "alx\b \bice\r\n");
	EXPECT("alx\177ice\r", DONE, "alice", "alx\b \bice\r\n");
	EXPECT("\b\177\025\027a\r", DONE, "a", "a\r\n");
	EXPECT("no\025al\r", DONE, "al", "no\b \b\b \bal\r\n");
	EXPECT("a bc \027d\r", DONE, "a d", "a bc \b \b\b \b\b \bd\r\n");
	/* One column, two bytes. */
	EXPECT("a\303\251\bb\r", DONE, "ab", "a\303\251\b \bb\r\n");
	/* What continues nothing is rubbed out to the line's beginning. */
	EXPECT("\251\251\bb\r", DONE, "b", "\251\251\b \bb\r\n");
}

static void
leaves(void **state)
{
	(void)state;
	EXPECT("\003", QUIT, "", "");
	EXPECT("ali\003", QUIT, "ali", "ali");
	EXPECT("\004", QUIT, "", "");
	EXPECT("ali\004", MORE, "ali", "ali");
}

/* Kept, and never shown as they are; NUL is neither. */
static void
control_characters(void **state)
{
	(void)state;
	EXPECT("a\033[2J\r", DONE, "a\033[2J", "a?[2J\r\n");
	EXPECT("a\0b\r", DONE, "ab", "ab\r\n");
}

static void
too_long(void **state)
{
	(void)state;
	EXPECT("0123456789abcdefXY\bf\r", DONE, "0123456789abcdef",
	    "0123456789abcdef\a\a\b \bf\r\n");
}

/* RFC 856's BINARY: CR LF comes as it was sent, and is one end. */
static void
one_end_of_two_bytes(void **state)
{
	struct telnet_line l = {0};
	char seen[64] = "";

	(void)state;
	telnet_line_begin(&l, 16, true);
	assert_int_equal(type(&l, "a\r", 2, seen), TELNET_LINE_DONE);
	telnet_line_begin(&l, 16, true);
	assert_int_equal(type(&l, "\nb", 2, seen), TELNET_LINE_MORE);
	assert_int_equal(l.n, 1);
	assert_int_equal(type(&l, "\n", 1, seen), TELNET_LINE_DONE);
	assert_string_equal(seen, "a\r\nb\r\n");
}

/* A password: nothing shown but the line's end, and wiped afterwards. */
static void
secret(void **state)
{
	struct telnet_line l = {0};
	static const uint8_t zero[TELNET_LINE_MAX];
	char seen[64] = "";

	(void)state;
	telnet_line_begin(&l, TELNET_LINE_MAX, false);
	assert_int_equal(
	    type(&l, "Geheim\b\025Wort\r", 13, seen), TELNET_LINE_DONE);
	assert_string_equal(seen, "\r\n");
	assert_int_equal(l.n, 4);
	telnet_line_begin(&l, 0, false);
	assert_memory_equal(l.bytes, zero, sizeof(zero));
	assert_int_equal(type(&l, "x", 1, seen), TELNET_LINE_MORE);
	assert_int_equal(l.n, 0);
}

/* The longest echo that there can be. */
static void
longest_echo(void **state)
{
	struct telnet_line l = {0};
	struct telnet_line_echo echo;

	(void)state;
	telnet_line_begin(&l, TELNET_LINE_MAX, true);
	for (size_t i = 0; i < TELNET_LINE_MAX; i++)
		telnet_line_put(&l, 'x', &echo);
	assert_int_equal(l.n, TELNET_LINE_MAX);
	assert_int_equal(telnet_line_put(&l, 025, &echo), TELNET_LINE_MORE);
	assert_int_equal(echo.n, TELNET_LINE_ECHO_MAX);
	assert_int_equal(l.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ends),
	    cmocka_unit_test(edits),
	    cmocka_unit_test(leaves),
	    cmocka_unit_test(control_characters),
	    cmocka_unit_test(too_long),
	    cmocka_unit_test(one_end_of_two_bytes),
	    cmocka_unit_test(secret),
	    cmocka_unit_test(longest_echo),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
