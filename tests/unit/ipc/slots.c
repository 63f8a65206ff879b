/*
 * The slot table's index: against the table itself, and as a reader of one
 * that a zygote which was taken over has written.
 */
#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/state.h"

#define COUNT 2048u

static const struct addr peer = {.family = FAMILY_INET, .port = 1};

/* A table's file; the writer's mapping and a reader's. */
static int
make(off_t size, struct slot_table **writer, struct slot_table **reader)
{
	int fd = memfd_create("slots", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	*writer = slot_table_map(fd, 1);
	*reader = slot_table_map(fd, 0);
	assert_non_null(*writer);
	assert_non_null(*reader);
	return (fd);
}

static void
drop(int fd, struct slot_table *writer, struct slot_table *reader)
{
	slot_table_unmap(writer);
	slot_table_unmap(reader);
	close(fd);
}

static void
claim(struct slot_table *t, uint32_t slot, uint64_t session, int32_t pid)
{
	assert_int_equal(slot_reserve(t, slot), 0);
	slot_claim(t, slot, session, &peer, 1);
	slot_started(t, slot, pid);
}

static void
test_finds_what_runs(void **state)
{
	static uint64_t sessions[COUNT];
	struct slot_table *w, *r;
	uint64_t session = 1;
	int fd = make((off_t)SLOT_TABLE_BYTES((size_t)COUNT), &w, &r);

	(void)state;
	srandom(7);
	for (int i = 0; i < 100000; i++) {
		uint32_t slot = (uint32_t)random() % COUNT;
		uint64_t old = sessions[slot];

		if (old == 0) {
			sessions[slot] = ++session;
			claim(w, slot, session, (int32_t)(session % 30000));
		} else {
			slot_end(w, slot, ENDED_EXITED, 0);
			sessions[slot] = 0;
			assert_int_equal(slot_find_session(r, old), -1);
		}
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		struct slot s;

		if (sessions[i] == 0)
			continue;
		assert_int_equal(slot_find_session(r, sessions[i]), i);
		assert_int_equal(slot_read(r, i, &s), 0);
		assert_true(slot_find_pid(r, s.pid) >= 0);
	}
	assert_int_equal(slot_find_session(r, session + 1), -1);
	drop(fd, w, r);
}

/* What is past the file's end is not there, whatever the table says. */
static void
test_ends_where_the_file_does(void **state)
{
	struct slot_table *w, *r;
	struct slot s;
	int fd = make((off_t)SLOT_TABLE_BYTES((size_t)COUNT), &w, &r);

	(void)state;
	assert_int_equal(slot_reserve(w, COUNT - 1), 0);
	assert_true(slot_reserve(w, COUNT) < 0);
	assert_int_equal(errno, ENOSPC);
	w->count = SLOTS_MAX;
	atomic_store(&w->high, UINT32_MAX);
	assert_true(slot_read(r, COUNT, &s) < 0);
	assert_true(slot_read(r, SLOTS_MAX - 1, &s) < 0);
	assert_int_equal(slot_find_session(r, 5), -1);
	drop(fd, w, r);
	/* Of no table's size. */
	fd = memfd_create("slots", MFD_CLOEXEC);
	assert_int_equal(
	    ftruncate(fd, (off_t)SLOT_TABLE_BYTES((size_t)COUNT) + 64), 0);
	assert_null(slot_table_map(fd, 0));
	close(fd);
}

/* Lists that lead round in a circle or out of the table, and no rest. */
static void
test_a_hostile_index(void **state)
{
	struct slot_table *w, *r;
	int fd = make((off_t)SLOT_TABLE_BYTES((size_t)COUNT), &w, &r);
	uint32_t lists = COUNT / SLOT_INDEX_SHARE;
	struct slot_index *x = (struct slot_index *)(void *)&w->slots[COUNT];

	(void)state;
	claim(w, 3, 100, 200);
	claim(w, 4, 101, 201);
	/* Not there any more: 100 leads to 4, 4 to itself. */
	atomic_store(&x->heads[100 % lists], 5);
	w->slots[4].next_session = 5;
	assert_int_equal(slot_find_session(r, 100), -1);
	assert_int_equal(slot_find_session(r, 101), 4);
	atomic_store(&x->heads[100 % lists], UINT32_MAX);
	assert_int_equal(slot_find_session(r, 100), -1);
	/* It never comes to rest: then the table is looked through. */
	atomic_store(&x->changes, 1);
	assert_int_equal(slot_find_session(r, 100), 3);
	drop(fd, w, r);
}

/* An earlier version's has no index. */
static void
test_without_an_index(void **state)
{
	struct slot_table *w, *r;
	int fd = make((off_t)(sizeof(struct slot_table) +
			      SLOTS_MAX * sizeof(struct slot)),
	    &w, &r);

	(void)state;
	claim(w, 3, 100, 200);
	assert_int_equal(slot_find_session(r, 100), 3);
	assert_int_equal(slot_find_pid(r, 200), 3);
	slot_end(w, 3, ENDED_EXITED, 0);
	assert_int_equal(slot_find_session(r, 100), -1);
	drop(fd, w, r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_finds_what_runs),
	    cmocka_unit_test(test_ends_where_the_file_does),
	    cmocka_unit_test(test_a_hostile_index),
	    cmocka_unit_test(test_without_an_index),
	};

	return (cmocka_run_group_tests_name("slots", tests, NULL, NULL));
}
