/*
 * What a telnet client sends, obeyed: the parser's events become answers in
 * the queue and actions for the caller. Pure; in the telnet worker, without
 * privilege. Distrusts every byte. An event that can have an answer is obeyed
 * only when the longest answer has room, and waits until then.
 */
#include "workers/telnet/private.h"

#include <string.h>

/* WILL, WONT, DO, DONT. True: the peer wants the session to end. */
static bool
telnet_obey_request(struct telnet *t, const struct telnet_event *ev)
{
	struct telnet_reply reply = {0};
	enum telnet_side side;
	enum telnet_change change;
	uint8_t verb;

	verb = telnet_options_receive(
	    &t->options, ev->command, ev->option, &side, &change);
	if (verb != 0)
		telnet_reply_request(&reply, verb, ev->option);
	if (change == TELNET_ON && side == TELNET_PEER)
		telnet_subopt_ask(&t->peer, ev->option, &reply);
	telnet_say(t, &reply);
	if (change == TELNET_SAME)
		return (false);
	if (ev->option == TELNET_OPT_BINARY && side == TELNET_PEER)
		telnet_parser_set_binary(&t->parser, change == TELNET_ON);
	if (ev->option == TELNET_OPT_BINARY && side == TELNET_US)
		telnet_encode_set_binary(&t->encoder, change == TELNET_ON);
	if (ev->option == TELNET_OPT_LFLOW)
		telnet_tell_flow(t);
	return (ev->option == TELNET_OPT_LOGOUT && side == TELNET_US &&
		change == TELNET_ON);
}

/* The key that a command stands for; -1 for none. */
static int
telnet_key_of(uint8_t command)
{
	switch (command) {
	case TELNET_CMD_IP:
		return (TELNET_KEY_INTERRUPT);
	case TELNET_CMD_BRK:
	case TELNET_CMD_ABORT:
		return (TELNET_KEY_QUIT);
	case TELNET_CMD_EC:
		return (TELNET_KEY_ERASE);
	case TELNET_CMD_EL:
		return (TELNET_KEY_KILL);
	case TELNET_CMD_EOF:
		return (TELNET_KEY_EOF);
	case TELNET_CMD_SUSP:
		return (TELNET_KEY_SUSPEND);
	default:
		return (-1);
	}
}

/* A Synch drops, with the data, what would edit it. */
static bool
telnet_obey_key(
    const struct telnet *t, enum telnet_key key, struct telnet_input *got)
{
	if (t->synch && (key == TELNET_KEY_ERASE || key == TELNET_KEY_KILL))
		return (false);
	got->action = TELNET_KEY;
	got->key = key;
	return (true);
}

/* True: *got is filled. */
static bool
telnet_obey_command(struct telnet *t, uint8_t command, struct telnet_input *got)
{
	static const uint8_t yes[] = "\r\n[Yes]\r\n";

	switch (command) {
	case TELNET_CMD_DM:
		t->synch = false;
		return (false);
	case TELNET_CMD_AYT:
		(void)telnet_encode(&t->encoder, &t->ring, yes, sizeof(yes) - 1,
		    telnet_ring_room(&t->ring) - TELNET_SYNCH_ROOM);
		return (false);
	case TELNET_CMD_AO:
		telnet_flush(t);
		got->action = TELNET_FLUSHED;
		return (true);
	default:
		return (telnet_key_of(command) >= 0 &&
			telnet_obey_key(
			    t, (enum telnet_key)telnet_key_of(command), got));
	}
}

/* Obeys t->event; true: *got is filled. */
static bool
telnet_obey(struct telnet *t, struct telnet_input *got)
{
	struct telnet_event ev = t->event;
	struct telnet_reply reply = {0};

	t->event.kind = TELNET_EVENT_NONE;
	switch (ev.kind) {
	case TELNET_EVENT_COMMAND:
		return (telnet_obey_command(t, ev.command, got));
	case TELNET_EVENT_REQUEST:
		if (!telnet_obey_request(t, &ev))
			return (false);
		got->action = TELNET_LOGOUT;
		return (true);
	case TELNET_EVENT_SUB:
		telnet_subopt_receive(
		    &t->peer, &t->options, ev.option, ev.bytes, ev.n, &reply);
		telnet_say(t, &reply);
		return (false);
	default:
		return (false);
	}
}

/* Data of one batch becomes one run, at the batch's start. */
static void
telnet_gather(struct telnet *t, uint8_t *in, struct telnet_input *got)
{
	size_t n = t->event.n;

	if (!t->synch) {
		if (got->n == 0)
			got->data = t->event.bytes;
		else if (got->data + got->n != t->event.bytes)
			memmove(
			    in + (got->data - in) + got->n, t->event.bytes, n);
		got->n += n;
	}
	t->event.kind = TELNET_EVENT_NONE;
}

/* Can this event have an answer? */
static bool
telnet_is_answered(const struct telnet_event *ev)
{
	return (ev->kind == TELNET_EVENT_REQUEST ||
		ev->kind == TELNET_EVENT_SUB ||
		(ev->kind == TELNET_EVENT_COMMAND &&
		    ev->command == TELNET_CMD_AYT));
}

/* May this event give the caller something to do? Then data goes first. */
static bool
telnet_is_for_caller(const struct telnet_event *ev)
{
	if (ev->kind == TELNET_EVENT_REQUEST)
		return (ev->option == TELNET_OPT_LOGOUT);
	return (
	    ev->kind == TELNET_EVENT_COMMAND &&
	    (ev->command == TELNET_CMD_AO || telnet_key_of(ev->command) >= 0));
}

size_t
telnet_receive(
    struct telnet *t, uint8_t *in, size_t n, struct telnet_input *got)
{
	size_t used = 0;

	memset(got, 0, sizeof(*got));
	got->data = in;
	for (;;) {
		bool full;

		if (t->event.kind == TELNET_EVENT_NONE)
			used += telnet_parser_next(
			    &t->parser, in + used, n - used, &t->event);
		if (t->event.kind == TELNET_EVENT_DATA) {
			telnet_gather(t, in, got);
			continue;
		}
		full = telnet_is_answered(&t->event) && !telnet_can_answer(t);
		if (got->n > 0 && (full || telnet_is_for_caller(&t->event) ||
				      t->event.kind == TELNET_EVENT_NONE)) {
			got->action = TELNET_DATA;
			return (used);
		}
		if (full || t->event.kind == TELNET_EVENT_NONE) {
			got->action = full ? TELNET_FULL : TELNET_MORE;
			return (used);
		}
		if (telnet_obey(t, got))
			return (used);
	}
}
