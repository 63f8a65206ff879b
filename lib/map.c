/*
 * A hash table: open addressing, linear probing, at most half full. Pure but
 * for memory. Any process.
 */
#include <stdlib.h>

#include "lib/err.h"
#include "lib/map.h"

#define MAP_FIRST_SIZE 64

/* Numbers given in sequence, and such with a stride, spread alike. */
static size_t
map_home(const struct map *m, uint64_t key)
{
	return (
	    (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (m->size - 1));
}

/* Its place, or the empty one where it would be. */
static struct map_entry *
map_place(const struct map *m, uint64_t key)
{
	size_t i = map_home(m, key);

	while (m->entries[i].value != NULL && m->entries[i].key != key)
		i = (i + 1) & (m->size - 1);
	return (&m->entries[i]);
}

int
map_reserve(struct map *m)
{
	struct map bigger;

	if (m->size != 0 && m->count + 1 <= m->size / 2)
		return (0);
	bigger.size = m->size == 0 ? MAP_FIRST_SIZE : m->size * 2;
	bigger.count = m->count;
	bigger.entries = calloc(bigger.size, sizeof(*bigger.entries));
	if (bigger.entries == NULL)
		return (ERR_NO_MEMORY);
	for (size_t i = 0; i < m->size; i++) {
		if (m->entries[i].value != NULL)
			*map_place(&bigger, m->entries[i].key) = m->entries[i];
	}
	free(m->entries);
	*m = bigger;
	return (0);
}

int
map_put(struct map *m, uint64_t key, void *value)
{
	struct map_entry *e = m->size == 0 ? NULL : map_place(m, key);

	if (e == NULL || e->value == NULL) {
		if (map_reserve(m) != 0)
			return (ERR_NO_MEMORY);
		e = map_place(m, key);
		m->count++;
	}
	*e = (struct map_entry){.key = key, .value = value};
	return (0);
}

void *
map_get(const struct map *m, uint64_t key)
{
	return (m->size == 0 ? NULL : map_place(m, key)->value);
}

/* Close the gap: what follows moves back unless it is at home already. */
void
map_remove(struct map *m, uint64_t key)
{
	size_t mask = m->size - 1, hole;
	struct map_entry *e;

	if (m->size == 0 || (e = map_place(m, key))->value == NULL)
		return;
	hole = (size_t)(e - m->entries);
	for (size_t i = (hole + 1) & mask; m->entries[i].value != NULL;
	     i = (i + 1) & mask) {
		size_t home = map_home(m, m->entries[i].key);

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->entries[hole] = m->entries[i];
			hole = i;
		}
	}
	m->entries[hole].value = NULL;
	m->count--;
}
