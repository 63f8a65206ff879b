/*
 * The zygote's list of workers: entries in one array, chained by process id.
 * Process ids are given in sequence, so chains are about one long. Runs in the
 * zygote; allocates nothing, trusts nothing from outside.
 */
#include <string.h>

#include "workers/common/roster.h"

_Static_assert(ROSTER_MAX < ROSTER_NONE, "an index is 16 bits");

static uint16_t
roster_index_of(const struct roster *r, const struct roster_worker *w)
{
	return ((uint16_t)(w - r->workers));
}

static uint16_t *
roster_chain_of(struct roster *r, int32_t pid)
{
	return (&r->chains[(uint32_t)pid & (ROSTER_MAX - 1)]);
}

/* Entries that were never used are taken by number: no page is touched. */
void
roster_init(struct roster *r)
{
	memset(r->chains, 0xff, sizeof(r->chains));
	r->free = r->queue_head = r->queue_tail = ROSTER_NONE;
	r->high = r->live = r->idle = 0;
}

/* The one setter of a worker's state; it counts the idle. */
static void
roster_set(struct roster *r, struct roster_worker *w, enum roster_state state)
{
	r->idle -= w->state == ROSTER_IDLE;
	r->idle += state == ROSTER_IDLE;
	w->state = (uint8_t)state;
}

struct roster_worker *
roster_add(struct roster *r, int32_t pid, enum roster_state state)
{
	uint16_t *chain = roster_chain_of(r, pid);
	struct roster_worker *w;

	if (r->free != ROSTER_NONE) {
		w = &r->workers[r->free];
		r->free = w->next;
	} else if (r->high < ROSTER_MAX) {
		w = &r->workers[r->high++];
	} else {
		return (NULL);
	}
	*w = (struct roster_worker){
	    .pid = pid, .fd = -1, .next = *chain, .page = ROSTER_NO_PAGE};
	*chain = roster_index_of(r, w);
	r->live++;
	roster_set(r, w, state);
	return (w);
}

struct roster_worker *
roster_find(struct roster *r, int32_t pid)
{
	for (uint16_t i = *roster_chain_of(r, pid); i != ROSTER_NONE;
	     i = r->workers[i].next) {
		if (r->workers[i].pid == pid)
			return (&r->workers[i]);
	}
	return (NULL);
}

void
roster_unlink(struct roster *r, struct roster_worker *w)
{
	uint16_t *at = roster_chain_of(r, w->pid);

	while (*at != ROSTER_NONE && *at != roster_index_of(r, w))
		at = &r->workers[*at].next;
	if (*at == ROSTER_NONE)
		return;
	*at = w->next;
	w->next = ROSTER_NONE;
	r->live--;
}

void
roster_take(struct roster *r, struct roster_worker *w)
{
	roster_set(r, w, ROSTER_TAKEN);
}

void
roster_queue(struct roster *r, struct roster_worker *w)
{
	roster_set(r, w, ROSTER_ENDED);
	w->next = ROSTER_NONE;
	if (r->queue_tail == ROSTER_NONE)
		r->queue_head = roster_index_of(r, w);
	else
		r->workers[r->queue_tail].next = roster_index_of(r, w);
	r->queue_tail = roster_index_of(r, w);
}

struct roster_worker *
roster_queue_first(struct roster *r)
{
	if (r->queue_head == ROSTER_NONE)
		return (NULL);
	return (&r->workers[r->queue_head]);
}

void
roster_queue_drop(struct roster *r)
{
	struct roster_worker *w = roster_queue_first(r);

	if (w == NULL)
		return;
	r->queue_head = w->next;
	if (r->queue_head == ROSTER_NONE)
		r->queue_tail = ROSTER_NONE;
	roster_forget(r, w);
}

void
roster_forget(struct roster *r, struct roster_worker *w)
{
	roster_set(r, w, ROSTER_FREE);
	w->session = 0;
	w->next = r->free;
	r->free = roster_index_of(r, w);
}
