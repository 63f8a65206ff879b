/*
 * The one bounded queue of what goes to a telnet client: terminal output and
 * commands in their order, as they go over the wire. Pure, without memory of
 * its own; runs in the telnet worker, in tests and in a fuzzer. Knows where
 * the wire's units (a doubled IAC, a command, a subnegotiation) begin, also
 * after a short write, so that queued data can be dropped without cutting one
 * (RFC 854, "Abort Output"). Distrusts lengths: what does not fit is refused
 * whole.
 */
#ifndef PORTREEVE_TELNET_RING_H
#define PORTREEVE_TELNET_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where in the wire's grammar a byte stands. */
enum telnet_unit {
	TELNET_UNIT_NONE, /* at a boundary */
	TELNET_UNIT_IAC,
	TELNET_UNIT_REQUEST,
	TELNET_UNIT_SUB,
	TELNET_UNIT_SUB_IAC
};

struct telnet_ring {
	uint8_t *buf; /* the caller's */
	size_t size;
	size_t head; /* index of the oldest byte */
	size_t n;    /* bytes queued */
	/*
	 * That many of the oldest bytes are commands left over by a drop;
	 * no later drop looks at them again.
	 */
	size_t clean;
	size_t urgent; /* 1 + the distance of the urgent byte; 0: none */
	enum telnet_unit unit; /* what the oldest byte continues */
};

/* size bytes at buf stay the caller's and outlive the ring. */
void telnet_ring_init(struct telnet_ring *r, uint8_t *buf, size_t size);

/* Bytes that can be added. */
size_t telnet_ring_room(const struct telnet_ring *r);

/* All n bytes or none: 0, or ERR_FULL. */
int telnet_ring_put(struct telnet_ring *r, const uint8_t *p, size_t n);

/* The byte put last is the urgent one (a Synch's DM), instead of any other. */
void telnet_ring_mark_urgent(struct telnet_ring *r);

/*
 * What is to be sent next: *p and its length; 0 when nothing is queued. With
 * *urgent it is one byte, to be sent alone and with MSG_OOB; else no byte of
 * it is urgent. Valid until the ring changes.
 */
size_t telnet_ring_peek(
    const struct telnet_ring *r, const uint8_t **p, bool *urgent);

/* The n oldest bytes are sent; n is at most what peek said. */
void telnet_ring_sent(struct telnet_ring *r, size_t n);

/*
 * Data goes, commands stay in their order. A unit of which a part was sent
 * stays whole, and so does an urgent byte.
 */
void telnet_ring_drop_data(struct telnet_ring *r);

#endif
