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

/* One question, and what the rules look at. */
struct limits_asked {
	struct policy_limiter *limiter;
	const struct policy_request *request;
	const struct policy_source *source;
	uint64_t now;
};

/* How much of a limit is for all alike; the rest is for who has few. */
static uint32_t
limits_shared(uint32_t limit)
{
	return (limit < POLICY_SHARED_MIN ? limit : limit - limit / 4);
}

/* What is not reserved. */
static uint32_t
limits_open_slots(const struct policy_limiter *limiter)
{
	uint32_t limit = limiter->connection_limit;

	return (limiter->reserved_slots < limit
		    ? limit - limiter->reserved_slots
		    : 0);
}

/* The same share of the rate, and one attempt of any. */
static uint32_t
limits_open_rate(const struct policy_limiter *limiter)
{
	uint64_t open = (uint64_t)limiter->rate.limit *
			limits_open_slots(limiter) / limiter->connection_limit;

	return (open > 0 ? (uint32_t)open : 1);
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

/*
 * How many in a hundred are dropped: others' connections that are not logged in
 * press, its own do not.
 */
static uint32_t
limits_early(const struct limits_asked *q)
{
	const struct policy_early *e = &q->limiter->early;
	uint32_t own = q->source != NULL ? limits_few(q->source->pending) : 0;
	uint32_t others = q->limiter->pressure - own;
	uint32_t rate = e->rate;

	if (e->full == 0 || !q->limiter->logins || others < e->start)
		return (0);
	if (others >= e->full && rate < POLICY_EARLY_MOST)
		rate = POLICY_EARLY_MOST;
	else if (rate < POLICY_EARLY_MOST)
		rate += (POLICY_EARLY_MOST - rate) * (others - e->start) /
			(e->full - e->start);
	return (rate);
}

static bool
limits_denied(const struct limits_asked *q)
{
	return (q->request->denied);
}

static bool
limits_penalty(const struct limits_asked *q)
{
	return (q->request->source != NULL && q->request->penalty);
}

static bool
limits_is_full(const struct limits_asked *q)
{
	return (q->limiter->connections >= q->limiter->connection_limit);
}

static bool
limits_is_reserved(const struct limits_asked *q)
{
	struct policy_limiter *l = q->limiter;

	if (l->reserved_slots == 0 || q->request->reserved)
		return (false);
	return (l->connections >= limits_open_slots(l));
}

static bool
limits_rate_is_reserved(const struct limits_asked *q)
{
	struct policy_limiter *l = q->limiter;

	if (l->reserved_slots == 0 || q->request->reserved)
		return (false);
	return (policy_rate_has(&l->rate, limits_open_rate(l), q->now));
}

static bool
limits_source_is_full(const struct limits_asked *q)
{
	const struct policy_limiter *l = q->limiter;

	if (q->source == NULL)
		return (false);
	if (l->source_connections != 0 &&
	    q->source->present >= l->source_connections)
		return (true);
	return (l->shares_slots && !q->request->reserved &&
		q->source->pending >= POLICY_FEW &&
		l->connections >= limits_shared(limits_open_slots(l)));
}

static bool
limits_drops_early(const struct limits_asked *q)
{
	return (q->request->source != NULL && !q->request->reserved &&
		q->request->chance < limits_early(q));
}

static bool
limits_lacks(const struct limits_asked *q)
{
	return (!q->request->resources);
}

static bool
limits_is_fast(const struct limits_asked *q)
{
	struct policy_limiter *l = q->limiter;

	return (policy_rate_has(&l->rate, l->rate.limit, q->now));
}

static bool
limits_source_is_fast(const struct limits_asked *q)
{
	struct policy_limiter *l = q->limiter;
	uint32_t open = limits_open_rate(l), shared = limits_shared(open);
	uint32_t attempts;

	if (q->source == NULL ||
	    (l->source_attempts == 0 && (!l->shares_rate || shared == open)))
		return (false);
	attempts = policy_source_attempts(q->source, q->now);
	if (l->source_attempts != 0 && attempts >= l->source_attempts)
		return (true);
	return (l->shares_rate && shared < open && !q->request->reserved &&
		attempts >= POLICY_FEW &&
		policy_rate_has(&l->rate, shared, q->now));
}

/* In the order asked. */
static const struct {
	enum policy_reason reason;
	bool (*refuses)(const struct limits_asked *q);
} limits_rules[] = {
    {REASON_ACCESS, limits_denied},
    {REASON_PENALTY, limits_penalty},
    {REASON_CONNECTION_LIMIT, limits_is_full},
    {REASON_RESERVED, limits_is_reserved},
    {REASON_SOURCE_LIMIT, limits_source_is_full},
    {REASON_EARLY_DROP, limits_drops_early},
    {REASON_NO_RESOURCES, limits_lacks},
    {REASON_RATE_LIMIT, limits_is_fast},
    {REASON_RESERVED, limits_rate_is_reserved},
    {REASON_SOURCE_RATE, limits_source_is_fast},
};
#define LIMITS_RULES (sizeof(limits_rules) / sizeof(limits_rules[0]))

static enum policy_reason
limits_reason(struct policy_limiter *limiter,
    const struct policy_request *request, uint64_t now)
{
	struct limits_asked q = {
	    .limiter = limiter, .request = request, .now = now};

	q.source = limits_source(limiter, request->source);
	for (size_t i = 0; i < LIMITS_RULES; i++) {
		if (limits_rules[i].refuses(&q))
			return (limits_rules[i].reason);
	}
	return (REASON_NONE);
}

static struct policy_finding *
limits_finding(
    struct policy_explanation *out, unsigned *n, enum policy_reason rule)
{
	for (unsigned i = 0; i < *n; i++) {
		if (out->rules[i].rule == rule)
			return (&out->rules[i]);
	}
	out->rules[*n] = (struct policy_finding){.rule = rule};
	return (&out->rules[(*n)++]);
}

void
policy_limits_explain(struct policy_limiter *limiter,
    const struct policy_request *request, uint64_t now,
    struct policy_explanation *out)
{
	struct limits_asked q = {.limiter = limiter,
	    .request = request,
	    .source = limits_source(limiter, request->source),
	    .now = now};
	unsigned n = 0;

	*out = (struct policy_explanation){.early = limits_early(&q)};
	for (size_t i = 0; i < LIMITS_RULES; i++) {
		enum policy_reason rule = limits_rules[i].reason;

		if (rule == REASON_NO_RESOURCES)
			continue;
		limits_finding(out, &n, rule)->refuses |=
		    limits_rules[i].refuses(&q);
	}
	if (q.source != NULL) {
		out->present = q.source->present;
		out->pending = q.source->pending;
		out->attempts = policy_source_attempts(q.source, now);
	}
	out->slots_shared = limits_shared(limits_open_slots(limiter));
	out->rate_shared = limits_shared(limits_open_rate(limiter));
}

/* The source holds one more; where there is no room for it, nobody counts. */
static struct policy_source *
limits_hold(struct policy_limiter *limiter, const struct addr *addr,
    bool pending, uint64_t now)
{
	struct policy_source *source;

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
		limiter->connections += limiter->connections < UINT32_MAX;
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
	limiter->connections += limiter->connections < UINT32_MAX;
	limits_hold(limiter, addr, pending, now);
}

void
policy_limits_recount(struct policy_limiter *limiter, const struct addr *addr,
    bool pending, uint64_t now)
{
	limits_hold(limiter, addr, pending, now);
}
