/*
 * Telnet's option negotiation by RFC 1143's Q method: a state for each option
 * and side, one table of transitions, one table of what is offered, accepted
 * and refused. Pure; runs in the telnet worker, in tests and in a fuzzer.
 * Distrusts every request. A request is answered at most once, and what is
 * refused is refused once in a connection's life, so that no peer, nor two
 * programs that answer each other, make it talk without end.
 */
#ifndef PORTREEVE_TELNET_OPTIONS_H
#define PORTREEVE_TELNET_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/telnet/protocol.h"

/* Whose doing an option is: we say WILL of ours, DO of the peer's. */
enum telnet_side { TELNET_US, TELNET_PEER, TELNET_SIDES };

/* RFC 1143, 7: the last two of each pair are its queue bit. */
enum telnet_state {
	TELNET_ST_NO,
	TELNET_ST_YES,
	TELNET_ST_WANT_NO,
	TELNET_ST_WANT_NO_THEN_YES,
	TELNET_ST_WANT_YES,
	TELNET_ST_WANT_YES_THEN_NO,
	TELNET_STATES
};

enum telnet_change { TELNET_SAME, TELNET_ON, TELNET_OFF };

struct telnet_options {
	uint8_t state[TELNET_SIDES][256];
	bool refused[TELNET_SIDES][256];
};

/* Every option off on both sides. */
void telnet_options_init(struct telnet_options *o);

/*
 * The peer's request: verb is WILL, WONT, DO or DONT. Returns the verb to
 * answer with for the same option, or 0; *side and *change say what came of
 * it. TIMING-MARK is answered by WILL and never on (RFC 860).
 */
uint8_t telnet_options_receive(struct telnet_options *o, uint8_t verb,
    uint8_t option, enum telnet_side *side, enum telnet_change *change);

/*
 * Our own wish that an option be on or off. Returns the verb to send, or 0
 * where nothing is to be said now. An option that the table does not accept
 * is never asked for.
 */
uint8_t telnet_options_ask(
    struct telnet_options *o, enum telnet_side side, uint8_t option, bool on);

/*
 * What is offered when a connection opens: calls ask() for one after the
 * other; *at starts at 0. Returns the verb and sets *option; 0 at the end.
 */
uint8_t telnet_options_offer(
    struct telnet_options *o, unsigned *at, uint8_t *option);

bool telnet_options_is_on(
    const struct telnet_options *o, enum telnet_side side, uint8_t option);

/* No request of ours waits for its answer. */
bool telnet_options_settled(const struct telnet_options *o);

#endif
