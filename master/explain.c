/*
 * Why an address would be served, or would not. Master only, unprivileged. It
 * asks the rules that every connection is asked, and changes nothing.
 */
#include "master/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "master/claim.h"
#include "master/penalty.h"
#include "master/service.h"

/* One answer, and what its sentences say. */
struct explain {
	struct master *m;
	const struct service *sv;
	const struct policy_limiter *limiter;
	const struct addr *peer;
	bool exempt;
	struct policy_explanation of;
};

static void explain_say(char *to, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
explain_say(char *to, const char *format, ...)
{
	const struct msg_row_rule *row = NULL;
	va_list ap;

	va_start(ap, format);
	vsnprintf(to, sizeof(row->detail), format, ap);
	va_end(ap);
}

static void
explain_access(const struct explain *e, char *to)
{
	const struct prefix *by;
	char text[PREFIX_TEXT_MAX];
	bool allowed = policy_access_allows(&e->sv->access, e->peer, &by);

	if (by != NULL)
		explain_say(to, "%s %s",
		    allowed ? "allow-source" : "deny-source",
		    prefix_text(by, text));
	else
		explain_say(to, "%s",
		    allowed ? "no network of a list has it"
			    : "no network of allow-source has it");
}

static void
explain_penalty(const struct explain *e, char *to)
{
	const struct policy_penalty *p = penalty_of(e->m, e->peer);
	uint64_t now = time_boot_ns();
	uint32_t left;

	if (e->exempt || !e->sv->penalties || p == NULL) {
		explain_say(to, "%s",
		    e->exempt	       ? "exempt"
		    : e->sv->penalties ? "none"
				       : "off");
		return;
	}
	left = policy_penalty_seconds(p, now);
	if (policy_penalty_holds(p, now))
		explain_say(to, "%u s (%u failure%s)", left, p->deeds,
		    p->deeds == 1 ? "" : "s");
	else
		explain_say(to, "%u s (%u failure%s); from %u s on, refused",
		    left, p->deeds, p->deeds == 1 ? "" : "s",
		    POLICY_PENALTY_LEAST);
}

static void
explain_slots(const struct explain *e, char *to)
{
	explain_say(to, "%u of %u", e->limiter->connections,
	    e->limiter->connection_limit);
}

static void
explain_reserved(const struct explain *e, char *to)
{
	if (e->limiter->reserved_slots == 0)
		explain_say(to, "nothing is reserved");
	else if (policy_prefixes_find(&e->sv->reserved, e->peer) != NULL)
		explain_say(to, "the last %u of %u are for it",
		    e->limiter->reserved_slots, e->limiter->connection_limit);
	else
		explain_say(to, "the last %u of %u are for others",
		    e->limiter->reserved_slots, e->limiter->connection_limit);
}

static void
explain_source_limit(const struct explain *e, char *to)
{
	const struct policy_limiter *l = e->limiter;
	const char *held = l->logins ? "not logged in" : "connected";
	char own[48] = "";

	if (l->source_connections != 0)
		snprintf(own, sizeof(own), "; %u of %u connected",
		    e->of.present, l->source_connections);
	if (e->exempt)
		explain_say(to, "exempt");
	else if (!l->shares_slots ||
		 e->of.slots_shared >= l->connection_limit - l->reserved_slots)
		explain_say(to, "%u %s%s", e->of.pending, held, own);
	else
		explain_say(to, "%u %s; from %u of %u on, fewer than %u%s",
		    e->of.pending, held, e->of.slots_shared,
		    l->connection_limit, POLICY_FEW, own);
}

static void
explain_early(const struct explain *e, char *to)
{
	if (e->exempt || e->limiter->early.full == 0 || !e->limiter->logins)
		explain_say(to, "%s", e->exempt ? "exempt" : "off");
	else if (e->of.early == 0)
		explain_say(to, "%u not logged in; from %u on, %u in 100",
		    e->limiter->pressure, e->limiter->early.start,
		    e->limiter->early.rate);
	else
		explain_say(to, "%u not logged in: %u in 100 are refused",
		    e->limiter->pressure, e->of.early);
}

/* How many attempts the window has: the most that it has so many of. */
static uint32_t
explain_attempts(const struct explain *e)
{
	struct policy_limiter *l =
	    (struct policy_limiter *)&e->sv->limiter[e->peer->family];
	uint32_t low = 0, high = l->rate.limit;

	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		if (policy_rate_has(&l->rate, middle, time_boot_ns()))
			low = middle;
		else
			high = middle - 1;
	}
	return (low);
}

