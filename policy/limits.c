/*
 * connection-limit, rate-limit, and what one source may have of them;
 * policy/limits.h says what holds. Runs in the master, without privilege. Pure.
 */
#include "policy/limits.h"

static struct policy_source *
limits_source(const struct policy_limiter *limiter, const struct addr *source)
{
	if (limiter->sources == NULL || source == NULL)
		return (NULL);
	return (policy_source_find(limiter->sources, limiter->service, source));
}

/* How much of a limit is for all alike; the rest is for who has few. */
static uint32_t
limits_shared(uint32_t limit)
{
	return (limit < POLICY_SHARED_MIN ? limit : limit - limit / 4);
}

static bool
limits_source_is_full(
    const struct policy_limiter *limiter, const struct policy_source *source)
{
	return (
	    limiter->shares_slots && source != NULL &&
	    source->pending >= POLICY_FEW &&
	    limiter->connections >= limits_shared(limiter->connection_limit));
}

static bool
limits_source_is_fast(struct policy_limiter *limiter,
    const struct policy_source *source, uint64_t now)
{
	uint32_t shared = limits_shared(limiter->rate.limit);

	return (limiter->shares_rate && source != NULL &&
		shared < limiter->rate.limit &&
		policy_source_attempts(source, now) >= POLICY_FEW &&
		policy_rate_has(&limiter->rate, shared, now));
}

static uint32_t
limits_few(uint32_t pending)
{
	return (pending < POLICY_FEW ? pending : POLICY_FEW);
}

/* As many of a source's connections are not logged in. */
static void
limits_set_pending(struct policy_limiter *limiter, struct policy_source *source,
    uint32_t pending)
{
	limiter->pressure += limits_few(pending);
	limiter->pressure -= limits_few(source->pending);
	source->pending = pending;
}

/* Others' connections that are not logged in press; its own do not. */
static bool
limits_drops_early(const struct policy_limiter *limiter,
    const struct policy_source *source, uint8_t chance)
{
	const struct policy_early *e = &limiter->early;
	uint32_t own = source != NULL ? limits_few(source->pending) : 0;
	uint32_t others = limiter->pressure - own;
	uint32_t rate = e->rate;

	if (e->full == 0 || !limiter->logins || others < e->start)
		return (false);
	if (others >= e->full)
		rate = POLICY_EARLY_MOST;
	else if (rate < POLICY_EARLY_MOST)
		rate += (POLICY_EARLY_MOST - rate) * (others - e->start) /
			(e->full - e->start);
	return (chance < rate);
}

static enum policy_reason
limits_reason(struct policy_limiter *limiter,
    const struct policy_request *request, uint64_t now)
{
	const struct policy_source *source;

	if (!request->configured)
		return (REASON_NOT_CONFIGURED);
	if (limiter->connections >= limiter->connection_limit)
		return (REASON_CONNECTION_LIMIT);
	source = limits_source(limiter, request->source);
	if (limits_source_is_full(limiter, source))
		return (REASON_SOURCE_LIMIT);
	if (request->source != NULL &&
	    limits_drops_early(limiter, source, request->chance))
		return (REASON_EARLY_DROP);
	if (!request->resources)
		return (REASON_NO_RESOURCES);
	if (policy_rate_has(&limiter->rate, limiter->rate.limit, now))
		return (REASON_RATE_LIMIT);
	if (limits_source_is_fast(limiter, source, now))
		return (REASON_SOURCE_RATE);
	return (REASON_NONE);
}

/* The source holds one more; where there is no room for it, nobody counts. */
static struct policy_source *
limits_hold(struct policy_limiter *limiter, const struct addr *addr,
    bool pending, uint64_t now)
{
	struct policy_source *source;

	limiter->connections += limiter->connections < UINT32_MAX;
	if (limiter->sources == NULL || addr == NULL)
		return (NULL);
	source =
	    policy_source_make(limiter->sources, limiter->service, addr, now);
	if (source != NULL) {
		source->present++;
		limits_set_pending(limiter, source, source->pending + pending);
	}
	return (source);
}

struct policy_verdict
policy_limits_ask(struct policy_limiter *limiter,
    const struct policy_request *request, uint64_t now)
{
	enum policy_reason reason = limits_reason(limiter, request, now);
	struct policy_source *source;

	if (reason == REASON_NONE && !policy_rate_take(&limiter->rate, now))
		reason = REASON_RATE_LIMIT;
	if (reason == REASON_NONE) {
		source = limits_hold(limiter, request->source, true, now);
		if (source != NULL)
			policy_source_add(source, now);
	}
	return (policy_verdict_make(reason));
}

void
policy_limits_login(struct policy_limiter *limiter, const struct addr *addr)
{
	struct policy_source *source = limits_source(limiter, addr);

	if (source != NULL && source->pending > 0)
		limits_set_pending(limiter, source, source->pending - 1);
}

void
policy_limits_end(
    struct policy_limiter *limiter, const struct addr *addr, bool pending)
{
	struct policy_source *source = limits_source(limiter, addr);

	limiter->connections -= limiter->connections > 0;
	if (pending)
		policy_limits_login(limiter, addr);
	if (source != NULL)
		source->present -= source->present > 0;
}

void
policy_limits_undo(
    struct policy_limiter *limiter, const struct addr *addr, uint64_t now)
{
	struct policy_source *source = limits_source(limiter, addr);

	policy_limits_end(limiter, addr, true);
	policy_rate_give_back(&limiter->rate, now);
	if (source != NULL)
		policy_source_give_back(source, now);
}

void
policy_limits_adopt(struct policy_limiter *limiter, const struct addr *addr,
    bool pending, uint64_t now)
{
	limits_hold(limiter, addr, pending, now);
}
