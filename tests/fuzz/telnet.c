/*
 * Fuzzer of telnet's whole protocol. The first byte chooses how the rest is
 * cut and how fast the client reads; what follows is what the client sends,
 * and also what the terminal prints. Aborts when a split changes an action,
 * when what is sent is no telnet, or when a fact about the peer is out of its
 * bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "workers/telnet/telnet.h"

#define INPUT_MAX 4096
#define SAID_MAX (INPUT_MAX * 64)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct telnet t;
	uint8_t queue[TELNET_QUEUE_MIN];
	struct telnet_parser wire; /* reads what we send */
	uint8_t actions[INPUT_MAX * 4];
	size_t actions_n;
};

static void
must(bool fact)
{
	if (!fact)
		abort();
}

static void
note(struct run *r, const uint8_t *p, size_t n)
{
	must(n <= sizeof(r->actions) - r->actions_n);
	memcpy(r->actions + r->actions_n, p, n);
	r->actions_n += n;
}

/* Sends at most n bytes; nothing of ours is unknown. */
static void
drain(struct run *r, size_t n)
{
	const uint8_t *p;
	size_t some, at;
	bool urgent;

	while (n > 0 && (some = telnet_pending(&r->t, &p, &urgent)) > 0) {
		some = some < n ? some : n;
		n -= some;
		must(!urgent || *p == TELNET_CMD_DM);
		for (at = 0; at < some;) {
			struct telnet_event ev;

			at += telnet_parser_next(
			    &r->wire, p + at, some - at, &ev);
			if (ev.kind == TELNET_EVENT_COMMAND)
				must(ev.command == TELNET_CMD_DM);
		}
		telnet_sent(&r->t, some);
	}
}

static void
check_peer(const struct telnet *t)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "0123456789._+-";
	const struct telnet_variable *v;
	const char *name;
	uint16_t c, l;

	if (telnet_window(t, &c, &l))
		must(c > 0 && c <= 1000 && l > 0 && l <= 1000);
	for (size_t i = 0; (name = telnet_terminal(t, i)) != NULL; i++)
		must(strlen(name) <= 40 &&
		     strspn(name, allowed) == strlen(name));
	for (size_t i = 0; (v = telnet_variable(t, i)) != NULL; i++) {
		must(strcmp(v->name, "TERM") == 0 ||
		     strcmp(v->name, "LANG") == 0 ||
		     strcmp(v->name, "COLORTERM") == 0 ||
		     strncmp(v->name, "LC_", 3) == 0);
		for (const char *p = v->value; *p != '\0'; p++)
			must(*p > ' ' && *p < 0x7f && *p != '/');
	}
	must(t->ring.n <= t->ring.size && t->ring.clean <= t->ring.n &&
	     t->ring.urgent <= t->ring.n);
}

static void
receive(struct run *r, const uint8_t *in, size_t n)
{
	uint8_t copy[INPUT_MAX];
	struct telnet_input got;
	size_t used = 0;

	memcpy(copy, in, n);
	do {
		uint8_t mark[3] = {0xff, 0, 0};

		used += telnet_receive(&r->t, copy + used, n - used, &got);
		must(used <= n);
		if (got.action == TELNET_DATA) {
			note(r, got.data, got.n);
		} else if (got.action == TELNET_FULL) {
			drain(r, TELNET_QUEUE_MIN);
		} else if (got.action != TELNET_MORE) {
			mark[1] = (uint8_t)got.action;
			mark[2] = (uint8_t)got.key;
			note(r, mark, 3);
		}
	} while (got.action != TELNET_MORE);
	must(used == n);
}

/* step 0: in one piece. The client takes `speed` bytes after each. */
static void
play(struct run *r, const uint8_t *in, size_t n, size_t step, size_t speed)
{
	r->actions_n = 0;
	telnet_parser_init(&r->wire);
	telnet_parser_set_binary(&r->wire, true);
	must(telnet_init(&r->t, r->queue, sizeof(r->queue)) == 0);
	if (step == 0)
		step = n;
	for (size_t at = 0; at < n; at += step) {
		size_t piece = n - at < step ? n - at : step;

		receive(r, in + at, piece);
		if (speed > 0) {
			must(telnet_output(&r->t, in + at, piece) <= piece);
			if (in[at] == 'F')
				telnet_flush(&r->t);
			if (in[at] == 'L')
				telnet_flow(&r->t, (at & 1) != 0);
			drain(r, speed);
		}
		check_peer(&r->t);
	}
	drain(r, SAID_MAX);
	must(r->wire.state == TELNET_PS_DATA);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run whole, pieces;

	if (size < 2 || size > INPUT_MAX)
		return (0);
	play(&whole, data + 1, size - 1, 0, 0);
	play(&pieces, data + 1, size - 1, 1 + (data[0] & 15),
	    (size_t)data[0] >> 4);
	must(whole.actions_n == pieces.actions_n);
	must(memcmp(whole.actions, pieces.actions, whole.actions_n) == 0);
	must(memcmp(&whole.t.peer.environ, &pieces.t.peer.environ,
		 sizeof(whole.t.peer.environ)) == 0);
	must(whole.t.parser.state == pieces.t.parser.state);
	return (0);
}
