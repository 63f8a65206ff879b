/*
 * The layout of the state and every access to it. Master only, unprivileged.
 * Distrusts the contents: indexes are bounded, texts are NUL-ended where they
 * are read, and an entry counts only when its last store was made. Reads no
 * page that was never written, since that would make it exist.
 */
#include "master/state.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/memory.h"

#define STATE_MAGIC 0x50525653u /* "PRVS" */
#define STATE_VERSION 3
#define STATE_PENALTIES 790528u /* whole pages */
#define RATE_ROOMS 2		/* the present one, and one to move to */

enum journal_flags {
	JOURNAL_ANNOUNCED = 1,
	JOURNAL_HOLDS_LISTENER = 2,
	JOURNAL_LOGIN = 4 /* the slot's struct state_login is this session's */
};

struct state_service {
	char name[SERVICE_NAME_MAX];
	uint8_t unused[7];
	_Atomic uint64_t counters[FAMILY_COUNT][2];
	/* limit, slots and room of the history, see rate_word(); 0 none */
	_Atomic uint64_t rate[FAMILY_COUNT];
	uint64_t unused2[5];
};

struct state_entry {
	_Atomic uint64_t session; /* stored last, cleared first */
	uint64_t accepted;
	uint64_t since;
	_Atomic uint32_t instance;
	uint32_t listener;
	uint32_t scope;
	uint16_t service;
	uint16_t port;
	uint8_t peer[16];
	uint8_t family;
	_Atomic uint8_t flags;
	uint8_t unused[6];
};

struct state_login {
	char user[256];
	char tty[32];
	uint8_t unused[32];
};

/* What is there of 64 slots. */
struct state_block {
	struct state_entry journal[STATE_BLOCK_SLOTS];
	struct state_login logins[STATE_BLOCK_SLOTS];
};

struct state_layout {
	uint32_t magic;
	uint32_t version;
	_Atomic uint64_t last_session;
	_Atomic uint32_t journal_high;
	_Atomic uint32_t has_penalties;
	uint8_t unused[4096 - 24];
	struct state_service services[SERVICES_MAX];
	uint8_t rates[SERVICES_MAX][FAMILY_COUNT][RATE_ROOMS][STATE_HISTORY];
	struct policy_penalties penalties;
	uint8_t unused2[STATE_PENALTIES - sizeof(struct policy_penalties)];
	struct state_block blocks[SLOTS_MAX / STATE_BLOCK_SLOTS];
	uint8_t long_rates[SERVICES_MAX][FAMILY_COUNT][RATE_ROOMS][STATE_LONG];
};

#define STATE_PAGE 4096u

struct state {
	struct state_layout *map;
	uint32_t slots; /* that the file is known to reach */
	/* A bit for each page that is known to have room. */
	uint8_t room[STATE_SIZE / STATE_PAGE / 8];
};

_Static_assert(sizeof(struct state_layout) <= STATE_SIZE, "the state fits");
_Static_assert(offsetof(struct state_layout, blocks) == STATE_HEAD, "its head");
_Static_assert(sizeof(struct state_block) == STATE_BLOCK, "whole pages");
_Static_assert(sizeof(struct state_service) == 128, "aligned");
_Static_assert(sizeof(struct state_entry) == 64, "a cache line");
_Static_assert(STATE_LONG >= sizeof(struct policy_rate) +
				 POLICY_RATE_EXACT_MAX * sizeof(uint64_t),
    "the longest history fits");

static struct state_entry *
state_entry(const struct state *st, uint32_t slot)
{
	return (&st->map->blocks[slot / STATE_BLOCK_SLOTS]
		     .journal[slot % STATE_BLOCK_SLOTS]);
}

static struct state_login *
state_login(const struct state *st, uint32_t slot)
{
	return (&st->map->blocks[slot / STATE_BLOCK_SLOTS]
		     .logins[slot % STATE_BLOCK_SLOTS]);
}

/* Where a history for that limit lies. */
static void *
state_rate(const struct state *st, unsigned number, enum family family,
    uint32_t limit, unsigned room)
{
	if (policy_rate_size(limit) > STATE_HISTORY)
		return (st->map->long_rates[number][family][room]);
	return (st->map->rates[number][family][room]);
}

