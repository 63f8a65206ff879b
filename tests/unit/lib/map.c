/* The table of pointers by number, against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "lib/map.h"

#define KEYS 1000

static void
test_against_an_array(void **state)
{
	static char values[KEYS];
	static void *mirror[KEYS];
	struct map m = {0};
	size_t count = 0;

	(void)state;
	srandom(7);
	for (int i = 0; i < 200000; i++) {
		/* Dense and with a stride: what collides moves. */
		size_t n = (size_t)random() % KEYS;
		uint64_t key = n * 64;

		assert_ptr_equal(map_get(&m, key), mirror[n]);
		if (random() % 2 == 0) {
			count += mirror[n] == NULL;
			mirror[n] = &values[random() % KEYS];
			assert_int_equal(map_put(&m, key, mirror[n]), 0);
		} else {
			count -= mirror[n] != NULL;
			mirror[n] = NULL;
			map_remove(&m, key);
		}
		assert_int_equal(m.count, count);
	}
	for (size_t n = 0; n < KEYS; n++)
		assert_ptr_equal(map_get(&m, n * 64), mirror[n]);
	free(m.entries);
}

static void
test_empty(void **state)
{
	struct map m = {0};

	(void)state;
	assert_null(map_get(&m, 0));
	map_remove(&m, 0);
	assert_int_equal(map_reserve(&m), 0);
	assert_null(map_get(&m, 0));
	assert_int_equal(map_put(&m, 0, &m), 0);
	assert_ptr_equal(map_get(&m, 0), &m);
	free(m.entries);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_against_an_array),
	};

	return (cmocka_run_group_tests_name("map", tests, NULL, NULL));
}
