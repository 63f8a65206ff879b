/*
 * Telnet's subnegotiations: what each option's body means, and ours in answer.
 * Pure; runs in the telnet worker, in tests and in a fuzzer. Distrusts every
 * body, and an option that is not on has none. Handlers take a pointer and a
 * length; answers are built in a buffer that holds the longest.
 */
#ifndef PORTREEVE_TELNET_SUBOPT_H
#define PORTREEVE_TELNET_SUBOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/telnet/environ.h"
#include "workers/telnet/options.h"
#include "workers/telnet/terminal.h"

#define TELNET_REPLY_MAX 192   /* bytes of the longest answer */
#define TELNET_WINDOW_MAX 1000 /* rows, columns */

/* What has changed since the last look. */
#define TELNET_CHANGED_WINDOW 1u
#define TELNET_CHANGED_TERMINAL 2u
#define TELNET_CHANGED_ENVIRON 4u

enum telnet_flow { TELNET_FLOW_UNKNOWN, TELNET_FLOW_OFF, TELNET_FLOW_ON };

/* What the peer has sent. */
struct telnet_peer {
	unsigned changed;
	uint16_t columns, rows; /* 0: not sent */
	bool window_told;
	bool environ_asked, environ_told;
	enum telnet_flow flow, flow_told; /* the terminal's; the client's */
	struct telnet_terminals terminals;
	struct telnet_environ environ;
};

/* Commands in the making; bytes past the end are not written, but `cut`. */
struct telnet_reply {
	size_t n;
	bool cut;
	uint8_t bytes[TELNET_REPLY_MAX];
};

void telnet_peer_init(struct telnet_peer *p);

/* A body, whole. What is to be answered is added to the reply. */
void telnet_subopt_receive(struct telnet_peer *p,
    const struct telnet_options *o, uint8_t option, const uint8_t *body,
    size_t n, struct telnet_reply *reply);

/* An option of the peer's has come on: ask what there is to ask. */
void telnet_subopt_ask(
    struct telnet_peer *p, uint8_t option, struct telnet_reply *reply);

/* LFLOW's ON or OFF (RFC 1372), where the client has not heard it yet. */
void telnet_subopt_flow(struct telnet_peer *p, const struct telnet_options *o,
    struct telnet_reply *reply);

/* Nothing that was asked for is still to come. */
bool telnet_subopt_settled(
    const struct telnet_peer *p, const struct telnet_options *o);

/* IAC verb option. */
void telnet_reply_request(
    struct telnet_reply *reply, uint8_t verb, uint8_t option);

#endif