/* Before n bytes at p are touched for the first time: have room for them. */
static int
state_reserve(struct state *st, const void *p, size_t n)
{
	size_t from = (size_t)((const uint8_t *)p - (uint8_t *)st->map);
	size_t last = (from + n - 1) / STATE_PAGE;
	bool all = true;

	for (size_t i = from / STATE_PAGE; i <= last; i++)
		all = all && (st->room[i / 8] & 1u << i % 8) != 0;
	if (all)
		return (0);
	if (memory_reserve(p, n) != 0)
		return (ERR_SYSTEM);
	for (size_t i = from / STATE_PAGE; i <= last; i++)
		st->room[i / 8] |= (uint8_t)(1u << i % 8);
	return (0);
}

int
state_open(struct state **out, int fd)
{
	struct stat info;
	struct state *st;
	uint64_t blocks;

	*out = NULL;
	if (fstat(fd, &info) < 0)
		return (ERR_SYSTEM);
	if (info.st_size < (off_t)STATE_HEAD)
		return (ERR_TRUNCATED);
	st = calloc(1, sizeof(*st));
	if (st == NULL)
		return (ERR_NO_MEMORY);
	blocks = ((uint64_t)info.st_size - STATE_HEAD) / STATE_BLOCK;
	st->slots = blocks > SLOTS_MAX / STATE_BLOCK_SLOTS
			? SLOTS_MAX
			: (uint32_t)blocks * STATE_BLOCK_SLOTS;
	st->map = mmap(NULL, sizeof(struct state_layout),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (st->map == MAP_FAILED) {
		free(st);
		return (ERR_SYSTEM);
	}
	if (state_reserve(st, st->map, offsetof(struct state_layout, rates)) !=
	    0) {
		state_close(st);
		return (ERR_SYSTEM);
	}
	if (st->map->magic != STATE_MAGIC ||
	    st->map->version != STATE_VERSION) {
		/* Of another version: what tells what is in use goes. */
		memset(st->map, 0, offsetof(struct state_layout, services));
		memset(st->map->services, 0, sizeof(st->map->services));
		st->map->version = STATE_VERSION;
		st->map->magic = STATE_MAGIC;
	}
	*out = st;
	return (0);
}

struct policy_penalties *
state_penalties(struct state *st, bool make)
{
	bool made = atomic_load(&st->map->has_penalties) != 0;

	if ((!made && !make) ||
	    state_reserve(st, &st->map->penalties, STATE_PENALTIES) != 0)
		return (NULL);
	/* What lies there of another version is no table. */
	if (!made)
		memset(&st->map->penalties, 0, sizeof(st->map->penalties));
	atomic_store(&st->map->has_penalties, 1);
	return (&st->map->penalties);
}

void
state_close(struct state *st)
{
	if (st == NULL)
		return;
	munmap(st->map, sizeof(struct state_layout));
	free(st);
}

uint64_t
state_new_session(struct state *st)
{
	uint64_t n = atomic_fetch_add(&st->map->last_session, 1) + 1;

	return (n != 0 ? n : state_new_session(st));
}

void
state_see_session(struct state *st, uint64_t session)
{
	if (atomic_load(&st->map->last_session) < session)
		atomic_store(&st->map->last_session, session);
}

const char *
state_service_name(const struct state *st, unsigned number)
{
	const char *name;

	if (number >= SERVICES_MAX)
		return (NULL);
	name = st->map->services[number].name;
	if (name[0] == '\0' || memchr(name, '\0', SERVICE_NAME_MAX) == NULL)
		return (NULL);
	return (name);
}

int
state_service_find(const struct state *st, const char *name)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		const char *there = state_service_name(st, i);

		if (there != NULL && strcmp(there, name) == 0)
			return ((int)i);
	}
	return (ERR_NOT_FOUND);
}

