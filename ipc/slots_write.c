/*
 * The slot table's writer's side, and the index that it keeps. Zygotes, each of
 * a table that nobody else can write.
 */
#include <errno.h>
#include <string.h>

#include "ipc/slots_private.h"
#include "lib/err.h"
#include "lib/memory.h"

/* So many slots are a page; the table's head takes the place of one. */
#define ROOM_STEP 64u

static uint32_t *
slot_next(struct slot *s, enum slot_key key)
{
	return (key == BY_SESSION ? &s->next_session : &s->next_pid);
}

static void
slots_index_change(const struct slot_table *t)
{
	atomic_fetch_add(&slots_index(t)->changes, 1);
}

static void
slots_index_add(struct slot_table *t, enum slot_key key, uint32_t number)
{
	struct slot *s = &t->slots[number];
	_Atomic uint32_t *head;

	if (slots_known(t)->lists == 0)
		return;
	head = slots_index_head(t, key, slot_value(s, key));
	slots_index_change(t);
	*slot_next(s, key) = atomic_load(head);
	atomic_store(head, number + 1);
	slots_index_change(t);
}

static void
slots_index_remove(struct slot_table *t, enum slot_key key, uint32_t number)
{
	struct slot *s = &t->slots[number];
	_Atomic uint32_t *head;
	uint32_t at, before = 0;

	if (slots_known(t)->lists == 0)
		return;
	head = slots_index_head(t, key, slot_value(s, key));
	at = atomic_load(head);
	while (at != 0 && at != number + 1) {
		before = at;
		at = *slot_next(&t->slots[at - 1], key);
	}
	if (at == 0) /* never put there */
		return;
	slots_index_change(t);
	if (before == 0)
		atomic_store(head, *slot_next(s, key));
	else
		*slot_next(&t->slots[before - 1], key) = *slot_next(s, key);
	*slot_next(s, key) = 0;
	slots_index_change(t);
}

int
slot_reserve(struct slot_table *t, uint32_t number)
{
	uint32_t room = ((number + 1) / ROOM_STEP + 1) * ROOM_STEP - 1;
	uint32_t count = slots_known(t)->count;
	int err;

	if (number < t->room)
		return (0);
	if (number >= count) {
		errno = ENOSPC;
		return (ERR_SYSTEM);
	}
	if (room > count)
		room = count;
	err = memory_reserve(
	    &t->slots[t->room], (size_t)(room - t->room) * sizeof(t->slots[0]));
	if (err == 0)
		t->room = room;
	return (err);
}

void
slot_claim(struct slot_table *t, uint32_t number, uint64_t session,
    const struct addr *peer, uint64_t start)
{
	struct slot *s = &t->slots[number];

	if (atomic_load(&s->use) == SLOT_RUNNING) {
		slots_index_remove(t, BY_SESSION, number);
		slots_index_remove(t, BY_PID, number);
	}
	s->pid = 0;
	s->session = session;
	s->start = start;
	s->how = ENDED_UNKNOWN;
	s->value = 0;
	s->killed = s->timed_out = 0;
	s->step = STEP_NONE;
	s->family = peer->family;
	s->port = peer->port;
	s->scope = peer->scope;
	memcpy(s->peer, peer->bytes, sizeof(s->peer));
	atomic_store_explicit(&s->use, SLOT_RUNNING, memory_order_release);
	if (number >= atomic_load_explicit(&t->high, memory_order_relaxed))
		atomic_store_explicit(
		    &t->high, number + 1, memory_order_release);
	slots_index_add(t, BY_SESSION, number);
}

void
slot_started(struct slot_table *t, uint32_t number, int32_t pid)
{
	t->slots[number].pid = pid;
	slots_index_add(t, BY_PID, number);
}

void
slot_end(struct slot_table *t, uint32_t number, enum ended how, int32_t value)
{
	struct slot *s = &t->slots[number];

	slots_index_remove(t, BY_SESSION, number);
	slots_index_remove(t, BY_PID, number);
	s->how = (uint8_t)how;
	s->value = value;
	atomic_store_explicit(&s->use, SLOT_ENDED, memory_order_release);
}

void
slot_fail(struct slot_table *t, uint32_t number, enum step step, int32_t error)
{
	t->slots[number].step = (uint8_t)step;
	slot_end(t, number, ENDED_FAILED, error);
}
