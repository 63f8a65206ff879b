/* Lookup's messages to the master. Waits for room: the master reads. */
#include <string.h>

#include "workers/lookup/reply.h"

static struct msg_lookup_piece msg;

static void
reply_send_piece(struct reply *r, enum lookup_piece piece, uint64_t number,
    const void *text, size_t n)
{
	if (r->err != 0)
		return;
	msg.request = r->request;
	msg.piece = (uint8_t)piece;
	msg.number = number;
	msg.text.n = (uint16_t)n;
	if (n > 0)
		memcpy(msg.text.b, text, n);
	r->err = ipc_send_wait(r->master, MSG_LOOKUP_PIECE, &msg, NULL, 0);
}

void
reply_text(struct reply *r, enum lookup_piece piece, const void *text, size_t n)
{
	const uint8_t *p = text;

	while (n > 0) {
		size_t some = n < sizeof(msg.text.b) ? n : sizeof(msg.text.b);

		reply_send_piece(r, piece, 0, p, some);
		p += some;
		n -= some;
	}
}

void
reply_number(struct reply *r, enum lookup_piece piece, uint64_t number)
{
	reply_send_piece(r, piece, number, NULL, 0);
}

void
reply_done(struct reply *r, enum lookup_outcome outcome)
{
	struct msg_lookup_done done = {
	    .request = r->request, .found = (uint8_t)outcome};

	if (outcome == LOOKUP_LATER && r->error > 0)
		done.error = (uint32_t)r->error;
	if (r->err == 0)
		r->err =
		    ipc_send_wait(r->master, MSG_LOOKUP_DONE, &done, NULL, 0);
}
