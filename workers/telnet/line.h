/*
 * One line typed by a telnet client before there is a terminal of its own: a
 * user's name, an answer to PAM. Pure; runs in the telnet worker and in tests.
 * Distrusts every byte: no NUL gets into a line, no control character is shown.
 * What it holds may be a password, so it is wiped before it is used again.
 */
#ifndef PORTREEVE_TELNET_LINE_H
#define PORTREEVE_TELNET_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TELNET_LINE_MAX 512 /* bytes of the longest line */
/* Bytes of the longest echo: a whole line rubbed out. */
#define TELNET_LINE_ECHO_MAX (3 * (size_t)TELNET_LINE_MAX)

enum telnet_line_end {
	TELNET_LINE_MORE, /* no end yet */
	TELNET_LINE_DONE, /* CR or LF came */
	TELNET_LINE_QUIT  /* ^C, or ^D in an empty line: wants to leave */
};

struct telnet_line {
	bool echo;
	bool after_cr; /* an LF or NUL now belongs to the CR before */
	size_t most;   /* bytes that the line may have */
	size_t n;
	uint8_t bytes[TELNET_LINE_MAX];
};

struct telnet_line_echo {
	size_t n;
	uint8_t bytes[TELNET_LINE_ECHO_MAX];
};

/* Begin a line of at most `most` <= TELNET_LINE_MAX bytes; the old is wiped. */
void telnet_line_begin(struct telnet_line *l, size_t most, bool echo);

/*
 * One byte of the client's; what to show for it is put in *echo. The line is
 * in l->bytes up to the next begin. What does not fit is not taken, with a BEL.
 */
enum telnet_line_end telnet_line_put(
    struct telnet_line *l, uint8_t c, struct telnet_line_echo *echo);

#endif
