/*
 * Text of users (names, plans) as bytes that no terminal obeys: controls as
 * ^X, what is no UTF-8 as M-x, lines ending in CRLF. Pure; runs in the worker,
 * in tests and in a fuzzer. Distrusts every byte of its input.
 */
#ifndef PORTREEVE_FINGER_SAFE_H
#define PORTREEVE_FINGER_SAFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct safe {
	uint8_t *buf; /* the caller's */
	size_t size;
	size_t n;	 /* bytes written */
	size_t column;	 /* characters since the line's start */
	bool cut;	 /* something did not fit, and was left out whole */
	bool held_cr;	 /* a CR whose LF may still come */
	uint8_t held[4]; /* a UTF-8 sequence that is not complete yet */
	size_t held_n;
};

void safe_init(struct safe *s, uint8_t *buf, size_t size);

/* A constant of ours, printable ASCII. */
void safe_constant(struct safe *s, const char *text);

/* CRLF. */
void safe_newline(struct safe *s);

/* Spaces up to that column; at least one. */
void safe_pad(struct safe *s, size_t column);

/* One line's text: every control is shown, line ends too. */
void safe_field(struct safe *s, const void *text, size_t n);

/*
 * A file's text, in pieces cut anywhere: line ends become CRLF, tabs spaces.
 * safe_file_end() completes the last line.
 */
void safe_file(struct safe *s, const void *text, size_t n);
void safe_file_end(struct safe *s);

#endif
