/*
 * Option negotiation (RFC 855, RFC 1143). Pure; in the telnet worker, without
 * privilege. Distrusts every request; option numbers are bytes and index
 * tables of 256. Never answers an answer.
 */
#include "workers/telnet/options.h"

#include <string.h>

/* What is answered when the peer asks; what we offer is in offers[]. */
enum policy { REFUSE, ACCEPT, MARK };

static const uint8_t policies[TELNET_SIDES][256] = {
    [TELNET_US] =
	{
	    [TELNET_OPT_BINARY] = ACCEPT,
	    [TELNET_OPT_ECHO] = ACCEPT,
	    [TELNET_OPT_SGA] = ACCEPT,
	    [TELNET_OPT_STATUS] = ACCEPT,
	    [TELNET_OPT_TIMING_MARK] = MARK,
	    [TELNET_OPT_LOGOUT] = ACCEPT,
	},
    [TELNET_PEER] =
	{
	    [TELNET_OPT_BINARY] = ACCEPT,
	    [TELNET_OPT_SGA] = ACCEPT,
	    [TELNET_OPT_LOGOUT] = ACCEPT,
	    [TELNET_OPT_TTYPE] = ACCEPT,
	    [TELNET_OPT_NAWS] = ACCEPT,
	    [TELNET_OPT_LFLOW] = ACCEPT,
	    [TELNET_OPT_NEW_ENVIRON] = ACCEPT,
	},
};

/*
 * Asked at the start, in this order: character mode comes first. BINARY and
 * LOGOUT are not: RFC 727's DO would ask the peer to end its own session.
 */
static const struct {
	uint8_t side, option;
} offers[] = {
    {TELNET_US, TELNET_OPT_SGA},
    {TELNET_US, TELNET_OPT_ECHO},
    {TELNET_PEER, TELNET_OPT_SGA},
    {TELNET_PEER, TELNET_OPT_TTYPE},
    {TELNET_PEER, TELNET_OPT_NAWS},
    {TELNET_PEER, TELNET_OPT_NEW_ENVIRON},
    {TELNET_PEER, TELNET_OPT_LFLOW},
    {TELNET_US, TELNET_OPT_STATUS},
};

enum event { HEAR_ON, HEAR_OFF, WISH_ON, WISH_OFF, EVENTS };
enum say { NOTHING, SAY_ON, SAY_OFF };

struct rule {
	uint8_t next, say;
};

/* RFC 1143, 7, for an option that we accept. */
static const struct rule rules[TELNET_STATES][EVENTS] = {
    [TELNET_ST_NO] =
	{
	    [HEAR_ON] = {TELNET_ST_YES, SAY_ON},
	    [HEAR_OFF] = {TELNET_ST_NO, NOTHING},
	    [WISH_ON] = {TELNET_ST_WANT_YES, SAY_ON},
	    [WISH_OFF] = {TELNET_ST_NO, NOTHING},
	},
    [TELNET_ST_YES] =
	{
	    [HEAR_ON] = {TELNET_ST_YES, NOTHING},
	    [HEAR_OFF] = {TELNET_ST_NO, SAY_OFF},
	    [WISH_ON] = {TELNET_ST_YES, NOTHING},
	    [WISH_OFF] = {TELNET_ST_WANT_NO, SAY_OFF},
	},
    [TELNET_ST_WANT_NO] =
	{
	    [HEAR_ON] = {TELNET_ST_NO, NOTHING},
	    [HEAR_OFF] = {TELNET_ST_NO, NOTHING},
	    [WISH_ON] = {TELNET_ST_WANT_NO_THEN_YES, NOTHING},
	    [WISH_OFF] = {TELNET_ST_WANT_NO, NOTHING},
	},
    [TELNET_ST_WANT_NO_THEN_YES] =
	{
	    [HEAR_ON] = {TELNET_ST_YES, NOTHING},
	    [HEAR_OFF] = {TELNET_ST_WANT_YES, SAY_ON},
	    [WISH_ON] = {TELNET_ST_WANT_NO_THEN_YES, NOTHING},
	    [WISH_OFF] = {TELNET_ST_WANT_NO, NOTHING},
	},
    [TELNET_ST_WANT_YES] =
	{
	    [HEAR_ON] = {TELNET_ST_YES, NOTHING},
	    [HEAR_OFF] = {TELNET_ST_NO, NOTHING},
	    [WISH_ON] = {TELNET_ST_WANT_YES, NOTHING},
	    [WISH_OFF] = {TELNET_ST_WANT_YES_THEN_NO, NOTHING},
	},
    [TELNET_ST_WANT_YES_THEN_NO] =
	{
	    [HEAR_ON] = {TELNET_ST_WANT_NO, SAY_OFF},
	    [HEAR_OFF] = {TELNET_ST_NO, NOTHING},
	    [WISH_ON] = {TELNET_ST_WANT_YES, NOTHING},
	    [WISH_OFF] = {TELNET_ST_WANT_YES_THEN_NO, NOTHING},
	},
};

