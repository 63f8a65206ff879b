/*
 * The table of zygotes. Master only, unprivileged.
 */
#include "master/zygotes.h"

#include <stdlib.h>

#include "lib/err.h"

int
zygotes_init(struct master *m)
{
	m->zygotes = calloc(1, sizeof(*m->zygotes));
	if (m->zygotes == NULL)
		return (ERR_NO_MEMORY);
	TAILQ_INIT(&m->zygotes->all);
	return (0);
}

uint32_t
zygote_instance(const struct zygote *z)
{
	return (z->instance);
}

const struct slot_table *
zygote_table(const struct zygote *z)
{
	return (z->table);
}

void
zygote_add_session(struct zygote *z, struct session *s)
{
	TAILQ_INSERT_TAIL(&z->sessions, s, link);
}

void
zygote_remove_session(struct zygote *z, struct session *s)
{
	TAILQ_REMOVE(&z->sessions, s, link);
}

void
zygote_want_room(struct zygote *z, bool want)
{
	if (z->lost || z->full == want)
		return;
	z->full = want;
	if (!z->rests)
		uv_poll_start(
		    z->poll, UV_READABLE | (want ? UV_WRITABLE : 0), z->ready);
}

struct zygote *
zygote_by_instance(struct master *m, uint32_t instance)
{
	struct zygote *z;

	TAILQ_FOREACH (z, &m->zygotes->all, link) {
		if (z->instance == instance)
			return (z);
	}
	return (NULL);
}
