/* The penalty box; policy/penalty.h says what holds. Master. Pure. */
#include "policy/penalty.h"

#include <string.h>

#include "policy/hash.h"

#define SECOND UINT64_C(1000000000)

void
policy_penalties_init(struct policy_penalties *table, const uint64_t secret[2])
{
	if (table->secret[0] == 0)
		memcpy(table->secret, secret, sizeof(table->secret));
}

/* What a master that died may have left can last no longer than this. */
static uint64_t
penalty_until(const struct policy_penalty *p, uint64_t now)
{
	uint64_t most = now + POLICY_PENALTY_MOST * SECOND;

	return (p->until < most ? p->until : most);
}

static struct policy_penalty *
penalty_set(const struct policy_penalties *table, const struct prefix *source)
{
	uint64_t hash = policy_hash(table->secret, source->bytes,
	    (uint32_t)source->length << 1 | source->family);
	size_t set = hash & (POLICY_PENALTY_SETS - 1);

	return (
	    (struct policy_penalty *)&table->entry[set * POLICY_PENALTY_WAYS]);
}

static struct policy_penalty *
penalty_in(struct policy_penalty *set, const struct prefix *source)
{
	for (unsigned i = 0; i < POLICY_PENALTY_WAYS; i++) {
		if (set[i].source.length != 0 &&
		    prefix_equal(&set[i].source, source))
			return (&set[i]);
	}
	return (NULL);
}

/* The place that is given up first. */
static struct policy_penalty *
penalty_place(struct policy_penalty *set)
{
	struct policy_penalty *found = &set[0];

	for (unsigned i = 0; i < POLICY_PENALTY_WAYS; i++) {
		if (set[i].source.length == 0)
			return (&set[i]);
		if (set[i].until < found->until)
			found = &set[i];
	}
	return (found);
}

void
policy_penalty_add(struct policy_penalties *table, const struct prefix *source,
    uint16_t service, enum deed deed, uint64_t now)
{
	struct policy_penalty *set = penalty_set(table, source);
	struct policy_penalty *p = penalty_in(set, source);
	uint64_t most = now + POLICY_PENALTY_MOST * SECOND;

	if (p == NULL) {
		p = penalty_place(set);
		*p = (struct policy_penalty){.source = *source};
	}
	if (p->until <= now) {
		p->until = now;
		p->deeds = 0;
		p->in_force = false;
	}
	p->until = penalty_until(p, now) + deed_seconds(deed) * SECOND;
	if (p->until > most)
		p->until = most;
	p->deeds += p->deeds < UINT32_MAX;
	p->service = service;
	p->deed = (uint8_t)deed;
	if (policy_penalty_seconds(p, now) >= POLICY_PENALTY_LEAST)
		p->in_force = true;
}

const struct policy_penalty *
policy_penalty_find(const struct policy_penalties *table,
    const struct prefix *source, uint64_t now)
{
	const struct policy_penalty *p =
	    penalty_in(penalty_set(table, source), source);

	return (p != NULL && p->until > now ? p : NULL);
}

bool
policy_penalty_holds(const struct policy_penalty *penalty, uint64_t now)
{
	return (penalty != NULL && penalty->in_force && penalty->until > now);
}

uint32_t
policy_penalty_seconds(const struct policy_penalty *penalty, uint64_t now)
{
	uint64_t until = penalty_until(penalty, now);

	return (until <= now ? 0 : (uint32_t)((until - now - 1) / SECOND + 1));
}

void
policy_penalty_forgive(
    struct policy_penalties *table, const struct prefix *source, uint64_t now)
{
	struct policy_penalty *p =
	    penalty_in(penalty_set(table, source), source);

	if (p == NULL || p->until <= now ||
	    (p->forgiven != 0 && p->forgiven <= now &&
		now - p->forgiven < POLICY_FORGIVE_EVERY * SECOND))
		return;
	p->until = p->forgiven = now;
	p->in_force = false;
	p->deeds = 0;
}

bool
policy_penalty_clear(
    struct policy_penalties *table, const struct prefix *source, uint64_t now)
{
	struct policy_penalty *p =
	    penalty_in(penalty_set(table, source), source);
	bool found = p != NULL && p->until > now;

	if (p != NULL)
		memset(p, 0, sizeof(*p));
	return (found);
}

const struct policy_penalty *
policy_penalty_at(const struct policy_penalties *table, size_t i, uint64_t now)
{
	const struct policy_penalty *p = &table->entry[i];

	return (p->source.length != 0 && p->until > now ? p : NULL);
}
