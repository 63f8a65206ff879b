/*
 * Lookup's messages to the master. In lookup, sealed. Waits for room: the
 * master reads.
 */
#include <string.h>
#include <unistd.h>

#include "ipc/pieces.h"
#include "lib/err.h"
#include "workers/lookup/reply.h"

/* Of one piece; an empty message has room for it. */
#define REPLY_TEXT_MAX 4096

static struct msg_lookup_answer msg;

void
reply_begin(struct reply *r, struct ipc_channel *master, uint32_t request)
{
	*r = (struct reply){.master = master, .request = request};
	msg.pieces.n = 0;
}

/* How long the master takes to read is no delay of the question's. */
static void
reply_send(struct reply *r, int more)
{
	if (r->err != 0)
		return;
	msg.request = r->request;
	msg.more = (uint8_t)more;
	r->err = ipc_send(r->master, MSG_LOOKUP_ANSWER, &msg, NULL, 0);
	if (r->err == ERR_AGAIN || r->err == ERR_SHORT) {
		alarm(0);
		r->err =
		    ipc_send_wait(r->master, MSG_LOOKUP_ANSWER, &msg, NULL, 0);
		alarm(REPLY_SECONDS);
	}
	msg.pieces.n = 0;
}

static void
reply_put(struct reply *r, const struct piece *p)
{
	size_t used = msg.pieces.n;

	if (piece_put(msg.pieces.b, sizeof(msg.pieces.b), &used, p) != 0) {
		reply_send(r, 1);
		used = 0;
		(void)piece_put(msg.pieces.b, sizeof(msg.pieces.b), &used, p);
	}
	msg.pieces.n = (uint16_t)used;
}

void
reply_text(struct reply *r, enum lookup_piece piece, const void *text, size_t n)
{
	const uint8_t *p = text;

	while (n > 0) {
		size_t some = n < REPLY_TEXT_MAX ? n : REPLY_TEXT_MAX;

		reply_put(r, &(struct piece){.kind = (uint8_t)piece,
				 .text = p,
				 .n = (uint16_t)some});
		p += some;
		n -= some;
	}
}

void
reply_number(struct reply *r, enum lookup_piece piece, uint64_t number)
{
	reply_put(r, &(struct piece){.kind = (uint8_t)piece, .number = number});
}

void
reply_done(struct reply *r, enum lookup_outcome outcome)
{
	if (outcome != LOOKUP_FOUND)
		msg.pieces.n = 0;
	msg.found = (uint8_t)outcome;
	msg.error = 0;
	if (outcome == LOOKUP_LATER && r->error > 0)
		msg.error = (uint32_t)r->error;
	reply_send(r, 0);
	msg.found = 0;
	msg.error = 0;
}
