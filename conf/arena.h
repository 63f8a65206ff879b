/*
 * Memory that lives as long as one configuration and goes all at once. Planner
 * and CLI; pure but for malloc.
 */
#ifndef PORTREEVE_CONF_ARENA_H
#define PORTREEVE_CONF_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *head;
};

/* n zeroed bytes, aligned for anything, the arena's to free; NULL: no memory.
 */
void *arena_alloc(struct arena *a, size_t n);

/* n bytes of text and a NUL; NULL: no memory. */
char *arena_text(struct arena *a, const char *text, size_t n);

/* Overwrites (secrets were in it) and frees all of it. */
void arena_free(struct arena *a);

#endif