void
state_service_claim(struct state *st, unsigned number, const char *name)
{
	struct state_service *s = &st->map->services[number];

	memset(s, 0, sizeof(*s));
	memcpy(s->name, name, strnlen(name, SERVICE_NAME_MAX - 1));
}

void
state_count(struct state *st, unsigned number, enum family family,
    enum state_counter counter)
{
	_Atomic uint64_t *c =
	    &st->map->services[number].counters[family][counter];

	/* One writer: a plain addition, but stored whole. */
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

uint64_t
state_counter(const struct state *st, unsigned number, enum family family,
    enum state_counter counter)
{
	return (atomic_load_explicit(
	    &st->map->services[number].counters[family][counter],
	    memory_order_relaxed));
}

/*
 * What a history was laid out for, in one word so that it changes at once:
 * limit 32 bits, the limit that its memory was sized for 31, room 1.
 */
static uint64_t
rate_word(uint32_t limit, uint32_t sized, unsigned room)
{
	return ((uint64_t)limit << 32 | (uint64_t)sized << 1 | room);
}

/* Attach what is there; ERR_VALUE when nothing sensible is. */
static int
window_attach(struct state *st, unsigned number, enum family family,
    uint64_t word, uint64_t now, struct policy_window *window)
{
	uint32_t limit = (uint32_t)(word >> 32);
	uint32_t sized = (uint32_t)word >> 1;
	size_t size = policy_rate_size(sized);
	void *rate = state_rate(st, number, family, sized, word & 1);

	if (word == 0 || limit > sized || size == 0 || size > STATE_LONG ||
	    state_reserve(st, rate, size) != 0)
		return (ERR_VALUE);
	return (policy_rate_attach(window, rate, size, limit, now));
}

int
state_window(struct state *st, unsigned number, enum family family,
    uint32_t limit, uint64_t now, struct policy_window *window)
{
	_Atomic uint64_t *rate = &st->map->services[number].rate[family];
	uint64_t word = atomic_load(rate);
	uint32_t sized = (uint32_t)word >> 1;
	unsigned room = (word & 1) == 0 ? 1 : 0;
	void *memory = state_rate(st, number, family, limit, room);
	struct policy_window old;
	int had, err;

	had = window_attach(st, number, family, word, now, &old) == 0;
	if (had && limit <= sized && policy_rate_set_limit(&old, limit) == 0) {
		atomic_store(rate, rate_word(limit, sized, (unsigned)word & 1));
		*window = old;
		return (0);
	}
	err = state_reserve(st, memory, policy_rate_size(limit));
	if (err == 0)
		err = policy_rate_attach(
		    window, memory, policy_rate_size(limit), limit, now);
	if (err != 0)
		return (err);
	/* What lies in the room may be an earlier service's. */
	if (had)
		policy_rate_move(window, &old, now);
	else
		policy_rate_clear(window);
	atomic_store(rate, rate_word(limit, limit, room));
	return (0);
}

uint32_t
state_journal_high(const struct state *st)
{
	uint32_t high = atomic_load(&st->map->journal_high);

	return (high > st->slots ? st->slots : high);
}

/* Room for a slot, and for those below it, which the next master reads. */
static int
state_journal_room(struct state *st, uint32_t slot)
{
	uint32_t at = state_journal_high(st);

	if (slot < at)
		at = slot;
	for (; at <= slot;
	     at = (at / STATE_BLOCK_SLOTS + 1) * STATE_BLOCK_SLOTS) {
		if (state_reserve(st, state_entry(st, at),
			sizeof(struct state_entry)) != 0)
			return (ERR_SYSTEM);
	}
	/* The file may have grown. */
	if (slot >= st->slots)
		st->slots = (slot / STATE_BLOCK_SLOTS + 1) * STATE_BLOCK_SLOTS;
	return (0);
}

int
state_journal_write(struct state *st, uint32_t slot, const struct journal *j)
{
	struct state_entry *e = state_entry(st, slot);

	if (state_journal_room(st, slot) != 0)
		return (ERR_SYSTEM);
	e->accepted = j->accepted;
	e->since = j->since;
	e->listener = j->listener;
	e->scope = j->peer.scope;
	e->service = j->service;
	e->port = j->peer.port;
	memcpy(e->peer, j->peer.bytes, sizeof(e->peer));
	e->family = j->peer.family;
	atomic_store_explicit(&e->instance, j->instance, memory_order_relaxed);
	atomic_store_explicit(&e->flags,
	    (uint8_t)((j->announced ? JOURNAL_ANNOUNCED : 0) |
		      (j->holds_listener ? JOURNAL_HOLDS_LISTENER : 0)),
	    memory_order_relaxed);
	if (slot >= state_journal_high(st))
		atomic_store(&st->map->journal_high, slot + 1);
	atomic_store_explicit(&e->session, j->session, memory_order_release);
	return (0);
}

int
state_journal_read(const struct state *st, uint32_t slot, struct journal *out)
{
	const struct state_entry *e = state_entry(st, slot);
	uint8_t flags = atomic_load(&e->flags);

	memset(out, 0, sizeof(*out));
	out->session = atomic_load_explicit(&e->session, memory_order_acquire);
	if (out->session == 0 || e->family >= FAMILY_COUNT ||
	    state_service_name(st, e->service) == NULL)
		return (ERR_NOT_FOUND);
	out->accepted = e->accepted;
	out->since = e->since;
	out->instance = atomic_load(&e->instance);
	out->listener = e->listener;
	out->service = e->service;
	out->announced = (flags & JOURNAL_ANNOUNCED) != 0;
	out->holds_listener = (flags & JOURNAL_HOLDS_LISTENER) != 0;
	out->peer.family = e->family;
	out->peer.port = e->port;
	out->peer.scope = e->scope;
	memcpy(out->peer.bytes, e->peer, sizeof(out->peer.bytes));
	return (0);
}

void
state_journal_instance(struct state *st, uint32_t slot, uint32_t instance)
{
	atomic_store_explicit(
	    &state_entry(st, slot)->instance, instance, memory_order_release);
}

void
state_journal_announced(struct state *st, uint32_t slot)
{
	atomic_fetch_or(&state_entry(st, slot)->flags, JOURNAL_ANNOUNCED);
}

void
state_journal_clear(struct state *st, uint32_t slot)
{
	atomic_store_explicit(
	    &state_entry(st, slot)->session, 0, memory_order_release);
}

void
state_journal_restore(
    struct state *st, uint32_t slot, uint64_t session, bool announced)
{
	struct state_entry *e = state_entry(st, slot);

