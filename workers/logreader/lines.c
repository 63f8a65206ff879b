/*
 * What inetd-style programs write to their standard error, line by line, as
 * program-output events. In the logreader, sealed. A program that writes more
 * than the rate of workers/logreader/rate.h loses lines, and their number is
 * told; it never takes the others' turn.
 */
#include <string.h>

#include "workers/logreader/source.h"

static void
line_tell(struct source *src, const struct source_out *out,
    const struct slot *slot, pid_t pid, const char *line, size_t n)
{
	struct event_builder b;
	struct addr peer;

	event_begin(&b, EV_PROGRAM_OUTPUT);
	event_text(&b, FIELD_SERVICE, src->service);
	if (slot != NULL) {
		slot_peer(slot, &peer);
		event_source(&b, &peer);
		event_number(&b, FIELD_SESSION, slot->session);
	}
	event_number(&b, FIELD_PID, (uint64_t)pid);
	event_bytes(&b, FIELD_TEXT, line, n);
	event_emit(out->events, &b);
}

void
source_lines(struct source *src, const struct source_out *out,
    const struct slot *slot, pid_t pid, const char *record, size_t n,
    uint64_t now)
{
	source_tell_dropped(src, out, now);
	while (n > 0) {
		const char *end = memchr(record, '\n', n);
		size_t line = end == NULL ? n : (size_t)(end - record);
		size_t text = line;

		if (text > 0 && record[text - 1] == '\r')
			text--;
		if (text > 0 && rate_pass(&src->rate, now))
			line_tell(src, out, slot, pid, record, text);
		line += end != NULL;
		record += line;
		n -= line;
	}
	if (src->rate.dropped > 0)
		src->waiting = true;
}

void
source_tell_dropped(
    struct source *src, const struct source_out *out, uint64_t now)
{
	uint64_t n = rate_dropped(&src->rate, now);
	struct event_builder b;

	if (n == 0)
		return;
	event_begin(&b, EV_EVENTS_DROPPED);
	event_text(&b, FIELD_ROLE, "logreader");
	event_number(&b, FIELD_COUNT, n);
	event_emit(out->events, &b);
}
