/* The list of slots and times, against the plainest one there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "workers/common/program_due.h"

#define SECOND UINT64_C(1000000000)
#define MANY 512

static struct program_due due;

static void
test_order(void **state)
{
	uint32_t slot;

	(void)state;
	assert_int_equal(program_due_timeout(&due, SECOND), -1);
	program_due_add(&due, 5, 2 * SECOND);
	program_due_add(&due, 0, 3 * SECOND);
	program_due_add(&due, SLOTS_MAX - 1, 3 * SECOND);
	assert_int_equal(program_due_timeout(&due, SECOND), 1001);
	assert_int_equal(program_due_timeout(&due, 5 * SECOND), 1);
	assert_false(program_due_take(&due, SECOND, &slot));
	program_due_remove(&due, 0);
	program_due_remove(&due, 0);
	assert_true(program_due_take(&due, 2 * SECOND, &slot));
	assert_int_equal(slot, 5);
	assert_false(program_due_take(&due, 2 * SECOND, &slot));
	assert_true(program_due_take(&due, 9 * SECOND, &slot));
	assert_int_equal(slot, SLOTS_MAX - 1);
	assert_false(program_due_take(&due, 9 * SECOND, &slot));
	assert_int_equal(program_due_timeout(&due, SECOND), -1);
}

/* Random steps; the model is an array of times. */
static void
test_model(void **state)
{
	static uint64_t model[MANY];
	uint64_t now = SECOND;
	uint32_t slot;

	(void)state;
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		uint32_t at = (uint32_t)random() % MANY;

		now += (uint64_t)random() % 1000;
		if (random() % 2 == 0 && model[at] == 0) {
			model[at] = now + 100000;
			program_due_add(&due, at, model[at]);
		} else if (random() % 3 == 0) {
			model[at] = 0;
			program_due_remove(&due, at);
		} else if (program_due_take(&due, now, &slot)) {
			assert_true(model[slot] != 0 && model[slot] <= now);
			for (int j = 0; j < MANY; j++)
				assert_true(
				    model[j] == 0 || model[j] >= model[slot]);
			model[slot] = 0;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_model),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
