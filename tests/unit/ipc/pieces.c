/* The pieces of lookup's answer: there and back, bounded, cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ipc/pieces.h"
#include "lib/err.h"

static const struct piece text = {.kind = 1, .text = "a\0b", .n = 3};
static const struct piece number = {.kind = 255, .number = UINT64_MAX};

static uint8_t buf[64];
static size_t used;

static int
begin(void **state)
{
	(void)state;
	used = 0;
	assert_int_equal(piece_put(buf, sizeof(buf), &used, &text), 0);
	assert_int_equal(piece_put(buf, sizeof(buf), &used, &number), 0);
	return (0);
}

static void
there_and_back(void **state)
{
	struct piece p;
	size_t at = 0;

	(void)state;
	assert_int_equal(piece_next(buf, used, &at, &p), 1);
	assert_int_equal(p.kind, 1);
	assert_int_equal(p.number, 0);
	assert_int_equal(p.n, 3);
	assert_memory_equal(p.text, "a\0b", 3);
	assert_int_equal(piece_next(buf, used, &at, &p), 1);
	assert_int_equal(p.kind, 255);
	assert_true(p.number == UINT64_MAX);
	assert_int_equal(p.n, 0);
	assert_int_equal(piece_next(buf, used, &at, &p), 0);
}

static void
no_room(void **state)
{
	size_t n = 0;

	(void)state;
	assert_int_equal(piece_put(buf, 13, &n, &text), ERR_TOO_LONG);
	assert_int_equal(n, 0);
	assert_int_equal(piece_put(buf, 14, &n, &text), 0);
	assert_int_equal(piece_put(buf, 14, &n, &number), ERR_TOO_LONG);
	assert_int_equal(n, 14);
}

/* Whatever is missing at the end, no byte behind it is read. */
static void
cut(void **state)
{
	uint8_t part[sizeof(buf)];
	struct piece p;
	size_t first, at;

	(void)state;
	first = 0;
	assert_int_equal(piece_next(buf, used, &first, &p), 1);
	for (size_t n = 1; n < used; n++) {
		int more;

		memset(part, 0, sizeof(part));
		memcpy(part, buf, n);
		at = 0;
		while ((more = piece_next(part, n, &at, &p)) > 0)
			assert_true(at <= n);
		assert_int_equal(more, n == first ? 0 : ERR_TRUNCATED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(there_and_back, begin),
	    cmocka_unit_test(no_room),
	    cmocka_unit_test_setup(cut, begin),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
