/*
 * The table of zygotes. Master only, unprivileged.
 */
#include "master/zygotes.h"

#include <stdlib.h>

#include "lib/err.h"
#include "lib/log.h"

int
zygotes_init(struct master *m)
{
	m->zygotes = calloc(1, sizeof(*m->zygotes));
	if (m->zygotes == NULL)
		return (ERR_NO_MEMORY);
	TAILQ_INIT(&m->zygotes->all);
	return (0);
}

static const uint8_t zygote_next[ZYGOTE_STATES][ZYGOTE_EVENTS] = {
    [ZYGOTE_NONE] = {[ZYGOTE_BEGINS] = ZYGOTE_LOST},
    [ZYGOTE_LOST] = {[ZYGOTE_JOINS] = ZYGOTE_JOINED,
	[ZYGOTE_REJOINS] = ZYGOTE_REJOINING,
	[ZYGOTE_GOES] = ZYGOTE_GONE},
    [ZYGOTE_BROKEN] = {[ZYGOTE_GOES] = ZYGOTE_GONE},
    [ZYGOTE_JOINED] = {[ZYGOTE_ATTACHES] = ZYGOTE_ATTACHED,
	[ZYGOTE_LOSES] = ZYGOTE_LOST,
	[ZYGOTE_BREAKS] = ZYGOTE_BROKEN,
	[ZYGOTE_GOES] = ZYGOTE_GONE},
    [ZYGOTE_REJOINING] = {[ZYGOTE_ATTACHES] = ZYGOTE_SETTLING,
	[ZYGOTE_LOSES] = ZYGOTE_LOST,
	[ZYGOTE_BREAKS] = ZYGOTE_BROKEN,
	[ZYGOTE_GOES] = ZYGOTE_GONE},
    [ZYGOTE_SETTLING] = {[ZYGOTE_SETTLES] = ZYGOTE_ATTACHED,
	[ZYGOTE_LOSES] = ZYGOTE_LOST,
	[ZYGOTE_BREAKS] = ZYGOTE_BROKEN,
	[ZYGOTE_GOES] = ZYGOTE_GONE},
    [ZYGOTE_ATTACHED] = {[ZYGOTE_ATTACHES] = ZYGOTE_ATTACHED,
	[ZYGOTE_LOSES] = ZYGOTE_LOST,
	[ZYGOTE_BREAKS] = ZYGOTE_BROKEN,
	[ZYGOTE_GOES] = ZYGOTE_GONE},
    /* Its last words are still read. */
    [ZYGOTE_GONE] = {[ZYGOTE_ATTACHES] = ZYGOTE_GONE,
	[ZYGOTE_LOSES] = ZYGOTE_GONE,
	[ZYGOTE_BREAKS] = ZYGOTE_GONE},
};

void
zygote_change(struct zygote *z, enum zygote_event event)
{
	static const char *const names[ZYGOTE_STATES] = {"none", "lost",
	    "broken", "joined", "rejoining", "settling", "attached", "gone"};
	enum zygote_state old = z->state, next = zygote_next[old][event];

	if (next == ZYGOTE_NONE)
		bug("zygote %u: event %d in state %s", z->instance, (int)event,
		    names[old]);
	if (next != old)
		log_info("zygote %u: %s -> %s", z->instance, names[old],
		    names[next]);
	z->state = next;
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
	if (z->poll == NULL || z->full == want)
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
