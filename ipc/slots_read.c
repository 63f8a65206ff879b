/*
 * The slot table's readers' side, and the length of the master's state, which
 * the monitor gives. Monitor and master; trusts no field of a table further
 * than its bounds.
 */
#include <stdbool.h>
#include <string.h>

#include "ipc/slots_private.h"
#include "lib/err.h"

/* How far a reader follows a list, and how often anew. */
#define STEPS_MAX 256u
#define TRIES_MAX 8u

static bool
slot_is(const struct slot *s, enum slot_key key, uint64_t value)
{
	return (slot_value(s, key) == value &&
		atomic_load(&s->use) == SLOT_RUNNING);
}

/* One slot of the list, or -1; no bound of it is trusted. */
static int64_t
slots_index_walk(const struct slot_table *t, enum slot_key key, uint64_t value)
{
	uint32_t at = atomic_load(slots_index_head(t, key, value));

	for (uint32_t i = 0;
	     i < STEPS_MAX && at > 0 && at <= slots_known(t)->count; i++) {
		const struct slot *s = &t->slots[at - 1];

		if (slot_is(s, key, value))
			return (at - 1);
		at = key == BY_SESSION ? s->next_session : s->next_pid;
	}
	return (-1);
}

/* false: the table has no index, or it is never at rest. */
static bool
slots_index_find(const struct slot_table *t, enum slot_key key, uint64_t value,
    int64_t *found)
{
	const struct slot_index *x = slots_index(t);

	for (uint32_t i = 0; slots_known(t)->lists > 0 && i < TRIES_MAX; i++) {
		uint32_t changes = atomic_load(&x->changes);

		*found = slots_index_walk(t, key, value);
		if (*found >= 0 ||
		    (changes % 2 == 0 && atomic_load(&x->changes) == changes))
			return (true);
	}
	return (false);
}

static uint32_t
slot_count(const struct slot_table *t)
{
	uint32_t high = atomic_load_explicit(&t->high, memory_order_acquire);
	uint32_t count = slots_known(t)->count;

	return (high > count ? count : high);
}

int
slot_read(const struct slot_table *t, uint32_t number, struct slot *out)
{
	const struct slot *s;
	uint32_t use;

	if (number >= slot_count(t))
		return (ERR_NOT_FOUND);
	s = &t->slots[number];
	use = atomic_load_explicit(&s->use, memory_order_acquire);
	if (use != SLOT_RUNNING && use != SLOT_ENDED)
		return (ERR_NOT_FOUND);
	memcpy(out, s, sizeof(*out));
	atomic_store_explicit(&out->use, use, memory_order_relaxed);
	return (out->session == 0 ? ERR_NOT_FOUND : 0);
}

static int64_t
slot_find(const struct slot_table *t, enum slot_key key, uint64_t value)
{
	uint32_t n = slot_count(t);
	int64_t found;

	if (slots_index_find(t, key, value, &found))
		return (found);
	for (uint32_t i = 0; i < n; i++) {
		if (slot_is(&t->slots[i], key, value))
			return (i);
	}
	return (-1);
}

int64_t
slot_find_session(const struct slot_table *t, uint64_t session)
{
	return (slot_find(t, BY_SESSION, session));
}

int64_t
slot_find_pid(const struct slot_table *t, int32_t pid)
{
	return (slot_find(t, BY_PID, (uint32_t)pid));
}

void
slot_peer(const struct slot *slot, struct addr *out)
{
	memset(out, 0, sizeof(*out));
	out->family = slot->family < FAMILY_COUNT ? slot->family : FAMILY_INET;
	out->port = slot->port;
	out->scope = slot->scope;
	memcpy(out->bytes, slot->peer, sizeof(out->bytes));
}

uint64_t
state_size(uint32_t slots, unsigned services)
{
	uint64_t blocks = (slots + STATE_BLOCK_SLOTS - 1) / STATE_BLOCK_SLOTS;

	if (services > 0 || slots > SLOTS_MAX)
		blocks = SLOTS_MAX / STATE_BLOCK_SLOTS;
	if (services > SERVICES_MAX)
		services = SERVICES_MAX;
	return (STATE_HEAD + blocks * STATE_BLOCK +
		(uint64_t)services * FAMILY_COUNT * 2 * STATE_LONG);
}

const char *
step_text(unsigned step)
{
	static const char *const texts[STEP_COUNT] = {
#define X(name, text) [STEP_##name] = (text),
	    STEPS(X)
#undef X
	};

	return (step < STEP_COUNT ? texts[step] : "");
}
