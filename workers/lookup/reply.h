/*
 * Lookup's answer as messages to the master: as many pieces in each as it
 * holds. Runs in lookup. Believes the master's channel; the texts are users'
 * and go on as bytes, bounded.
 */
#ifndef PORTREEVE_LOOKUP_REPLY_H
#define PORTREEVE_LOOKUP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "ipc/state.h"

/* What hangs for so long does not come back: SIGALRM ends the process. */
#define REPLY_SECONDS 1

struct reply {
	struct ipc_channel *master;
	uint32_t request;
	int err;   /* the first that sending met; nothing is sent after it */
	int error; /* the errno for which the outcome is LOOKUP_LATER */
};

/* The reply to that question of the master's. */
void reply_begin(struct reply *r, struct ipc_channel *master, uint32_t request);

/* A text, in as many pieces as it takes; nothing for an empty one. */
void reply_text(
    struct reply *r, enum lookup_piece piece, const void *text, size_t n);

void reply_number(struct reply *r, enum lookup_piece piece, uint64_t number);

/* The end of it: of what was not sent yet, only what was found goes out. */
void reply_done(struct reply *r, enum lookup_outcome outcome);

#endif
