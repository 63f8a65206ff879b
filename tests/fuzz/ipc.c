/*
 * Fuzzer of the message decoder and, behind it, of the event decoder and its
 * texts. What decodes must encode to the same bytes, and what is written of an
 * event must be printable.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/text.h"
#include "ipc/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_event(const struct msg_event *msg)
{
	static char text[EVENT_LINE_MAX];

	for (int role = 0; role <= ROLE_COUNT; role++) {
		struct event_view v;
		size_t n;

		if (event_decode(msg, (enum role)role, &v) != 0)
			continue;
		n = event_logfmt(&v, text, sizeof(text));
		if (n == 0 || n != strlen(text))
			abort();
		n += event_sentence(&v, text + n, sizeof(text) - n);
		for (size_t i = 0; i < n; i++) {
			if (text[i] < 0x20 || text[i] > 0x7e)
				abort();
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t back[IPC_MESSAGE_MAX];
	static union msg_any msg;
	enum msg_type type;

	memset(&msg, 0xee, sizeof(msg));
	if (msg_decode(data, size, &type, &msg) != 0)
		return (0);
	if (size > sizeof(back) ||
	    msg_encode(type, &msg, back, sizeof(back)) != (int)size ||
	    memcmp(back, data, size) != 0)
		abort();
	if (type == MSG_EVENT)
		fuzz_event(&msg.event);
	return (0);
}
