/*
 * A telnet connection's start, its output and what is known of its peer. Pure;
 * in the telnet worker, without privilege. What a peer that does not read can
 * make us hold is the queue, and no more.
 */
#include "workers/telnet/private.h"

#include <string.h>

#include "lib/err.h"

_Static_assert(TELNET_RESERVE >= 2 * TELNET_ANSWER_ROOM,
    "answers have room while output fills its part");
_Static_assert(TELNET_QUEUE_MIN >= 2 * TELNET_RESERVE,
    "output has room beside the reserve");

int
telnet_init(struct telnet *t, uint8_t *queue, size_t size)
{
	struct telnet_reply reply = {0};
	unsigned at = 0;
	uint8_t verb, option;

	if (size < TELNET_QUEUE_MIN)
		return (ERR_VALUE);
	memset(t, 0, sizeof(*t));
	telnet_options_init(&t->options);
	telnet_parser_init(&t->parser);
	telnet_ring_init(&t->ring, queue, size);
	telnet_peer_init(&t->peer);
	while ((verb = telnet_options_offer(&t->options, &at, &option)) != 0)
		telnet_reply_request(&reply, verb, option);
	return (
	    telnet_encode_command(&t->encoder, &t->ring, reply.bytes, reply.n));
}

void
telnet_say(struct telnet *t, const struct telnet_reply *reply)
{
	if (reply->n > 0 && !reply->cut)
		(void)telnet_encode_command(
		    &t->encoder, &t->ring, reply->bytes, reply->n);
}

/* One Synch in the queue says all that a second could. */
void
telnet_flush(struct telnet *t)
{
	static const uint8_t mark[2] = {TELNET_CMD_IAC, TELNET_CMD_DM};

	telnet_ring_drop_data(&t->ring);
	if (t->ring.urgent == 0 &&
	    telnet_encode_command(&t->encoder, &t->ring, mark, 2) == 0)
		telnet_ring_mark_urgent(&t->ring);
}

/* Without room there is enough on its way that needs an answer. */
void
telnet_probe(struct telnet *t)
{
	static const uint8_t nop[2] = {TELNET_CMD_IAC, TELNET_CMD_NOP};

	(void)telnet_encode_command(&t->encoder, &t->ring, nop, 2);
}

bool
telnet_can_answer(const struct telnet *t)
{
	return (telnet_ring_room(&t->ring) >= TELNET_ANSWER_ROOM);
}

void
telnet_tell_flow(struct telnet *t)
{
	struct telnet_reply reply = {0};

	if (!telnet_can_answer(t))
		return;
	telnet_subopt_flow(&t->peer, &t->options, &reply);
	telnet_say(t, &reply);
}

void
telnet_urgent(struct telnet *t)
{
	t->synch = true;
}

/* Free bytes that output may take. */
static size_t
telnet_output_room(const struct telnet *t)
{
	size_t room = telnet_ring_room(&t->ring);

	return (room > TELNET_RESERVE ? room - TELNET_RESERVE : 0);
}

size_t
telnet_output(struct telnet *t, const uint8_t *p, size_t n)
{
	return (
	    telnet_encode(&t->encoder, &t->ring, p, n, telnet_output_room(t)));
}

/* Two bytes for each at worst, and a NUL that an earlier CR still needs. */
size_t
telnet_room(const struct telnet *t)
{
	size_t room = telnet_output_room(t);

	return (room > 1 ? (room - 1) / 2 : 0);
}

size_t
telnet_pending(const struct telnet *t, const uint8_t **p, bool *urgent)
{
	return (telnet_ring_peek(&t->ring, p, urgent));
}

void
telnet_sent(struct telnet *t, size_t n)
{
	telnet_ring_sent(&t->ring, n);
	telnet_tell_flow(t);
}

void
telnet_flow(struct telnet *t, bool on)
{
	t->peer.flow = on ? TELNET_FLOW_ON : TELNET_FLOW_OFF;
	telnet_tell_flow(t);
}

unsigned
telnet_changes(struct telnet *t)
{
	unsigned changed = t->peer.changed;

	t->peer.changed = 0;
	return (changed);
}

bool
telnet_settled(const struct telnet *t)
{
	return (telnet_subopt_settled(&t->peer, &t->options));
}

bool
telnet_echo_is_denied(const struct telnet *t)
{
	uint8_t state = t->options.state[TELNET_US][TELNET_OPT_ECHO];

	return (state != TELNET_ST_YES && state != TELNET_ST_WANT_YES);
}

bool
telnet_window(const struct telnet *t, uint16_t *columns, uint16_t *rows)
{
	if (t->peer.columns == 0 || t->peer.rows == 0)
		return (false);
	*columns = t->peer.columns;
	*rows = t->peer.rows;
	return (true);
}

const char *
telnet_terminal(const struct telnet *t, size_t i)
{
	return (i < t->peer.terminals.n ? t->peer.terminals.name[i] : NULL);
}

const struct telnet_variable *
telnet_variable(const struct telnet *t, size_t i)
{
	return (i < t->peer.environ.n ? &t->peer.environ.v[i] : NULL);
}
