/* Writes to lines, a process at a time, within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "workers/logreader/lines.h"

static char told[65536];

static void
tell(void *arg, pid_t pid, const char *line, size_t n)
{
	size_t at = strlen(told);

	assert_ptr_equal(arg, told);
	assert_true(n > 0 && n <= LINE_MAX_BYTES);
	snprintf(
	    told + at, sizeof(told) - at, "%d:%.*s|", (int)pid, (int)n, line);
}

static void
take(struct lines *l, pid_t pid, const char *text, uint64_t now)
{
	lines_take(l, pid, text, strlen(text), now, tell, told);
}

static void
expect(const char *text)
{
	assert_string_equal(told, text);
	told[0] = '\0';
}

/* As ls writes it: three writes, one line. */
static void
test_joined(void **state)
{
	struct lines l = {0};

	(void)state;
	take(&l, 7, "ls: ", 1);
	take(&l, 7, "cannot access 'x'", 1);
	take(&l, 7, ": No such file or directory", 1);
	expect("");
	take(&l, 7, "\n", 1);
	expect("7:ls: cannot access 'x': No such file or directory|");
	assert_int_equal(l.count, 0);
}

static void
test_each_process_by_itself(void **state)
{
	struct lines l = {0};

	(void)state;
	take(&l, 1, "one ", 1);
	take(&l, 2, "two ", 1);
	take(&l, 1, "more\r\nand", 1);
	expect("1:one more|");
	take(&l, 2, "more\n\n\nx\ny\n", 1);
	expect("2:two more|2:x|2:y|");
	lines_flush(&l, UINT64_MAX, tell, told);
	expect("1:and|");
	assert_null(l.parts);
}

static void
test_too_long(void **state)
{
	static char text[3 * LINE_MAX_BYTES + 1], two[2 * LINE_MAX_BYTES + 64];
	struct lines l = {0};

	(void)state;
	memset(text, 'x', 2 * LINE_MAX_BYTES + 10);
	take(&l, 1, text, 1);
	snprintf(two, sizeof(two), "1:%.*s|1:%.*s|", LINE_MAX_BYTES, text,
	    LINE_MAX_BYTES, text);
	expect(two);
	take(&l, 1, "end\n", 1);
	expect("1:xxxxxxxxxxend|");
	/* A line of just that length is one. */
	text[LINE_MAX_BYTES] = '\n';
	text[LINE_MAX_BYTES + 1] = '\0';
	take(&l, 1, text, 1);
	snprintf(two, sizeof(two), "1:%.*s|", LINE_MAX_BYTES, text);
	expect(two);
	text[LINE_MAX_BYTES] = '\0';
	take(&l, 1, text, 1);
	expect(two);
	take(&l, 1, "\n", 1);
	expect("");
}

/* Half lines are told after their time, and of too many the oldest. */
static void
test_half_lines(void **state)
{
	struct lines l = {0};

	(void)state;
	take(&l, 1, "a", 10);
	take(&l, 2, "b", 20);
	lines_flush(&l, 9, tell, told);
	expect("");
	lines_flush(&l, 10, tell, told);
	expect("1:a|");
	for (int i = 3; i < 2 + LINES_PARTS; i++)
		take(&l, i, "c", 30);
	expect("");
	take(&l, 99, "d", 30);
	expect("2:b|");
	lines_flush(&l, UINT64_MAX, NULL, NULL);
	expect("");
	assert_int_equal(l.count, 0);
}

/* Past the memory that there is for half lines they are told as they come. */
static void
test_held(void **state)
{
	static struct lines
	    l[LINES_HELD_MAX / LINE_MAX_BYTES / LINES_PARTS + 1];
	const size_t n = sizeof(l) / sizeof(l[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (int pid = 1; pid <= LINES_PARTS; pid++)
			take(&l[i], pid, "x", 1);
	}
	assert_true(strlen(told) > 0);
	told[0] = '\0';
	take(&l[n - 1], 99, "unjoined", 1);
	expect("99:unjoined|");
	take(&l[0], 1, "y\n", 1);
	expect("1:xy|");
	for (size_t i = 0; i < n; i++)
		lines_flush(&l[i], UINT64_MAX, NULL, NULL);
	take(&l[0], 5, "a", 1);
	take(&l[0], 5, "b\n", 1);
	expect("5:ab|");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_joined),
	    cmocka_unit_test(test_each_process_by_itself),
	    cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_half_lines),
	    cmocka_unit_test(test_held),
	};

	return (cmocka_run_group_tests_name("lines", tests, NULL, NULL));
}
