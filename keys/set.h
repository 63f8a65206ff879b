/*
 * The keys by which one user may log in, and how they are written down. Reader
 * of keys. Pure. What was written down is checked like what a stranger wrote.
 */
#ifndef PORTREEVE_KEYS_SET_H
#define PORTREEVE_KEYS_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keys/line.h"

#define KEYS_MOST 1024
#define KEYS_RECORD (KEYS_DIGEST + KEYS_TYPE_MAX + 1)
#define KEYS_HEAD 8
#define KEYS_BYTES_MAX (KEYS_HEAD + KEYS_MOST * KEYS_RECORD)

struct keyset {
	size_t n;
	struct key keys[KEYS_MOST];
};

/* Whether a key is there, whichever file it is from. */
bool set_has(const struct keyset *set, const struct key *key);

/* Add it where it is not there; ERR_FULL. */
int set_add(struct keyset *set, const struct key *key);

/*
 * Add the keys of a whole file's text. ERR_FULL, with those that found room.
 * Lines that hold no key are passed over.
 */
int set_add_text(struct keyset *set, const char *text, size_t n, uint8_t file);

/* Its bytes, at most KEYS_BYTES_MAX, of which the number is returned. */
size_t set_encode(const struct keyset *set, uint8_t *out);

/* From these: 0, of no bytes an empty set; ERR_SYNTAX, and the set is empty. */
int set_decode(struct keyset *set, const uint8_t *in, size_t n);

#endif