	if (announced)
		atomic_fetch_or(&e->flags, JOURNAL_ANNOUNCED);
	else
		atomic_fetch_and(&e->flags, (uint8_t)~JOURNAL_ANNOUNCED);
	atomic_store_explicit(&e->session, session, memory_order_release);
}

/* A text and its NUL; what is behind it does not matter. */
static void
copy_text(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size - 1);

	memcpy(dst, src, n);
	dst[n] = '\0';
}

void
state_login_set(
    struct state *st, uint32_t slot, const char *user, const char *tty)
{
	struct state_login *l = state_login(st, slot);

	/* Without room a listing knows no name; the login goes on. */
	if (state_reserve(st, l, sizeof(*l)) != 0)
		return;
	copy_text(l->user, sizeof(l->user), user);
	copy_text(l->tty, sizeof(l->tty), tty);
	atomic_fetch_or(&state_entry(st, slot)->flags, JOURNAL_LOGIN);
}

static const char *
login_text(const struct state *st, uint32_t slot, const char *text, size_t n)
{
	if ((atomic_load(&state_entry(st, slot)->flags) & JOURNAL_LOGIN) == 0 ||
	    memchr(text, '\0', n) == NULL)
		return ("");
	return (text);
}

const char *
state_login_user(const struct state *st, uint32_t slot)
{
	const char *text = state_login(st, slot)->user;

	return (
	    login_text(st, slot, text, sizeof(state_login(st, slot)->user)));
}

const char *
state_login_tty(const struct state *st, uint32_t slot)
{
	const char *text = state_login(st, slot)->tty;

	return (login_text(st, slot, text, sizeof(state_login(st, slot)->tty)));
}
