/*
 * The session table. Master only, unprivileged. Each session is here once,
 * counted once, and closed once, whatever dies in between.
 */
#include "master/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/claim.h"
#include "master/listener.h"
#include "master/zygotes.h"

#define CHUNK 256u
#define CHUNKS (SLOTS_MAX / CHUNK)
#define HASH_SIZE 4096u

struct sessions {
	struct session *chunks[CHUNKS];
	struct session *hash[HASH_SIZE];
	uint32_t high;	/* every slot in use is below */
	uint32_t nfree; /* slots below high that are free */
	uint32_t free[SLOTS_MAX];
};

/*
 * What becomes of a session. Who leaves is with nobody, but for those whom
 * somebody else vouches for; only what was freed is free.
 */
static const uint8_t session_next[SESSION_STATES][SESSION_EVENTS] = {
    [SESSION_FREE] = {[SESSION_ACCEPTS] = SESSION_NEW,
	[SESSION_INHERITS] = SESSION_INHERITED},
    [SESSION_NEW] = {[SESSION_HOLDS] = SESSION_HELD,
	[SESSION_GIVES] = SESSION_GIVEN,
	[SESSION_LEAVES] = SESSION_NEW,
	[SESSION_ENDS] = SESSION_OVER},
    [SESSION_HELD] = {[SESSION_LEAVES] = SESSION_NEW},
    [SESSION_GIVEN] =
	{[SESSION_FAILS] = SESSION_UNDELIVERED, [SESSION_LEAVES] = SESSION_NEW},
    [SESSION_UNDELIVERED] = {[SESSION_LEAVES] = SESSION_NEW},
    [SESSION_INHERITED] = {[SESSION_HOLDS] = SESSION_HELD,
	[SESSION_GIVES] = SESSION_GIVEN,
	[SESSION_LEAVES] = SESSION_INHERITED,
	[SESSION_ADOPTS] = SESSION_ADOPTED,
	[SESSION_ENDS] = SESSION_OVER},
    [SESSION_ADOPTED] = {[SESSION_LEAVES] = SESSION_ADOPTED,
	[SESSION_ADOPTS] = SESSION_ADOPTED,
	[SESSION_ENDS] = SESSION_OVER},
    [SESSION_OVER] = {[SESSION_TELLS] = SESSION_TOLD},
};

/* The way of every connection; its events tell of it. */
static bool
session_is_usual(enum session_state state)
{
	return (state == SESSION_FREE || state == SESSION_NEW ||
		state == SESSION_GIVEN || state >= SESSION_OVER);
}

void
session_change(struct session *s, enum session_event event)
{
	static const char *const names[SESSION_STATES] = {"free", "new", "held",
	    "given", "undelivered", "inherited", "adopted", "over", "told"};
	enum session_state old = s->state, next = session_next[old][event];

	if (next == SESSION_FREE &&
	    (event != SESSION_FREES || s->zygote != NULL))
		bug("session %llu: event %d in state %s",
		    (unsigned long long)s->id, (int)event, names[old]);
	if (next != old && !(session_is_usual(old) && session_is_usual(next)))
		log_info("session %llu: %s -> %s", (unsigned long long)s->id,
		    names[old], names[next]);
	s->state = next;
}

int
sessions_init(struct master *m)
{
	/* calloc: pages of free[] that are never used never exist. */
	m->sessions = calloc(1, sizeof(*m->sessions));
	return (m->sessions == NULL ? ERR_NO_MEMORY : 0);
}

static struct session *
session_at(struct sessions *t, uint32_t slot)
{
	struct session *chunk = t->chunks[slot / CHUNK];

	return (chunk == NULL ? NULL : &chunk[slot % CHUNK]);
}

/* The entry of a slot, made if need be; NULL when out of memory. */
static struct session *
session_make(struct sessions *t, uint32_t slot)
{
	struct session **chunk = &t->chunks[slot / CHUNK];

	if (*chunk == NULL)
		*chunk = calloc(CHUNK, sizeof(**chunk));
	return (*chunk == NULL ? NULL : &(*chunk)[slot % CHUNK]);
}

static void
session_begin(struct master *m, struct session *s, uint32_t slot, uint64_t id,
    struct service *sv)
{
	struct session **bucket = &m->sessions->hash[id % HASH_SIZE];

	memset(s, 0, sizeof(*s));
	s->id = id;
	s->slot = slot;
	s->master = m;
	s->service = sv;
	s->connection = s->copy = -1;
	s->worker.channel.fd = -1;
	s->violation = -1;
	s->exit_how = ENDED_UNKNOWN;
	s->bytes_in = s->bytes_out = UINT64_MAX;
	s->hash_next = *bucket;
	*bucket = s;
	sv->sessions++;
}

/* A free slot, the one used last first: its memory is warm. */
static int64_t
slot_take(struct sessions *t)
{
	if (t->nfree > 0)
		return (t->free[--t->nfree]);
	if (t->high < SLOTS_MAX)
		return (t->high++);
	return (-1);
}

/* A slot and its entry in the books; NULL where there is no room for one. */
static struct session *
session_place(struct master *m, const struct journal *j, uint32_t *slot)
{
	struct sessions *t = m->sessions;
	int64_t taken = slot_take(t);
	struct session *s;

	if (taken < 0) {
		errno = ENOBUFS;
		return (NULL);
	}
	*slot = (uint32_t)taken;
	s = session_make(t, *slot);
	if (s == NULL || state_journal_write(m->state, *slot, j) != 0) {
		t->free[t->nfree++] = *slot;
		return (NULL);
	}
	return (s);
}

