/*
 * One telnet connection's protocol, whole, for a worker's event loop: what the
 * network says becomes actions, what the terminal says becomes bytes to send.
 * Pure: no I/O, no clock, no memory but the struct and a buffer of the
 * caller's; runs in the telnet worker, in tests and in a fuzzer. Distrusts
 * every byte of the peer's. Never answers into a full queue, never asks
 * without a bound, never passes a command on as data.
 *
 * The loop:
 *   - read the socket only when telnet_receive() has used all that was read
 *     before, and while TELNET_FULL was not its last word: it then waits for
 *     telnet_sent(). When the socket reports urgent data that is not read yet
 *     (POLLPRI), telnet_urgent() first. SO_OOBINLINE is on.
 *   - read the pty only while telnet_room() is above 0; feed telnet_output().
 *   - send what telnet_pending() shows, then telnet_sent().
 *   - after each batch of reads, telnet_changes().
 */
#ifndef PORTREEVE_TELNET_TELNET_H
#define PORTREEVE_TELNET_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/telnet/encode.h"
#include "workers/telnet/options.h"
#include "workers/telnet/parser.h"
#include "workers/telnet/ring.h"
#include "workers/telnet/subopt.h"

/* The smallest queue that works; 64 kB is a good one. */
#define TELNET_QUEUE_MIN 2048
/* Bytes of the queue that terminal output leaves to answers. */
#define TELNET_RESERVE 512

enum telnet_action {
	TELNET_MORE,	/* all bytes are used: read on */
	TELNET_DATA,	/* data, n: write them to the pty */
	TELNET_KEY,	/* key: write that character of the pty's termios */
	TELNET_FLUSHED, /* Abort Output: queued output is gone, drop yours */
	TELNET_LOGOUT,	/* the peer asks that the session end (RFC 727) */
	TELNET_FULL	/* an answer has no room: send first, then call again */
};

/* Commands that stand for a character of termios; none where it is off. */
enum telnet_key {
	TELNET_KEY_INTERRUPT, /* VINTR */
	TELNET_KEY_QUIT,      /* VQUIT */
	TELNET_KEY_ERASE,     /* VERASE */
	TELNET_KEY_KILL,      /* VKILL */
	TELNET_KEY_EOF,	      /* VEOF */
	TELNET_KEY_SUSPEND    /* VSUSP */
};

struct telnet_input {
	enum telnet_action action;
	enum telnet_key key;
	const uint8_t *data; /* within the bytes given to telnet_receive() */
	size_t n;
};

struct telnet {
	struct telnet_options options;
	struct telnet_parser parser;
	struct telnet_encoder encoder;
	struct telnet_ring ring;
	struct telnet_peer peer;
	struct telnet_event event; /* parsed, not obeyed yet */
	bool synch;		   /* data is dropped up to DM */
};

/*
 * The queue is size >= TELNET_QUEUE_MIN bytes of the caller's that outlive t;
 * 0, or ERR_VALUE. Queues the first offers: nothing waits for their answers.
 */
int telnet_init(struct telnet *t, uint8_t *queue, size_t size);

/*
 * The next action of in[0..n), which may be rewritten up to what was used: a
 * batch's data comes as one run. Returns the bytes used, which may be 0; call
 * again with the rest until MORE or FULL. FULL does not change with more
 * input, only with telnet_sent().
 */
size_t telnet_receive(
    struct telnet *t, uint8_t *in, size_t n, struct telnet_input *got);

/*
 * The socket has urgent data not read yet: up to DM data is dropped, commands
 * are obeyed (RFC 854, "The Synch Signal").
 */
void telnet_urgent(struct telnet *t);

/* Queue terminal output; returns how many of p's bytes were taken. */
size_t telnet_output(struct telnet *t, const uint8_t *p, size_t n);

/* Bytes of output that surely fit, whatever they are; 0: do not read. */
size_t telnet_room(const struct telnet *t);

/*
 * What to send next, valid until the next call of another function: *p and its
 * length, 0 when there is nothing. With *urgent: one byte, sent by itself and
 * with MSG_OOB, so that no short write moves the mark.
 */
size_t telnet_pending(const struct telnet *t, const uint8_t **p, bool *urgent);

/* n of those bytes were sent. */
void telnet_sent(struct telnet *t, size_t n);

/*
 * A NOP, which says nothing and has no answer: a peer that is not there any
 * more answers it by a reset.
 */
void telnet_probe(struct telnet *t);

/* The pty's output was flushed (TIOCPKT_FLUSHWRITE): drop ours, and Synch. */
void telnet_flush(struct telnet *t);

/* TIOCPKT_DOSTOP (on) or TIOCPKT_NOSTOP; told as soon as there is room. */
void telnet_flow(struct telnet *t, bool on);

/* TELNET_CHANGED_ bits since the last call. */
unsigned telnet_changes(struct telnet *t);

/*
 * Every offer is answered and every question too; a client that stays silent
 * never gets here, so a login prompt waits for it no longer than 2 s.
 */
bool telnet_settled(const struct telnet *t);

/*
 * The peer has refused that we echo, and WONT ECHO was said or is: nothing that
 * it types is to come back to it.
 */
bool telnet_echo_is_denied(const struct telnet *t);

/* The window; false, and nothing written, as long as one of them is unknown. */
bool telnet_window(const struct telnet *t, uint16_t *columns, uint16_t *rows);

/* The i-th terminal type, the client's best first; NULL past the last. */
const char *telnet_terminal(const struct telnet *t, size_t i);

/* The i-th allowed variable; NULL past the last. */
const struct telnet_variable *telnet_variable(const struct telnet *t, size_t i);

#endif
