/*
 * Sessions and limits. Master only, unprivileged. Who is exempt from what one
 * source may have is asked once: a session gives back what it took.
 */
#include "master/claim.h"

#include <bsd/stdlib.h>

#include "master/penalty.h"

/* NULL: exempt. */
static const struct addr *
claim_source(const struct master *m, const struct addr *peer, bool source)
{
	if (!source || policy_prefixes_find(services_exempt(m), peer) != NULL)
		return (NULL);
	return (peer);
}

static const struct addr *
claim_of(const struct session *s)
{
	return (s->claim.source ? &s->peer : NULL);
}

static struct policy_limiter *
claim_limiter(const struct session *s)
{
	return (&s->service->limiter[s->peer.family]);
}

/* Drawn only where it decides something: it costs a call. */
static uint8_t
claim_chance(const struct policy_limiter *limiter)
{
	const struct policy_early *e = &limiter->early;

	if (e->full == 0 || limiter->pressure < e->start)
		return (0);
	return ((uint8_t)arc4random_uniform(100));
}

static struct policy_request
claim_request(const struct master *m, const struct service *sv,
    const struct addr *peer, bool source)
{
	struct policy_request request = {.resources = true,
	    .denied = !policy_access_allows(&sv->access, peer, NULL),
	    .source = claim_source(m, peer, source)};

	if (request.source != NULL && sv->penalties)
		request.penalty = penalty_holds(m, peer);
	request.reserved = policy_prefixes_find(&sv->reserved, peer) != NULL;
	return (request);
}

struct policy_verdict
claim_ask(struct master *m, struct service *sv, const struct addr *peer,
    bool resources, bool source, uint64_t now)
{
	struct policy_limiter *limiter = &sv->limiter[peer->family];
	struct policy_request request = claim_request(m, sv, peer, source);

	request.resources = resources;
	request.chance = claim_chance(limiter);
	return (policy_limits_ask(limiter, &request, now));
}

void
claim_explain(struct master *m, struct service *sv, const struct addr *peer,
    uint64_t now, struct policy_explanation *out)
{
	struct policy_request request = claim_request(m, sv, peer, true);

	request.chance = 99;
	policy_limits_explain(&sv->limiter[peer->family], &request, now, out);
}

void
claim_take(struct master *m, struct session *s, bool source)
{
	s->claim.source = claim_source(m, &s->peer, source) != NULL;
	s->claim.pending = true;
	if (s->claim.source)
		penalty_remember(m, s);
}

void
claim_adopt(struct master *m, struct session *s, bool user)
{
	claim_take(m, s, !s->holds_listener);
	s->claim.pending = !user;
	policy_limits_adopt(
	    claim_limiter(s), claim_of(s), s->claim.pending, s->accepted);
}

void
claim_recount(struct master *m)
{
	penalties_forget(m);
	for (struct session *s = session_from(m, 0); s != NULL;
	     s = session_from(m, s->slot + 1)) {
		if (session_is_over(s))
			continue;
		s->claim.source =
		    claim_source(m, &s->peer, !s->holds_listener) != NULL;
		if (s->claim.source)
			penalty_remember(m, s);
		policy_limits_recount(claim_limiter(s), claim_of(s),
		    s->claim.pending, s->accepted);
	}
}

void
claim_login(struct session *s)
{
	if (s->claim.pending)
		policy_limits_login(claim_limiter(s), claim_of(s));
	s->claim.pending = false;
}

void
claim_end(struct session *s)
{
	policy_limits_end(claim_limiter(s), claim_of(s), s->claim.pending);
}

void
claim_undo(struct session *s)
{
	policy_limits_undo(claim_limiter(s), claim_of(s), s->accepted);
}

void
claim_undo_peer(struct master *m, struct service *sv, const struct addr *peer,
    bool source, uint64_t now)
{
	policy_limits_undo(
	    &sv->limiter[peer->family], claim_source(m, peer, source), now);
}
