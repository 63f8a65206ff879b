/*
 * The terminal types that a telnet client names (RFC 1091): asked for up to
 * eight times, until a name comes again; each 1 to 40 of [A-Za-z0-9._+-],
 * lowercased. Pure; runs in the telnet worker, in tests and in a fuzzer.
 * Distrusts every byte: a name becomes part of a file's name in the terminal
 * database, so it holds no slash, and it never begins with a dot.
 */
#ifndef PORTREEVE_TELNET_TERMINAL_H
#define PORTREEVE_TELNET_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TELNET_TERMINAL_MAX 40 /* bytes of a name, without a NUL */
#define TELNET_TERMINALS 8     /* SENDs in a connection's life */

struct telnet_terminals {
	uint8_t sends; /* said */
	uint8_t n;     /* names known, in the client's order */
	bool open;     /* a SEND waits for its answer */
	bool done;     /* there is no more to ask */
	bool back;     /* but for one SEND: the client is to take its first */
	char name[TELNET_TERMINALS][TELNET_TERMINAL_MAX + 1];
};

/* A name as text into out; false, and out empty, when it is none. */
bool telnet_terminal_read(
    char out[TELNET_TERMINAL_MAX + 1], const uint8_t *p, size_t n);

/*
 * True when a SEND is to be said now, which is then counted as said. After a
 * repeat the client has its last name in use, and one SEND more makes it begin
 * its list anew (RFC 1091): it then is what TERM says. Nobody waits for the
 * answer.
 */
bool telnet_terminals_ask(struct telnet_terminals *t);

/*
 * The body of an IS, behind that word. True when a new name was kept; ignored
 * where none was asked for. Ask again afterwards.
 */
bool telnet_terminals_receive(
    struct telnet_terminals *t, const uint8_t *p, size_t n);

#endif
