/* Pages given back: those that are whole, and no other. */
#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/memory.h"

#define PAGES 8

/* Its run-time has a heap, and stacks, of its own. */
#ifdef PORTREEVE_SANITIZE
#define SANITIZED true
#else
#define SANITIZED false
#endif

static size_t
page_size(void)
{
	return ((size_t)sysconf(_SC_PAGESIZE));
}

/* PAGES pages full of 'x'. */
static uint8_t *
full_pages(void)
{
	uint8_t *p = mmap(NULL, PAGES * page_size(), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	memset(p, 'x', PAGES * page_size());
	return (p);
}

/* How many of the pages are in memory; which, in here[]. */
static int
resident(uint8_t *p, unsigned char here[PAGES])
{
	int n = 0;

	assert_int_equal(mincore(p, PAGES * page_size(), here), 0);
	for (int i = 0; i < PAGES; i++)
		n += here[i] & 1;
	return (n);
}

static void
test_whole_pages(void **state)
{
	unsigned char here[PAGES];
	uint8_t *p = full_pages();
	size_t size = page_size();

	(void)state;
	assert_int_equal(resident(p, here), PAGES);
	memory_release(p + 2 * size, 3 * size);
	assert_int_equal(resident(p, here), PAGES - 3);
	assert_int_equal(p[2 * size - 1], 'x');
	assert_int_equal(p[5 * size], 'x');
	/* And can be written again. */
	memset(p + 2 * size, 'y', 3 * size);
	assert_int_equal(resident(p, here), PAGES);
	munmap(p, PAGES * size);
}

static void
test_parts_of_pages_stay(void **state)
{
	unsigned char here[PAGES];
	uint8_t *p = full_pages();
	size_t size = page_size();

	(void)state;
	memory_release(p + 2 * size + 1, 3 * size - 2);
	assert_int_equal(resident(p, here), PAGES - 1);
	assert_int_equal(here[3] & 1, 0);
	for (size_t i = 0; i < PAGES * size; i++)
		if (i / size != 3)
			assert_int_equal(p[i], 'x');
	/* Less than a page: nothing, also across a boundary. */
	memory_release(p + 1, size - 1);
	memory_release(p + size - 1, 2);
	memory_release(p + size, 0);
	assert_int_equal(resident(p, here), PAGES - 1);
	munmap(p, PAGES * size);
}

/* A deep call; the address of its lowest byte. */
static __attribute__((noinline)) uint8_t *
dig(void)
{
	uint8_t deep[16 * 4096];
	volatile uint8_t *p = deep;

	for (size_t i = 0; i < sizeof(deep); i++)
		p[i] = 's';
	return ((uint8_t *)((uintptr_t)p & ~(uintptr_t)(page_size() - 1)));
}

static void
test_stack(void **state)
{
	unsigned char here[PAGES];
	volatile uint8_t mine[64];
	uint8_t *deep;

	(void)state;
	if (SANITIZED || page_size() > 4096)
		skip();
	for (size_t i = 0; i < sizeof(mine); i++)
		mine[i] = (uint8_t)i;
	deep = dig();
	assert_int_equal(resident(deep, here), PAGES);
	memory_release_stack();
	assert_int_equal(resident(deep, here), 0);
	for (size_t i = 0; i < sizeof(mine); i++)
		assert_int_equal(mine[i], i);
}

/* Kept by free(), as something behind it is in use; then given back. */
static void
test_heap(void **state)
{
	uint8_t *blocks[65];
	unsigned char here;
	uintptr_t middle;

	(void)state;
	if (SANITIZED)
		skip();
	for (int i = 0; i < 65; i++) {
		blocks[i] = malloc(4000);
		assert_non_null(blocks[i]);
		memset(blocks[i], 'h', 4000);
	}
	middle = (uintptr_t)blocks[32] & ~(uintptr_t)(page_size() - 1);
	for (int i = 0; i < 64; i++)
		free(blocks[i]);
	assert_int_equal(mincore((void *)middle, page_size(), &here), 0);
	assert_int_equal(here & 1, 1);
	memory_release_heap();
	assert_int_equal(mincore((void *)middle, page_size(), &here), 0);
	assert_int_equal(here & 1, 0);
	free(blocks[64]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole_pages),
	    cmocka_unit_test(test_parts_of_pages_stay),
	    cmocka_unit_test(test_stack),
	    cmocka_unit_test(test_heap),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
