/*
 * What comes from a telnet client, as events: runs of data, commands, requests
 * about options, subnegotiations (RFC 854, RFC 855). Pure: (state, bytes) to
 * events, no memory but the struct; runs in the telnet worker, in tests and in
 * a fuzzer. Distrusts every byte, and any byte may be a read's last. Never
 * looks at a subnegotiation before IAC SE, and never holds more than
 * TELNET_SUB_MAX bytes of one.
 */
#ifndef PORTREEVE_TELNET_PARSER_H
#define PORTREEVE_TELNET_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/telnet/protocol.h"

#define TELNET_SUB_MAX 512 /* bytes, IAC un-doubled, without the option */

enum telnet_event_kind {
	TELNET_EVENT_NONE,    /* the bytes are used up */
	TELNET_EVENT_DATA,    /* bytes, n: for the terminal */
	TELNET_EVENT_COMMAND, /* command */
	TELNET_EVENT_REQUEST, /* command is WILL, WONT, DO or DONT; option */
	TELNET_EVENT_SUB      /* option; bytes, n: its body */
};

struct telnet_event {
	enum telnet_event_kind kind;
	uint8_t command, option;
	const uint8_t *bytes; /* in the caller's bytes, or (SUB) the parser's */
	size_t n;
};

enum telnet_parser_state {
	TELNET_PS_DATA,
	TELNET_PS_IAC,
	TELNET_PS_REQUEST,    /* after IAC WILL and its like */
	TELNET_PS_SUB_OPTION, /* after IAC SB */
	TELNET_PS_SUB,
	TELNET_PS_SUB_IAC
};

struct telnet_parser {
	enum telnet_parser_state state;
	bool binary;	 /* the peer's BINARY is on: CR is a byte like others */
	bool cr;	 /* the last byte of data was CR */
	bool sub_option; /* the subnegotiation has named its option */
	bool sub_lost;	 /* longer than TELNET_SUB_MAX: dropped whole */
	uint8_t command, option;
	size_t sub_n;
	uint8_t sub[TELNET_SUB_MAX];
};

void telnet_parser_init(struct telnet_parser *p);

/* BINARY (RFC 856) in the peer's direction, from the next byte on. */
void telnet_parser_set_binary(struct telnet_parser *p, bool on);

/*
 * The next event of in[0..n). Returns how many bytes it took, which is n when
 * ev->kind is NONE. CR LF, CR NUL and CR come out as CR (RFC 854, page 11;
 * RFC 1123, 3.3.1). A subnegotiation's bytes are valid until the next call.
 */
size_t telnet_parser_next(struct telnet_parser *p, const uint8_t *in, size_t n,
    struct telnet_event *ev);

/*
 * Bytes of p[0..n) before the first IAC or, unless binary, CR; n when there
 * is none. Looks at most 1 kB past what it returns, so that no order of bytes
 * makes a caller that goes on from there slow.
 */
size_t telnet_scan(const uint8_t *p, size_t n, bool binary);

#endif
