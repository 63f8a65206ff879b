/*
 * The pieces of lookup's answer, one behind the other in MSG_LOOKUP_ANSWER's
 * bytes. Any process; lookup writes them, the master passes them on unread, a
 * finger worker reads them. Pure. The reader distrusts every byte.
 */
#ifndef PORTREEVE_IPC_PIECES_H
#define PORTREEVE_IPC_PIECES_H

#include <stddef.h>
#include <stdint.h>

/* A number, or a text of n bytes, which may be any. */
struct piece {
	uint8_t kind; /* enum lookup_piece, or what is none */
	uint64_t number;
	const void *text;
	uint16_t n;
};

/* Append p to the *used bytes in buf. 0, or ERR_TOO_LONG: it has no room. */
int piece_put(uint8_t *buf, size_t size, size_t *used, const struct piece *p);

/*
 * The piece at *at of the n bytes in buf, and *at behind it; its text points
 * into buf. 1; 0 at the end; ERR_TRUNCATED where a piece is not whole.
 */
int piece_next(const uint8_t *buf, size_t n, size_t *at, struct piece *p);

#endif
