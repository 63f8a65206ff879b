/*
 * The slot table: its one writer's side and its readers'. Zygotes write;
 * monitor and master read, and trust no field further than its
 * bounds. And the length of the master's state, which the monitor gives.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "ipc/state.h"
#include "lib/err.h"
#include "lib/memory.h"

/* So many slots are a page; the table's head takes the place of one. */
#define ROOM_STEP 64u

/* How far a reader follows a list, and how often anew. */
#define STEPS_MAX 256u
#define TRIES_MAX 8u

/*
 * What this process knows of a table, which nobody else can write: it lies in
 * front of it, at the end of a page of its own.
 */
struct slots_known {
	size_t size;	/* of the file, as mapped */
	uint32_t count; /* of slots */
	uint32_t lists; /* of each index; 0: there is none */
};

static const struct slots_known *
slots_known(const struct slot_table *t)
{
	return ((const struct slots_known *)(const void *)t - 1);
}

static struct slot_index *
slots_index(const struct slot_table *t)
{
	return (
	    (struct slot_index *)(uintptr_t)&t->slots[slots_known(t)->count]);
}

/* --- the index ---------------------------------------------------------------
 */

enum slot_key { BY_SESSION, BY_PID };

static _Atomic uint32_t *
slots_index_head(const struct slot_table *t, enum slot_key key, uint64_t value)
{
	uint32_t lists = slots_known(t)->lists;

	return (&slots_index(t)
		     ->heads[(key == BY_PID ? lists : 0) + value % lists]);
}

static uint64_t
slot_value(const struct slot *s, enum slot_key key)
{
	return (key == BY_SESSION ? s->session : (uint32_t)s->pid);
}

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

/* --- the writer's side
 * -------------------------------------------------------- */

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
/* --- the readers' side
 * -------------------------------------------------------- */

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

/* --- mapping
 * ------------------------------------------------------------------- */

/* What a file of this size is a table of; false: of none. */
static bool
slots_measure(off_t size, struct slots_known *k)
{
	k->size = (size_t)size;
	/* As an earlier version made them all. */
	k->count = SLOTS_MAX;
	k->lists = 0;
	if (k->size ==
	    sizeof(struct slot_table) + SLOTS_MAX * sizeof(struct slot))
		return (true);
	for (k->count = SLOT_INDEX_SHARE; k->count <= SLOTS_MAX;
	     k->count *= 2) {
		k->lists = k->count / SLOT_INDEX_SHARE;
		if (k->size == SLOT_TABLE_BYTES((size_t)k->count))
			return (true);
	}
	return (false);
}

static size_t
slots_page(void)
{
	return ((size_t)sysconf(_SC_PAGESIZE));
}

/* A page of ours, and behind it the file; NULL with errno. */
static struct slot_table *
slots_map(int fd, int prot, const struct slots_known *k)
{
	const size_t page = slots_page();
	char *p = mmap(NULL, page + k->size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return (NULL);
	if (mmap(p + page, k->size, prot, MAP_SHARED | MAP_FIXED, fd, 0) ==
		MAP_FAILED ||
	    madvise(p, page + k->size, MADV_DONTFORK) < 0) {
		munmap(p, page + k->size);
		return (NULL);
	}
	*((struct slots_known *)(void *)(p + page) - 1) = *k;
	return ((struct slot_table *)(void *)(p + page));
}

struct slot_table *
slot_table_map(int fd, int writable)
{
	struct slots_known k;
	struct slot_table *t;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return (NULL);
	if (!slots_measure(st.st_size, &k)) {
		errno = EINVAL;
		return (NULL);
	}
	t = slots_map(fd, PROT_READ | (writable ? PROT_WRITE : 0), &k);
	if (t == NULL || !writable)
		return (t);
	if (memory_reserve(t, sizeof(*t)) != 0 ||
	    (k.lists > 0 && memory_reserve(slots_index(t),
				sizeof(struct slot_index) +
				    sizeof(uint32_t) * 2 * k.lists) != 0)) {
		slot_table_unmap(t);
		return (NULL);
	}
	return (t);
}

void
slot_table_unmap(struct slot_table *t)
{
	const size_t page = slots_page();

	if (t != NULL)
		munmap((char *)t - page, page + slots_known(t)->size);
}
