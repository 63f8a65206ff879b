/*
 * The rest of a session whose client has sent its last (its FIN is here) and
 * still reads: how long it may go on. Pure: time is an argument, CLOCK_BOOTTIME
 * ns; runs in the telnet worker and in tests.
 *
 * Whoever reads the terminal is to find the end of its input, and a terminal
 * has none but a character, of which each reader takes one: so that is typed
 * when the terminal has said nothing for a second, eight times, then for 2, 4,
 * and so on, and after 256 the session is hung up. While it says something it
 * goes on.
 */
#ifndef PORTREEVE_TELNET_TAIL_H
#define PORTREEVE_TELNET_TAIL_H

#include <stdint.h>

struct telnet_tail {
	uint64_t since; /* when it last said something, or was typed to */
	uint64_t wait;	/* so long is it left alone; 0: not begun */
	unsigned typed;
};

enum telnet_tail_act {
	TELNET_TAIL_WAIT,
	TELNET_TAIL_TYPE,   /* the end-of-file character */
	TELNET_TAIL_AFRESH, /* the same behind the line-kill character */
	TELNET_TAIL_END	    /* hang it up */
};

/* The last of the client's bytes is with the terminal. */
void telnet_tail_begin(struct telnet_tail *t, uint64_t now);

/* The terminal has said something. */
void telnet_tail_heard(struct telnet_tail *t, uint64_t now);

/* When there is something to do; UINT64_MAX: not begun. */
uint64_t telnet_tail_due(const struct telnet_tail *t);

/* What is to be done now; counted as done. */
enum telnet_tail_act telnet_tail_act(struct telnet_tail *t, uint64_t now);

#endif
