/*
 * A user's keys as a table: of a text, bounded; written down and read again;
 * and what was written down by nobody of ours is refused whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keys/set.h"
#include "lib/err.h"

static struct keyset set, other;
static uint8_t bytes[KEYS_BYTES_MAX + 1];

static struct key
numbered(unsigned n)
{
	struct key key = {.type = "ssh-rsa", .file = (uint8_t)(n % 3)};

	memcpy(key.digest, &n, sizeof(n));
	return (key);
}

static void
fill(unsigned n)
{
	set.n = 0;
	for (unsigned i = 0; i < n; i++) {
		struct key key = numbered(i);

		assert_int_equal(set_add(&set, &key), 0);
	}
}

static void
test_bounds(void **state)
{
	struct key key = numbered(7);

	(void)state;
	fill(KEYS_MOST);
	assert_int_equal(set.n, KEYS_MOST);
	assert_true(set_has(&set, &key));
	assert_int_equal(set_add(&set, &key), 0);
	key = numbered(KEYS_MOST);
	assert_int_equal(set_add(&set, &key), ERR_FULL);
	assert_false(set_has(&set, &key));
}

static void
test_written_and_read(void **state)
{
	static const unsigned sizes[] = {0, 1, 2, KEYS_MOST};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n;

		fill(sizes[i]);
		n = set_encode(&set, bytes);
		assert_int_equal(n, KEYS_HEAD + sizes[i] * KEYS_RECORD);
		assert_int_equal(set_decode(&other, bytes, n), 0);
		assert_int_equal(other.n, sizes[i]);
		for (size_t k = 0; k < other.n; k++)
			assert_memory_equal(
			    &other.keys[k], &set.keys[k], sizeof(set.keys[k]));
	}
	assert_int_equal(set_decode(&other, bytes, 0), 0);
	assert_int_equal(other.n, 0);
}

static void
refused(size_t n)
{
	assert_int_equal(set_decode(&other, bytes, n), ERR_SYNTAX);
	assert_int_equal(other.n, 0);
}

static void
test_damaged(void **state)
{
	size_t n, type = KEYS_HEAD + KEYS_DIGEST;

	(void)state;
	fill(2);
	n = set_encode(&set, bytes);
	for (size_t i = 1; i < n; i++) {
		if (i != KEYS_HEAD && i != KEYS_HEAD + KEYS_RECORD)
			refused(i);
	}
	refused(KEYS_BYTES_MAX + 1);
	bytes[0] ^= 1;
	refused(n);
	bytes[0] ^= 1;
	bytes[type + 2] = '\n';
	refused(n);
	bytes[type + 2] = '\0';
	refused(n);
	memset(bytes + type, 'a', KEYS_TYPE_MAX);
	refused(n);
	memset(bytes + type, 0, KEYS_TYPE_MAX);
	refused(n);
	/* The same key twice. */
	(void)set_encode(&set, bytes);
	memcpy(bytes + KEYS_HEAD + KEYS_RECORD, bytes + KEYS_HEAD, KEYS_RECORD);
	refused(n);
}

#define RSA "ssh-rsa AAAAB3NzaC1yc2EA"

static void
test_text(void **state)
{
	static const char text[] =
	    "# nothing\n" RSA "AQ==\n\n" RSA "Ag==\r\nno key\n" RSA
	    "AQ== again\n" RSA "Aw==";

	(void)state;
	set.n = 0;
	assert_int_equal(set_add_text(&set, text, sizeof(text) - 1, 1), 0);
	assert_int_equal(set.n, 3);
	for (size_t i = 0; i < set.n; i++) {
		assert_string_equal(set.keys[i].type, "ssh-rsa");
		assert_int_equal(set.keys[i].file, 1);
	}
	fill(KEYS_MOST - 1);
	assert_int_equal(
	    set_add_text(&set, text, sizeof(text) - 1, 1), ERR_FULL);
	assert_int_equal(set.n, KEYS_MOST);
	assert_int_equal(set_add_text(&set, "", 0, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_written_and_read),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