static void
explain_rate(const struct explain *e, char *to)
{
	explain_say(to, "%u of %u in 60 s", explain_attempts(e),
	    e->limiter->rate.limit);
}

static void
explain_source_rate(const struct explain *e, char *to)
{
	const struct policy_limiter *l = e->limiter;
	char own[48] = "";

	if (l->source_attempts != 0)
		snprintf(own, sizeof(own), "; at most %u", l->source_attempts);
	if (e->exempt)
		explain_say(to, "exempt");
	else if (!l->shares_rate || e->of.rate_shared >= l->rate.limit)
		explain_say(to, "%u in 60 s%s", e->of.attempts, own);
	else
		explain_say(to, "%u in 60 s; from %u of %u on, fewer than %u%s",
		    e->of.attempts, e->of.rate_shared, l->rate.limit,
		    POLICY_FEW, own);
}

static void
explain_detail(const struct explain *e, enum policy_reason rule, char *to)
{
	static const struct {
		enum policy_reason rule;
		void (*say)(const struct explain *e, char *to);
	} rules[] = {
	    {REASON_ACCESS, explain_access},
	    {REASON_PENALTY, explain_penalty},
	    {REASON_CONNECTION_LIMIT, explain_slots},
	    {REASON_RESERVED, explain_reserved},
	    {REASON_SOURCE_LIMIT, explain_source_limit},
	    {REASON_EARLY_DROP, explain_early},
	    {REASON_RATE_LIMIT, explain_rate},
	    {REASON_SOURCE_RATE, explain_source_rate},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].rule == rule)
			rules[i].say(e, to);
	}
}

static struct service *
explain_service(struct master *m, const struct msg_explain *ask)
{
	struct service *sv;

	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		sv = service_by_number(m, i);
		if (sv != NULL && strcmp(sv->name, ask->service) == 0)
			return (sv);
	}
	return (NULL);
}

bool
explain_knows(struct master *m, const struct msg_explain *ask)
{
	return (explain_service(m, ask) != NULL &&
		ask->address.family < FAMILY_COUNT);
}

/* The first rule that refuses, in the order asked. */
static void
explain_verdict(const struct explain *e, struct msg_row_rule *row)
{
	for (unsigned i = 0; i < POLICY_RULES && !row->refuses; i++) {
		const struct policy_finding *f = &e->of.rules[i];

		if (!f->refuses)
			continue;
		row->refuses = true;
		snprintf(row->detail, sizeof(row->detail), "%s",
		    policy_reason_text(f->rule));
	}
}

/* When its penalty is over: the command says it, which may read zone files. */
static uint64_t
explain_until(const struct explain *e)
{
	const struct policy_penalty *p = penalty_of(e->m, e->peer);
	uint64_t left;

	left = p != NULL ? policy_penalty_seconds(p, time_boot_ns()) : 0;
	return (time_wall_ns() + left * UINT64_C(1000000000));
}

static void
explain_row(const struct explain *e, unsigned at, struct msg_row_rule *row)
{
	const struct policy_finding *f;

	memset(row, 0, sizeof(*row));
	if (at == 0) {
		explain_verdict(e, row);
		return;
	}
	f = &e->of.rules[at - 1];
	snprintf(
	    row->rule, sizeof(row->rule), "%s", policy_reason_text(f->rule));
	row->refuses = f->refuses;
	if (f->rule == REASON_PENALTY && f->refuses)
		row->until = explain_until(e);
	explain_detail(e, f->rule, row->detail);
}

int
explain_send(struct client *c)
{
	struct master *m = c->master;
	struct service *sv = explain_service(m, &c->explain);
	struct explain e = {.m = m, .sv = sv, .peer = &c->explain.address};
	struct msg_row_rule row;
	int err;

	if (sv == NULL)
		return (0); /* it went between two rows */
	e.limiter = &sv->limiter[e.peer->family];
	e.exempt = policy_prefixes_find(services_exempt(m), e.peer) != NULL;
	claim_explain(m, sv, e.peer, time_boot_ns(), &e.of);
	for (; c->at <= POLICY_RULES; c->at++) {
		explain_row(&e, c->at, &row);
		err = ipc_send(&c->channel, MSG_ROW_RULE, &row, NULL, 0);
		if (err != 0)
			return (err);
	}
	return (0);
}
