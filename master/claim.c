/*
 * Sessions and limits. Master only, unprivileged. Who is exempt from what one
 * source may have is asked once: a session gives back what it took.
 */
#include "master/claim.h"

#include <bsd/stdlib.h>

/* NULL: exempt. Of this host's own connections none crowds out another's. */
static const struct addr *
claim_source(const struct addr *peer, bool source)
{
	return (source && !addr_is_loopback(peer) ? peer : NULL);
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

struct policy_verdict
claim_ask(struct service *sv, const struct addr *peer, bool resources,
    bool source, uint64_t now)
{
	struct policy_limiter *limiter = &sv->limiter[peer->family];
	struct policy_request request = {.configured = true,
	    .resources = resources,
	    .source = claim_source(peer, source),
	    .chance = claim_chance(limiter)};

	return (policy_limits_ask(limiter, &request, now));
}

void
claim_take(struct session *s, bool source)
{
	s->claim.source = claim_source(&s->peer, source) != NULL;
	s->claim.pending = true;
}

void
claim_adopt(struct session *s, bool user)
{
	claim_take(s, !s->holds_listener);
	s->claim.pending = !user;
	policy_limits_adopt(
	    claim_limiter(s), claim_of(s), s->claim.pending, s->accepted);
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
claim_undo_peer(
    struct service *sv, const struct addr *peer, bool source, uint64_t now)
{
	policy_limits_undo(
	    &sv->limiter[peer->family], claim_source(peer, source), now);
}
