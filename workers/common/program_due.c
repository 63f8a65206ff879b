/*
 * A doubly linked list through an array of slots. In program zygotes; pure.
 */
#include <limits.h>

#include "workers/common/program_due.h"

#define MS UINT64_C(1000000)

void
program_due_add(struct program_due *d, uint32_t slot, uint64_t at)
{
	struct program_due_entry *e = &d->entries[slot];

	e->at = at;
	e->next = 0;
	e->prev = d->last;
	if (d->last != 0)
		d->entries[d->last - 1].next = slot + 1;
	else
		d->first = slot + 1;
	d->last = slot + 1;
}

void
program_due_remove(struct program_due *d, uint32_t slot)
{
	struct program_due_entry *e = &d->entries[slot];

	if (e->at == 0)
		return;
	if (e->prev != 0)
		d->entries[e->prev - 1].next = e->next;
	else
		d->first = e->next;
	if (e->next != 0)
		d->entries[e->next - 1].prev = e->prev;
	else
		d->last = e->prev;
	e->at = 0;
}

bool
program_due_take(struct program_due *d, uint64_t now, uint32_t *slot)
{
	if (d->first == 0 || d->entries[d->first - 1].at > now)
		return (false);
	*slot = d->first - 1;
	program_due_remove(d, *slot);
	return (true);
}

int
program_due_timeout(const struct program_due *d, uint64_t now)
{
	uint64_t at, ms;

	if (d->first == 0)
		return (-1);
	at = d->entries[d->first - 1].at;
	ms = at > now ? (at - now) / MS + 1 : 1;
	return (ms < INT_MAX ? (int)ms : INT_MAX);
}
