/*
 * A table of pointers by number: finding, putting and removing cost the same
 * however many there are. Any process; the numbers are the caller's own, not a
 * peer's to choose.
 */
#ifndef PORTREEVE_LIB_MAP_H
#define PORTREEVE_LIB_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_entry {
	uint64_t key;
	void *value; /* NULL: an empty place */
};

/* Zero-initialised is empty. */
struct map {
	struct map_entry *entries;
	size_t size; /* a power of two, or 0 before the first */
	size_t count;
};

/* Room for one more, so that the next map_put() cannot fail; ERR_NO_MEMORY. */
int map_reserve(struct map *m);

/*
 * value, not NULL; ERR_NO_MEMORY. Where there is one already it takes that's
 * place, and cannot fail.
 */
int map_put(struct map *m, uint64_t key, void *value);

/* NULL for none. */
void *map_get(const struct map *m, uint64_t key);

/* Nothing happens when it is not there. */
void map_remove(struct map *m, uint64_t key);

#endif
