/*
 * Telnet's grammar from the network's side. Pure; in the telnet worker,
 * without privilege. Distrusts every byte. Never parses a body in part, and
 * never writes past sub[].
 */
#include "workers/telnet/parser.h"

#include <string.h>

#define SCAN_WINDOW 1024

void
telnet_parser_init(struct telnet_parser *p)
{
	memset(p, 0, sizeof(*p));
}

void
telnet_parser_set_binary(struct telnet_parser *p, bool on)
{
	p->binary = on;
	p->cr = false;
}

size_t
telnet_scan(const uint8_t *p, size_t n, bool binary)
{
	size_t done = 0;

	while (done < n) {
		const uint8_t *at = p + done, *hit;
		size_t window = n - done < SCAN_WINDOW ? n - done : SCAN_WINDOW;
		size_t clear = window;

		if (!binary && (hit = memchr(at, '\r', clear)) != NULL)
			clear = (size_t)(hit - at);
		if ((hit = memchr(at, TELNET_CMD_IAC, clear)) != NULL)
			clear = (size_t)(hit - at);
		done += clear;
		if (clear < window)
			break;
	}
	return (done);
}

/* Data up to the next IAC; a run ends with its CR, whose mate is skipped. */
static size_t
parser_data(struct telnet_parser *p, const uint8_t *in, size_t n,
    struct telnet_event *ev)
{
	size_t start = 0, run;

	if (p->cr && in[0] != TELNET_CMD_IAC) {
		p->cr = false;
		if (in[0] == '\n' || in[0] == '\0')
			start = 1;
	}
	run = telnet_scan(in + start, n - start, p->binary);
	if (start + run < n && in[start + run] == '\r') {
		run++;
		p->cr = true;
	}
	if (run > 0) {
		ev->kind = TELNET_EVENT_DATA;
		ev->bytes = in + start;
		ev->n = run;
		return (start + run);
	}
	if (start < n) { /* an IAC */
		p->state = TELNET_PS_IAC;
		start++;
	}
	return (start);
}

/* The byte after IAC. A doubled one is data, and is the run's first byte. */
static size_t
parser_command(
    struct telnet_parser *p, const uint8_t *in, struct telnet_event *ev)
{
	switch (in[0]) {
	case TELNET_CMD_IAC:
		p->state = TELNET_PS_DATA;
		p->cr = false;
		ev->kind = TELNET_EVENT_DATA;
		ev->bytes = in;
		ev->n = 1;
		break;
	case TELNET_CMD_WILL:
	case TELNET_CMD_WONT:
	case TELNET_CMD_DO:
	case TELNET_CMD_DONT:
		p->state = TELNET_PS_REQUEST;
		p->command = in[0];
		break;
	case TELNET_CMD_SB:
		p->state = TELNET_PS_SUB_OPTION;
		p->sub_option = p->sub_lost = false;
		p->sub_n = 0;
		break;
	default:
		p->state = TELNET_PS_DATA;
		ev->kind = TELNET_EVENT_COMMAND;
		ev->command = in[0];
		break;
	}
	return (1);
}

static void
parser_sub_add(struct telnet_parser *p, const uint8_t *in, size_t n)
{
	if (n > sizeof(p->sub) - p->sub_n) {
		p->sub_lost = true;
		return;
	}
	memcpy(p->sub + p->sub_n, in, n);
	p->sub_n += n;
}

/* A body's bytes up to IAC; the option is the first of them. */
static size_t
parser_sub(struct telnet_parser *p, const uint8_t *in, size_t n)
{
	size_t run;

	if (in[0] == TELNET_CMD_IAC) {
		p->state = TELNET_PS_SUB_IAC;
		return (1);
	}
	if (p->state == TELNET_PS_SUB_OPTION) {
		p->state = TELNET_PS_SUB;
		p->sub_option = true;
		p->option = in[0];
		return (1);
	}
	run = telnet_scan(in, n, true);
	parser_sub_add(p, in, run);
	return (run);
}

/*
 * IAC inside a body: doubled it is a byte, SE ends it. Any other command means
 * that the end was lost: the body is dropped, the command obeyed.
 */
static size_t
parser_sub_iac(
    struct telnet_parser *p, const uint8_t *in, struct telnet_event *ev)
{
	if (in[0] == TELNET_CMD_IAC) {
		if (p->sub_option)
			parser_sub_add(p, in, 1);
		p->option = p->sub_option ? p->option : in[0];
		p->sub_option = true;
		p->state = TELNET_PS_SUB;
		return (1);
	}
	if (in[0] != TELNET_CMD_SE) {
		p->state = TELNET_PS_IAC;
		return (0);
	}
	p->state = TELNET_PS_DATA;
	if (p->sub_option && !p->sub_lost) {
		ev->kind = TELNET_EVENT_SUB;
		ev->option = p->option;
		ev->bytes = p->sub;
		ev->n = p->sub_n;
	}
	return (1);
}

size_t
telnet_parser_next(struct telnet_parser *p, const uint8_t *in, size_t n,
    struct telnet_event *ev)
{
	size_t used = 0;

	ev->kind = TELNET_EVENT_NONE;
	while (used < n && ev->kind == TELNET_EVENT_NONE) {
		const uint8_t *at = in + used;

		switch (p->state) {
		case TELNET_PS_DATA:
			used += parser_data(p, at, n - used, ev);
			break;
		case TELNET_PS_IAC:
			used += parser_command(p, at, ev);
			break;
		case TELNET_PS_REQUEST:
			ev->kind = TELNET_EVENT_REQUEST;
			ev->command = p->command;
			ev->option = at[0];
			p->state = TELNET_PS_DATA;
			used++;
			break;
		case TELNET_PS_SUB_OPTION:
		case TELNET_PS_SUB:
			used += parser_sub(p, at, n - used);
			break;
		case TELNET_PS_SUB_IAC:
			used += parser_sub_iac(p, at, ev);
			break;
		}
	}
	return (used);
}
