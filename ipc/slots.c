/*
 * The slot table: its one writer's side and its readers'. Zygotes write;
 * monitor and master read, and trust no field further than its
 * bounds. And the length of the master's state, which the monitor gives.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <string.h>

#include "ipc/state.h"
#include "lib/err.h"
#include "lib/mem.h"

/* So many slots are a page; the table's head takes the place of one. */
#define ROOM_STEP 64u

int
slot_reserve(struct slot_table *t, uint32_t number)
{
	uint32_t room = ((number + 1) / ROOM_STEP + 1) * ROOM_STEP - 1;
	int err;

	if (number < t->room)
		return (0);
	if (room > SLOTS_MAX)
		room = SLOTS_MAX;
	err = mem_reserve(&t->slots[t->room],
	    (size_t)(room - t->room) * sizeof(t->slots[0]));
	if (err == 0)
		t->room = room;
	return (err);
}

void
slot_claim(struct slot_table *t, uint32_t number, uint64_t session,
    const struct addr *peer, uint64_t start)
{
	struct slot *s = &t->slots[number];

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
		atomic_store_explicit(&t->high, number + 1,
		    memory_order_release);
}

void
slot_end(struct slot_table *t, uint32_t number, enum ended how, int32_t value)
{
	struct slot *s = &t->slots[number];

	s->how = (uint8_t)how;
	s->value = value;
	atomic_store_explicit(&s->use, SLOT_ENDED, memory_order_release);
}

void
slot_fail(struct slot_table *t, uint32_t number, enum step step, int32_t error)
{
	t->slots[number].step = step;
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

static uint32_t
slot_count(const struct slot_table *t)
{
	uint32_t high = atomic_load_explicit(&t->high, memory_order_acquire);

	return (high > SLOTS_MAX ? SLOTS_MAX : high);
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

int64_t
slot_find_session(const struct slot_table *t, uint64_t session)
{
	uint32_t n = slot_count(t);

	for (uint32_t i = 0; i < n; i++) {
		if (t->slots[i].session == session &&
		    atomic_load(&t->slots[i].use) == SLOT_RUNNING)
			return (i);
	}
	return (-1);
}

int64_t
slot_find_pid(const struct slot_table *t, int32_t pid)
{
	uint32_t n = slot_count(t);

	for (uint32_t i = 0; i < n; i++) {
		if (t->slots[i].pid == pid &&
		    atomic_load(&t->slots[i].use) == SLOT_RUNNING)
			return (i);
	}
	return (-1);
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

struct slot_table *
slot_table_map(int fd, int writable)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return (NULL);
	if (st.st_size < (off_t)SLOT_TABLE_SIZE) {
		errno = EINVAL;
		return (NULL);
	}
	p = mmap(NULL, SLOT_TABLE_SIZE, prot, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return (NULL);
	if (madvise(p, SLOT_TABLE_SIZE, MADV_DONTFORK) < 0 ||
	    (writable && mem_reserve(p, sizeof(struct slot_table)) != 0)) {
		munmap(p, SLOT_TABLE_SIZE);
		return (NULL);
	}
	return (p);
}

void
slot_table_unmap(struct slot_table *t)
{
	if (t != NULL)
		munmap(t, SLOT_TABLE_SIZE);
}
