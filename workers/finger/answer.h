/*
 * finger's answer, from lookup's pieces. Pure: pieces in, bytes out; runs in
 * the worker, in tests and in a fuzzer. Distrusts the texts (they are users'),
 * and takes pieces in any order and number without harm.
 */
#ifndef PORTREEVE_FINGER_ANSWER_H
#define PORTREEVE_FINGER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/state.h"
#include "workers/finger/safe.h"

/* Whole sentences, CRLF included. */
#define FINGER_SAYS_NOBODY "No such user.\r\n"
#define FINGER_SAYS_NO_FORWARD "Finger forwarding service denied.\r\n"
#define FINGER_SAYS_NO_LIST "Finger online user list denied.\r\n"
#define FINGER_SAYS_TOO_LONG "Your query is too long.\r\n"
#define FINGER_SAYS_LATER "No answer can be had now, try again later.\r\n"

/* A text of one line, kept until its row is complete. */
struct answer_text {
	uint8_t n;
	uint8_t b[128];
};

enum answer_form {
	ANSWER_USER,
	ANSWER_TABLE, /* to an empty query: a row for each login */
	ANSWER_LIST   /* to one with /W: each user at length */
};

/* Where in the answer the next piece finds it. */
enum answer_place {
	ANSWER_AT_LINE, /* a line begins */
	ANSWER_IN_LINE, /* its second column may follow */
	ANSWER_IN_ROW,	/* a login is being gathered */
	ANSWER_IN_FILE	/* `file` is being written */
};

struct answer {
	struct safe out;
	enum answer_form form;
	enum answer_place place;
	enum lookup_piece file; /* whose lines are being written */
	bool verbose;		/* /W */
	bool any;		/* a piece came */
	bool had_plan;
	struct answer_text login, name, tty, host;
	uint64_t since, idle; /* seconds; 0 unknown */
};

/* Into buf, which is the caller's; list: the answer to an empty query. */
void answer_init(
    struct answer *a, uint8_t *buf, size_t size, bool list, bool verbose);

/* The next piece of MSG_LOOKUP_PIECE. */
void answer_piece(struct answer *a, unsigned piece, uint64_t number,
    const void *text, size_t n);

/* What is open is closed; returns the bytes in buf. */
size_t answer_end(struct answer *a);

#endif