static const uint8_t verbs[TELNET_SIDES][3] = {
    [TELNET_US] = {0, TELNET_CMD_WILL, TELNET_CMD_WONT},
    [TELNET_PEER] = {0, TELNET_CMD_DO, TELNET_CMD_DONT},
};

void
telnet_options_init(struct telnet_options *o)
{
	memset(o, 0, sizeof(*o));
}

/* The one place where a state changes. */
static uint8_t
options_step(struct telnet_options *o, enum telnet_side side, uint8_t option,
    enum event event)
{
	const struct rule *r = &rules[o->state[side][option]][event];

	o->state[side][option] = r->next;
	return (verbs[side][r->say]);
}

/* A refusal is said once; whoever asks again has had the answer. */
static uint8_t
options_refuse(struct telnet_options *o, enum telnet_side side, uint8_t option)
{
	if (o->refused[side][option])
		return (0);
	o->refused[side][option] = true;
	return (verbs[side][SAY_OFF]);
}

uint8_t
telnet_options_receive(struct telnet_options *o, uint8_t verb, uint8_t option,
    enum telnet_side *side, enum telnet_change *change)
{
	bool on = verb == TELNET_CMD_WILL || verb == TELNET_CMD_DO;
	bool was, is;
	uint8_t answer;

	*side = verb == TELNET_CMD_DO || verb == TELNET_CMD_DONT ? TELNET_US
								 : TELNET_PEER;
	*change = TELNET_SAME;
	switch (policies[*side][option]) {
	case REFUSE:
		return (on ? options_refuse(o, *side, option) : 0);
	case MARK:
		return (on ? verbs[*side][SAY_ON] : 0);
	default:
		break;
	}
	was = telnet_options_is_on(o, *side, option);
	answer = options_step(o, *side, option, on ? HEAR_ON : HEAR_OFF);
	is = telnet_options_is_on(o, *side, option);
	if (was != is)
		*change = is ? TELNET_ON : TELNET_OFF;
	return (answer);
}

uint8_t
telnet_options_ask(
    struct telnet_options *o, enum telnet_side side, uint8_t option, bool on)
{
	uint8_t policy = policies[side][option];

	if (policy == REFUSE || policy == MARK)
		return (0);
	return (options_step(o, side, option, on ? WISH_ON : WISH_OFF));
}

uint8_t
telnet_options_offer(struct telnet_options *o, unsigned *at, uint8_t *option)
{
	uint8_t verb = 0;

	while (verb == 0 && *at < sizeof(offers) / sizeof(offers[0])) {
		*option = offers[*at].option;
		verb = telnet_options_ask(o, offers[*at].side, *option, true);
		++*at;
	}
	return (verb);
}

bool
telnet_options_is_on(
    const struct telnet_options *o, enum telnet_side side, uint8_t option)
{
	return (o->state[side][option] == TELNET_ST_YES);
}

bool
telnet_options_settled(const struct telnet_options *o)
{
	for (int side = 0; side < TELNET_SIDES; side++) {
		for (int option = 0; option < 256; option++) {
			if (o->state[side][option] > TELNET_ST_YES)
				return (false);
		}
	}
	return (true);
}
