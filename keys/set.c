/* A user's keys as a table. Reader of keys; distrusts all of it. Pure. */
#include <string.h>

#include "keys/set.h"
#include "lib/err.h"

static const char head[KEYS_HEAD] = {'P', 'R', 'T', 'K', 'E', 'Y', 'S', '1'};

bool
set_has(const struct keyset *set, const struct key *key)
{
	for (size_t i = 0; i < set->n; i++) {
		if (memcmp(set->keys[i].digest, key->digest, KEYS_DIGEST) == 0)
			return (true);
	}
	return (false);
}

int
set_add(struct keyset *set, const struct key *key)
{
	if (set_has(set, key))
		return (0);
	if (set->n == KEYS_MOST)
		return (ERR_FULL);
	set->keys[set->n++] = *key;
	return (0);
}

int
set_add_text(struct keyset *set, const char *text, size_t n, uint8_t file)
{
	const char *end = text + n;
	struct key key;

	while (text < end) {
		const char *line = text;
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		if (stop == NULL)
			stop = end;
		text = stop < end ? stop + 1 : end;
		if (line_parse(line, (size_t)(stop - line), &key) != 0)
			continue;
		key.file = file;
		if (set_add(set, &key) != 0)
			return (ERR_FULL);
	}
	return (0);
}

size_t
set_encode(const struct keyset *set, uint8_t *out)
{
	uint8_t *at = out + KEYS_HEAD;

	memcpy(out, head, KEYS_HEAD);
	for (size_t i = 0; i < set->n; i++, at += KEYS_RECORD) {
		const struct key *key = &set->keys[i];

		memcpy(at, key->digest, KEYS_DIGEST);
		memcpy(at + KEYS_DIGEST, key->type, KEYS_TYPE_MAX);
		at[KEYS_RECORD - 1] = key->file;
	}
	return ((size_t)(at - out));
}

/* A name that can be shown, and nothing behind its NUL. */
static bool
set_is_type(const char type[KEYS_TYPE_MAX])
{
	size_t n = strnlen(type, KEYS_TYPE_MAX);

	for (size_t i = 0; i < n; i++) {
		if (type[i] <= ' ' || type[i] > '~')
			return (false);
	}
	for (size_t i = n; i < KEYS_TYPE_MAX; i++) {
		if (type[i] != '\0')
			return (false);
	}
	return (n > 0 && n < KEYS_TYPE_MAX);
}

int
set_decode(struct keyset *set, const uint8_t *in, size_t n)
{
	set->n = 0;
	if (n == 0)
		return (0);
	if (n < KEYS_HEAD || n > KEYS_BYTES_MAX ||
	    (n - KEYS_HEAD) % KEYS_RECORD != 0 ||
	    memcmp(in, head, KEYS_HEAD) != 0)
		return (ERR_SYNTAX);
	for (size_t at = KEYS_HEAD; at < n; at += KEYS_RECORD) {
		struct key *key = &set->keys[set->n];

		memcpy(key->digest, in + at, KEYS_DIGEST);
		memcpy(key->type, in + at + KEYS_DIGEST, KEYS_TYPE_MAX);
		key->file = in[at + KEYS_RECORD - 1];
		if (!set_is_type(key->type) || set_has(set, key)) {
			set->n = 0;
			return (ERR_SYNTAX);
		}
		set->n++;
	}
	return (0);
}
