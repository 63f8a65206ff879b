/*
 * A terminal's output as telnet sends it (RFC 854, RFC 856): IAC doubled, CR
 * LF kept, a CR before anything else as CR NUL unless BINARY is on. Pure; runs
 * in the telnet worker, in tests and in a fuzzer. What it encodes is a user's,
 * any bytes in any pieces.
 */
#ifndef PORTREEVE_TELNET_ENCODE_H
#define PORTREEVE_TELNET_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/telnet/ring.h"

struct telnet_encoder {
	bool binary;
	bool cr; /* a CR went out whose LF or NUL has not */
};

/*
 * Queue p[0..n) in at most `room` bytes of the ring, which has them. Returns
 * how many of p's bytes were taken. The NUL of a CR comes with the byte that
 * follows it: a CR is never held back.
 */
size_t telnet_encode(struct telnet_encoder *e, struct telnet_ring *r,
    const uint8_t *p, size_t n, size_t room);

/*
 * Queue a command as it is, one byte more where a CR waits for its NUL. 0, or
 * ERR_FULL and nothing queued.
 */
int telnet_encode_command(struct telnet_encoder *e, struct telnet_ring *r,
    const uint8_t *p, size_t n);

/* BINARY in our direction, from the next byte on. */
void telnet_encode_set_binary(struct telnet_encoder *e, bool on);

#endif
