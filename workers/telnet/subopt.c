/*
 * The bodies of TTYPE, NAWS, NEW-ENVIRON, STATUS and LFLOW. Pure; in the
 * telnet worker, without privilege. Distrusts every body; all other options'
 * are dropped unread. Never answers more than TELNET_REPLY_MAX bytes.
 */
#include "workers/telnet/subopt.h"

#include <string.h>

void
telnet_peer_init(struct telnet_peer *p)
{
	memset(p, 0, sizeof(*p));
}

static void
subopt_reply_byte(struct telnet_reply *reply, uint8_t c)
{
	if (reply->n == sizeof(reply->bytes))
		reply->cut = true;
	else
		reply->bytes[reply->n++] = c;
}

/* One byte of a body: IAC is doubled. */
static void
subopt_reply_body(struct telnet_reply *reply, uint8_t c)
{
	subopt_reply_byte(reply, c);
	if (c == TELNET_CMD_IAC)
		subopt_reply_byte(reply, c);
}

static void
subopt_reply_sub(struct telnet_reply *reply, uint8_t option, uint8_t word)
{
	subopt_reply_byte(reply, TELNET_CMD_IAC);
	subopt_reply_byte(reply, TELNET_CMD_SB);
	subopt_reply_body(reply, option);
	subopt_reply_body(reply, word);
}

static void
subopt_reply_end(struct telnet_reply *reply)
{
	subopt_reply_byte(reply, TELNET_CMD_IAC);
	subopt_reply_byte(reply, TELNET_CMD_SE);
}

void
telnet_reply_request(struct telnet_reply *reply, uint8_t verb, uint8_t option)
{
	subopt_reply_byte(reply, TELNET_CMD_IAC);
	subopt_reply_byte(reply, verb);
	subopt_reply_byte(reply, option);
}

static void
subopt_ask_terminal(struct telnet_peer *p, struct telnet_reply *reply)
{
	if (!telnet_terminals_ask(&p->terminals))
		return;
	subopt_reply_sub(reply, TELNET_OPT_TTYPE, TELNET_SEND);
	subopt_reply_end(reply);
}

/* By name: a client that sends all it has may not fit a body. */
static void
subopt_ask_environ(struct telnet_peer *p, struct telnet_reply *reply)
{
	const uint8_t *names;
	size_t n;

	if (p->environ_asked)
		return;
	p->environ_asked = true;
	names = telnet_environ_wanted(&n);
	subopt_reply_sub(reply, TELNET_OPT_NEW_ENVIRON, TELNET_SEND);
	for (size_t i = 0; i < n; i++)
		subopt_reply_body(reply, names[i]);
	subopt_reply_end(reply);
}

void
telnet_subopt_ask(
    struct telnet_peer *p, uint8_t option, struct telnet_reply *reply)
{
	if (option == TELNET_OPT_TTYPE)
		subopt_ask_terminal(p, reply);
	else if (option == TELNET_OPT_NEW_ENVIRON)
		subopt_ask_environ(p, reply);
}

void
telnet_subopt_flow(struct telnet_peer *p, const struct telnet_options *o,
    struct telnet_reply *reply)
{
	if (p->flow == p->flow_told ||
	    !telnet_options_is_on(o, TELNET_PEER, TELNET_OPT_LFLOW))
		return;
	p->flow_told = p->flow;
	subopt_reply_sub(reply, TELNET_OPT_LFLOW, p->flow == TELNET_FLOW_ON);
	subopt_reply_end(reply);
}

static void
subopt_receive_terminal(struct telnet_peer *p, const uint8_t *body, size_t n,
    struct telnet_reply *reply)
{
	if (n < 1 || body[0] != TELNET_IS)
		return;
	if (telnet_terminals_receive(&p->terminals, body + 1, n - 1))
		p->changed |= TELNET_CHANGED_TERMINAL;
	subopt_ask_terminal(p, reply);
}

/* Big-endian; 0 keeps what is known (RFC 1073, 2). */
static bool
subopt_take_size(uint16_t *size, const uint8_t *p)
{
	unsigned value = (unsigned)p[0] << 8 | p[1];
	uint16_t was = *size;

	if (value > TELNET_WINDOW_MAX)
		value = TELNET_WINDOW_MAX;
	if (value > 0)
		*size = (uint16_t)value;
	return (*size != was);
}

static void
subopt_receive_window(struct telnet_peer *p, const uint8_t *body, size_t n)
{
	bool columns, rows;

	if (n != 4)
		return;
	columns = subopt_take_size(&p->columns, body);
	rows = subopt_take_size(&p->rows, body + 2);
	p->window_told = true;
	if (columns || rows)
		p->changed |= TELNET_CHANGED_WINDOW;
}

static void
subopt_receive_environ(struct telnet_peer *p, const uint8_t *body, size_t n)
{
	if (n < 1 || (body[0] != TELNET_IS && body[0] != TELNET_INFO))
		return;
	p->environ_told = true;
	if (telnet_environ_receive(&p->environ, body + 1, n - 1))
		p->changed |= TELNET_CHANGED_ENVIRON;
}

static void
subopt_status_add(struct telnet_reply *reply, const struct telnet_options *o,
    enum telnet_side side, uint8_t verb, uint8_t option)
{
	if (!telnet_options_is_on(o, side, option))
		return;
	subopt_reply_body(reply, verb);
	subopt_reply_body(reply, option);
}

/* RFC 859: every option that is on; none of ours has the number of SE. */
static void
subopt_receive_status(const struct telnet_options *o, const uint8_t *body,
    size_t n, struct telnet_reply *reply)
{
	if (n != 1 || body[0] != TELNET_SEND)
		return;
	subopt_reply_sub(reply, TELNET_OPT_STATUS, TELNET_IS);
	for (unsigned i = 0; i < 256; i++) {
		subopt_status_add(
		    reply, o, TELNET_US, TELNET_CMD_WILL, (uint8_t)i);
		subopt_status_add(
		    reply, o, TELNET_PEER, TELNET_CMD_DO, (uint8_t)i);
	}
	subopt_reply_end(reply);
}

void
telnet_subopt_receive(struct telnet_peer *p, const struct telnet_options *o,
    uint8_t option, const uint8_t *body, size_t n, struct telnet_reply *reply)
{
	enum telnet_side side =
	    option == TELNET_OPT_STATUS ? TELNET_US : TELNET_PEER;

	if (!telnet_options_is_on(o, side, option))
		return;
	switch (option) {
	case TELNET_OPT_TTYPE:
		subopt_receive_terminal(p, body, n, reply);
		break;
	case TELNET_OPT_NAWS:
		subopt_receive_window(p, body, n);
		break;
	case TELNET_OPT_NEW_ENVIRON:
		subopt_receive_environ(p, body, n);
		break;
	case TELNET_OPT_STATUS:
		subopt_receive_status(o, body, n, reply);
		break;
	default:
		break;
	}
}

bool
telnet_subopt_settled(
    const struct telnet_peer *p, const struct telnet_options *o)
{
	if (!telnet_options_settled(o))
		return (false);
	if (telnet_options_is_on(o, TELNET_PEER, TELNET_OPT_TTYPE) &&
	    !p->terminals.done)
		return (false);
	if (telnet_options_is_on(o, TELNET_PEER, TELNET_OPT_NAWS) &&
	    !p->window_told)
		return (false);
	return (!telnet_options_is_on(o, TELNET_PEER, TELNET_OPT_NEW_ENVIRON) ||
		p->environ_told);
}
