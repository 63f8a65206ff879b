/* A configuration's memory. Planner and CLI; pure but for malloc. */
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/arena.h"

#define ARENA_CHUNK 16384

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	alignas(max_align_t) unsigned char bytes[];
};

static struct arena_chunk *
arena_grow(struct arena *a, size_t n)
{
	size_t size = n > ARENA_CHUNK ? n : ARENA_CHUNK;
	struct arena_chunk *c;

	if (size > SIZE_MAX - sizeof(*c))
		return (NULL);
	c = calloc(1, sizeof(*c) + size);
	if (c == NULL)
		return (NULL);
	c->size = size;
	c->next = a->head;
	a->head = c;
	return (c);
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t mask = alignof(max_align_t) - 1;
	struct arena_chunk *c = a->head;
	void *p;

	if (n > SIZE_MAX - mask)
		return (NULL);
	n = (n + mask) & ~mask;
	if (c == NULL || c->size - c->used < n) {
		c = arena_grow(a, n);
		if (c == NULL)
			return (NULL);
	}
	p = c->bytes + c->used;
	c->used += n;
	return (p);
}

char *
arena_text(struct arena *a, const char *text, size_t n)
{
	char *p;

	if (n == SIZE_MAX)
		return (NULL);
	p = arena_alloc(a, n + 1);
	if (p != NULL && n != 0)
		memcpy(p, text, n);
	return (p);
}

void
arena_free(struct arena *a)
{
	struct arena_chunk *c, *next;

	for (c = a->head; c != NULL; c = next) {
		next = c->next;
		explicit_bzero(c->bytes, c->used);
		free(c);
	}
	a->head = NULL;
}