struct session *
session_new(struct master *m, struct service *sv, const struct listener *l,
    const struct addr *peer, uint64_t now)
{
	struct journal j = {.peer = *peer,
	    .accepted = now,
	    .listener = l->id,
	    .holds_listener = l->one_at_a_time};
	struct session *s;
	uint32_t slot;

	j.session = state_new_session(m->state);
	j.since = time_wall_ns();
	j.service = sv->index;
	s = session_place(m, &j, &slot);
	if (s == NULL)
		return (NULL);
	session_begin(m, s, slot, j.session, sv);
	session_change(s, SESSION_ACCEPTS);
	s->peer = *peer;
	s->accepted = now;
	s->since = j.since;
	s->listener = l->id;
	s->holds_listener = l->one_at_a_time;
	return (s);
}

void
session_forget(struct master *m, struct session *s)
{
	struct session **p = &m->sessions->hash[s->id % HASH_SIZE];

	while (*p != NULL && *p != s)
		p = &(*p)->hash_next;
	if (*p != NULL)
		*p = s->hash_next;
}

void
session_free(struct master *m, struct session *s)
{
	struct service *sv = s->service;

	state_journal_clear(m->state, s->slot);
	session_change(s, SESSION_FREES);
	s->id = 0;
	m->sessions->free[m->sessions->nfree++] = s->slot;
	sv->sessions--;
	service_release(m, sv);
}

void
session_leave(struct session *s)
{
	if (s->state == SESSION_HELD)
		TAILQ_REMOVE(&s->service->held, s, link);
	else if (s->zygote != NULL)
		zygote_remove_session(s->zygote, s);
	s->zygote = NULL;
	session_change(s, SESSION_LEAVES);
}

void
session_join(struct master *m, struct session *s, struct zygote *z)
{
	session_leave(s);
	session_change(s, SESSION_GIVES);
	s->zygote = z;
	s->instance = zygote_instance(z);
	state_journal_instance(m->state, s->slot, s->instance);
	zygote_add_session(z, s);
}

struct session *
session_by_slot(struct master *m, uint32_t slot)
{
	struct session *s;

	if (slot >= m->sessions->high)
		return (NULL);
	s = session_at(m->sessions, slot);
	return (s == NULL || s->id == 0 || session_is_over(s) ? NULL : s);
}

struct session *
session_by_id(struct master *m, uint64_t id)
{
	struct session *s = m->sessions->hash[id % HASH_SIZE];

	while (s != NULL && s->id != id)
		s = s->hash_next;
	return (s);
}

struct session *
session_from(struct master *m, uint32_t slot)
{
	for (; slot < m->sessions->high; slot++) {
		struct session *s = session_by_slot(m, slot);

		if (s != NULL)
			return (s);
	}
	return (NULL);
}

/* One entry of the journal; false when it makes no session. */
static bool
session_inherit(struct master *m, uint32_t slot)
{
	struct service *sv;
	struct session *s;
	struct journal j;

	if (state_journal_read(m->state, slot, &j) != 0)
		return (false);
	/* Of two entries with one number, one is a dead master's garbage. */
	if (session_by_id(m, j.session) != NULL)
		return (false);
	sv = service_recall(m, j.service);
	s = session_make(m->sessions, slot);
	if (sv == NULL || s == NULL)
		die("out of memory for the sessions of an earlier master: free "
		    "some memory");
	session_begin(m, s, slot, j.session, sv);
	s->peer = j.peer;
	s->accepted = j.accepted;
	s->since = j.since;
	s->instance = j.instance;
	s->listener = j.listener;
	s->holds_listener = j.holds_listener;
	s->announced = j.announced;
	session_change(s, SESSION_INHERITS);
	claim_adopt(m, s, state_login_user(m->state, slot)[0] != '\0');
	state_see_session(m->state, j.session);
	return (true);
}

/* That slot is free no more. */
static void
slot_take_this(struct sessions *t, uint32_t slot)
{
	while (t->high <= slot)
		t->free[t->nfree++] = t->high++;
	for (uint32_t i = 0; i < t->nfree; i++) {
		if (t->free[i] != slot)
			continue;
		t->free[i] = t->free[--t->nfree];
		return;
	}
}

struct session *
session_adopt(struct master *m, uint32_t slot, const struct journal *j)
{
	struct sessions *t = m->sessions;

	if (session_by_slot(m, slot) != NULL ||
	    session_by_id(m, j->session) != NULL ||
	    state_journal_write(m->state, slot, j) != 0)
		return (NULL);
	slot_take_this(t, slot);
	if (session_inherit(m, slot))
		return (session_by_slot(m, slot));
	t->free[t->nfree++] = slot;
	return (NULL);
}

int
sessions_inherit(struct master *m)
{
	uint32_t high = state_journal_high(m->state);

	m->sessions->high = high;
	for (uint32_t slot = high; slot-- > 0;) {
		if (!session_inherit(m, slot))
			m->sessions->free[m->sessions->nfree++] = slot;
	}
	return (0);
}

enum session_table
session_in_table(const struct session *s, const struct slot_table *t,
    struct session_end *end)
{
	struct slot slot;

	*end = (struct session_end){.how = ENDED_UNKNOWN};
	if (t == NULL || slot_read(t, s->slot, &slot) != 0 ||
	    slot.session != s->id)
		return (SESSION_ABSENT);
	end->pid = slot.pid > 0 ? slot.pid : 0;
	if (atomic_load_explicit(&slot.use, memory_order_relaxed) ==
	    SLOT_RUNNING)
		return (SESSION_RUNNING);
	end->how = slot.how <= ENDED_UNKNOWN ? slot.how : ENDED_UNKNOWN;
	end->value = slot.value;
	end->killed = slot.killed;
	end->timed_out = slot.timed_out != 0;
	end->step = slot.step;
	return (SESSION_ENDED);
}
