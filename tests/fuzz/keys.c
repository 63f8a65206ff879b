/*
 * Fuzzer of what the reader of keys reads: a user's files, and what was written
 * down of them. What must hold: a set is bounded, its names can be shown, and
 * what is written down of it is read again as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "keys/set.h"
#include "lib/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
check(const struct keyset *set)
{
	static uint8_t bytes[KEYS_BYTES_MAX];
	static struct keyset again;
	size_t n = set_encode(set, bytes);
	char print[KEYS_FINGERPRINT_MAX];

	require(set->n <= KEYS_MOST && n <= sizeof(bytes));
	require(set_decode(&again, bytes, n) == 0 && again.n == set->n);
	for (size_t i = 0; i < set->n; i++) {
		require(memcmp(&again.keys[i], &set->keys[i],
			    sizeof(set->keys[i])) == 0);
		line_fingerprint(&set->keys[i], print);
		require(strlen(print) == strlen("SHA256:") + 43);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keyset set;

	set.n = 0;
	(void)set_add_text(&set, (const char *)data, size, 0);
	check(&set);
	if (set_decode(&set, data, size) == 0)
		check(&set);
	else
		require(set.n == 0);
	return (0);
}
