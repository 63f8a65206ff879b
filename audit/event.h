/*
 * Audit events: typed, from one catalogue (audit/events.def). Here: the enums,
 * and building an event in the process that reports it. Any process that has
 * a channel to audit: monitor, master, logreader. Never blocks the caller.
 */
#ifndef PORTREEVE_AUDIT_EVENT_H
#define PORTREEVE_AUDIT_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "lib/addr.h"

enum event_field {
#define EVENT_FIELD(NAME, text, type) FIELD_##NAME,
#define EVENT(...)
#include "audit/events.def"
#undef EVENT_FIELD
#undef EVENT
	EVENT_FIELDS
};

enum event {
#define EVENT_FIELD(...)
#define EVENT(NAME, ...) EV_##NAME,
#include "audit/events.def"
#undef EVENT_FIELD
#undef EVENT
	EV_COUNT
};

/* An event being built, on the caller's stack. */
struct event_builder {
	struct msg_event msg;
	int err; /* sticky: ERR_VALUE, ERR_TOO_LONG (text fields are cut) */
};

/* Begin; stamps the wall clock. */
void event_begin(struct event_builder *b, enum event event);

/* Fields: each at most once, only those that the catalogue gives the event. */
void event_text(struct event_builder *b, enum event_field f, const char *text);
void event_bytes(struct event_builder *b, enum event_field f, const void *p,
    size_t n);
void event_number(struct event_builder *b, enum event_field f, uint64_t n);

/* family, source and source-port in one. */
void event_source(struct event_builder *b, const struct addr *peer);

/*
 * Where a process's events go: its channel to audit, a bounded queue for when
 * audit is slow, and a count of what was dropped, told as events-dropped as
 * soon as there is room. One a process. None of these calls ever waits.
 */
struct event_sink;

/* NULL when out of memory. capacity: events held back before dropping. */
struct event_sink *event_sink_new(enum role self, size_t capacity);

/* Takes fd over (non-blocking is made); an earlier channel is closed. What is
 * queued goes to the new one. */
void event_sink_attach(struct event_sink *s, int fd);

/* Send or queue; counts a drop when the queue is full. */
void event_emit(struct event_sink *s, struct event_builder *b);

/* For a poll loop: the channel's descriptor, or -1; whether to poll POLLOUT. */
int event_sink_fd(const struct event_sink *s);
int event_sink_wants_write(const struct event_sink *s);
/* Send what is queued, as far as it goes. */
void event_sink_flush(struct event_sink *s);

/* Decoded view of an event, for audit and for tests. */
struct event_view {
	enum event event;
	uint64_t time; /* wall clock, ns */
	struct {
		const uint8_t *p; /* NULL: absent; points into the message */
		uint16_t n;
		uint64_t number;
	} fields[EVENT_FIELDS];
};

/* ERR_VALUE, ERR_TRUNCATED, ERR_TYPE or ERR_SENDER (not an event of role). */
int event_decode(const struct msg_event *msg, enum role from,
    struct event_view *out);

const char *event_name(enum event event);	/* "connection-accepted" */
const char *event_field_name(enum event_field f); /* "source-port" */

#endif
