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
#define EVENT_FIELD(NAME, text, type, help) FIELD_##NAME,
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

/* Bytes of a text field; services and reason may have the longer one, text the
 * longest. */
#define EVENT_TEXT_MAX 256
#define EVENT_LONG_TEXT_MAX 1024
#define EVENT_LONGEST_TEXT 4096

enum event_type {
	EVENT_TEXT,
	EVENT_STRANGE, /* a text of a stranger's choice */
	EVENT_NUMBER
};

/* A row of the catalogue; masks of 1 << role and of 1 << field. */
struct event_info {
	const char *name;	/* "connection-accepted" */
	const char *message_id; /* 32 hexadecimal digits */
	int priority;		/* syslog(3)'s */
	uint32_t roles;
	uint32_t fields;
	const char *sentence;
	const char *explanation;
};

extern const struct event_info event_infos[EV_COUNT];

/* An event being built, on the caller's stack. */
struct event_builder {
	struct msg_event msg;
	uint32_t seen; /* fields so far */
	int err;       /* sticky: ERR_VALUE, a bug of the caller's */
};

/* Begin; stamps the wall clock. */
void event_begin(struct event_builder *b, enum event event);

/*
 * Fields: each at most once, only those that the catalogue gives the event;
 * else b->err. What is too long is cut and no error. NULL as text leaves the
 * field out; "" is a value, written as two quotes.
 */
void event_text(struct event_builder *b, enum event_field f, const char *text);
void event_bytes(
    struct event_builder *b, enum event_field f, const void *p, size_t n);
void event_number(struct event_builder *b, enum event_field f, uint64_t n);

/* family, source and source-port in one. */
void event_source(struct event_builder *b, const struct addr *peer);

/*
 * Where a process's events go: its channel to audit, a bounded queue for when
 * audit is slow, and a count of what was dropped, reported by events-dropped as
 * soon as there is room. One a process. None of these calls ever waits.
 */
struct event_sink;

/* NULL when out of memory. capacity: events held back before dropping. */
struct event_sink *event_sink_new(enum role self, size_t capacity);

/* Takes fd over (non-blocking is made); an earlier channel is closed. What is
 * queued goes to the new one. -1: none for now. */
void event_sink_attach(struct event_sink *s, int fd);

/*
 * Send or queue; counts a drop when the queue is full. With holding on, it
 * only queues, and event_sink_flush() at the end of a turn of the caller's
 * loop sends many by one system call; at 64 it sends by itself.
 */
void event_emit(struct event_sink *s, struct event_builder *b);
void event_sink_hold(struct event_sink *s, int on);

/* NULL is allowed; what is queued is lost. */
void event_sink_free(struct event_sink *s);

/* Events held and events lost since the last that reported it. */
size_t event_sink_queued(const struct event_sink *s);
/* All that ever left the queue; the one emitted last leaves it when this has
 * grown by event_sink_queued(). */
uint64_t event_sink_sent(const struct event_sink *s);
uint64_t event_sink_dropped(const struct event_sink *s);

/* For a poll loop: the channel's descriptor, or -1; whether to poll POLLOUT. */
int event_sink_fd(const struct event_sink *s);
int event_sink_wants_write(const struct event_sink *s);
/* Send what is queued, as far as it goes. */
void event_sink_flush(struct event_sink *s);
/* The last of it, before the process ends: waits so long at the most. */
void event_sink_finish(struct event_sink *s, unsigned ms);

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
int event_decode(
    const struct msg_event *msg, enum role from, struct event_view *out);

const char *event_name(enum event event);	  /* "connection-accepted" */
const char *event_field_name(enum event_field f); /* "source-port" */
enum event_type event_field_type(enum event_field f);
const char *event_field_help(enum event_field f); /* "the process" */

#endif
