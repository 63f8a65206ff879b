/*
 * Replies of a TACACS+ server, with every cut of them: more bytes never make a
 * verdict of another, and a cut one is none.
 */
#include <stdint.h>
#include <stdlib.h>

#include "workers/tacplus/packet.h"

#define SECRET "tac-s3cret"
#define SESSION 0x01020304

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum packet_answer whole =
	    packet_read_reply(data, size, SECRET, SESSION);

	for (size_t n = 0; n < size && n < 64; n++) {
		enum packet_answer cut =
		    packet_read_reply(data, n, SECRET, SESSION);

		if (cut == PACKET_MORE)
			continue;
		/* What was settled by fewer bytes is settled, or too long. */
		if (whole != PACKET_ERROR)
			abort();
	}
	if (size > PACKET_REPLY_MAX && whole != PACKET_ERROR)
		abort();
	return (0);
}
