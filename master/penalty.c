/*
 * The penalty box. Master only, unprivileged. Distrusts who tells of deeds: a
 * log reader that was taken over can name sessions of late, and no more.
 */
#include "master/penalty.h"

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"

#define LATELY 8192U /* sessions that are remembered, a power of two */

struct penalty_session {
	uint64_t id; /* 0: none */
	struct addr peer;
	uint16_t service;
};

struct penalties {
	struct policy_penalties *table; /* NULL: nobody has done anything */
	struct penalty_session lately[LATELY];
};

int
penalties_init(struct master *m)
{
	m->penalties = calloc(1, sizeof(*m->penalties));
	return (m->penalties != NULL ? 0 : ERR_NO_MEMORY);
}

/* The state's, or without room for it one that does not outlive us. */
static void
penalties_open(struct master *m, bool make)
{
	struct penalties *p = m->penalties;
	uint64_t secret[2];

	if (p->table != NULL)
		return;
	p->table = state_penalties(m->state, make);
	if (p->table == NULL && make) {
		log_warn("no room for the penalties: they will not outlive "
			 "this master");
		p->table = calloc(1, sizeof(*p->table));
	}
	if (p->table == NULL)
		return;
	arc4random_buf(secret, sizeof(secret));
	policy_penalties_init(p->table, secret);
}

void
penalties_attach(struct master *m)
{
	penalties_open(m, false);
}

void
penalties_forget(struct master *m)
{
	memset(m->penalties->lately, 0, sizeof(m->penalties->lately));
}

static void
penalty_source(
    const struct master *m, const struct addr *peer, struct prefix *out)
{
	prefix_of(out, peer, services_prefix(m, (enum family)peer->family));
}

void
penalty_remember(struct master *m, const struct session *s)
{
	m->penalties->lately[s->id & (LATELY - 1)] = (struct penalty_session){
	    .id = s->id, .peer = s->peer, .service = s->service->index};
}

void
penalty_deed(struct master *m, uint64_t session, enum deed deed)
{
	const struct penalty_session *of =
	    &m->penalties->lately[session & (LATELY - 1)];
	const struct service *sv = service_by_index(m, of->service);
	struct prefix source;

	if (of->id != session || sv == NULL || !sv->penalties)
		return;
	penalties_open(m, true);
	if (m->penalties->table == NULL)
		return;
	penalty_source(m, &of->peer, &source);
	policy_penalty_add(
	    m->penalties->table, &source, of->service, deed, time_boot_ns());
}

const struct policy_penalty *
penalty_of(const struct master *m, const struct addr *peer)
{
	struct prefix source;

	if (m->penalties->table == NULL)
		return (NULL);
	penalty_source(m, peer, &source);
	return (
	    policy_penalty_find(m->penalties->table, &source, time_boot_ns()));
}

bool
penalty_holds(const struct master *m, const struct addr *peer)
{
	return (policy_penalty_holds(penalty_of(m, peer), time_boot_ns()));
}

void
penalty_forgive(struct master *m, const struct session *s)
{
	struct prefix source;

	if (m->penalties->table == NULL)
		return;
	penalty_source(m, &s->peer, &source);
	policy_penalty_forgive(m->penalties->table, &source, time_boot_ns());
}

bool
penalty_clear(struct master *m, const struct msg_clear_penalty *msg)
{
	unsigned length =
	    msg->host ? services_prefix(m, (enum family)msg->source.family)
		      : msg->length;
	struct prefix source;

	if (m->penalties->table == NULL ||
	    length > prefix_bits(msg->source.family))
		return (false);
	prefix_of(&source, &msg->source, length);
	return (
	    policy_penalty_clear(m->penalties->table, &source, time_boot_ns()));
}

const struct policy_penalty *
penalty_at(const struct master *m, size_t i)
{
	const struct policy_penalty *p;

	if (m->penalties->table == NULL)
		return (NULL);
	p = policy_penalty_at(m->penalties->table, i, time_boot_ns());
	/* Of memory that another master left. */
	return (p != NULL && p->source.family < FAMILY_COUNT ? p : NULL);
}
