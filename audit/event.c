/*
 * The event catalogue's tables, and the codec between an event being built and
 * MSG_EVENT's bytes. Any process that reports events, and audit, which
 * distrusts what it decodes: role, fields, their types and lengths are checked
 * against the catalogue. Nothing here does I/O or allocates.
 *
 * The bytes: for each field its number (8 bits), then a text's length
 * (16 bits) and its bytes, or a number (64 bits), in the machine's byte order.
 */
#include <string.h>

#include "audit/event.h"
#include "lib/err.h"
#include "lib/fd.h"

/* Kept free of text, so that an event's numbers always fit. */
#define NUMBERS_ROOM 128

const struct event_info event_infos[EV_COUNT] = {
#define EVENT_FIELD(...)
#define EVENT(NAME, text, id, prio, roles_, fields_, sentence_, more)          \
	[EV_##NAME] = {.name = (text),                                         \
	    .message_id = (id),                                                \
	    .priority = (prio),                                                \
	    .roles = (roles_),                                                 \
	    .fields = (fields_),                                               \
	    .sentence = (sentence_),                                           \
	    .explanation = (more)},
#include "audit/events.def"
#undef EVENT_FIELD
#undef EVENT
};

static const struct {
	const char *name, *help;
	enum event_type type;
} event_fields[EVENT_FIELDS] = {
#define EVENT_FIELD(NAME, text, type_, help_)                                  \
	[FIELD_##NAME] = {                                                     \
	    .name = (text), .help = (help_), .type = EVENT_##type_},
#define EVENT(...)
#include "audit/events.def"
#undef EVENT_FIELD
#undef EVENT
};

_Static_assert(EVENT_FIELDS <= 32, "a mask of fields is 32 bits");
_Static_assert(EV_COUNT <= 64, "MSG_EVENT's range");

const char *
event_name(enum event event)
{
	return ((unsigned)event < EV_COUNT ? event_infos[event].name : "?");
}

const char *
event_field_name(enum event_field f)
{
	return ((unsigned)f < EVENT_FIELDS ? event_fields[f].name : "?");
}

enum event_type
event_field_type(enum event_field f)
{
	return ((unsigned)f < EVENT_FIELDS ? event_fields[f].type : EVENT_TEXT);
}

const char *
event_field_help(enum event_field f)
{
	return ((unsigned)f < EVENT_FIELDS ? event_fields[f].help : "?");
}

static size_t
event_text_bound(enum event_field f)
{
	if (f == FIELD_TEXT)
		return (EVENT_LONGEST_TEXT);
	if (f == FIELD_SERVICES || f == FIELD_REASON)
		return (EVENT_LONG_TEXT_MAX);
	return (EVENT_TEXT_MAX);
}

/* Whether the field may be in this event, is of this type and is new. */
static int
event_field_ok(unsigned event, uint32_t seen, unsigned f, enum event_type type)
{
	return (
	    event < EV_COUNT && f < EVENT_FIELDS &&
	    (event_fields[f].type == EVENT_NUMBER) == (type == EVENT_NUMBER) &&
	    (event_infos[event].fields & (1u << f)) != 0 &&
	    (seen & (1u << f)) == 0);
}

void
event_begin(struct event_builder *b, enum event event)
{
	b->msg.event = (uint8_t)event;
	b->msg.time = time_wall_ns();
	b->msg.fields.n = 0;
	b->msg.end_ = 0;
	b->seen = 0;
	b->err = (unsigned)event < EV_COUNT ? 0 : ERR_VALUE;
}

static void
event_put(struct event_builder *b, const void *p, size_t n)
{
	memcpy(b->msg.fields.b + b->msg.fields.n, p, n);
	b->msg.fields.n = (uint16_t)(b->msg.fields.n + n);
}

void
event_bytes(
    struct event_builder *b, enum event_field f, const void *p, size_t n)
{
	const size_t most = sizeof(b->msg.fields.b) - NUMBERS_ROOM;
	uint8_t number = (uint8_t)f;
	uint16_t len;
	size_t room;

	if (p == NULL)
		return;
	if (!event_field_ok(b->msg.event, b->seen, f, EVENT_TEXT)) {
		b->err = ERR_VALUE;
		return;
	}
	b->seen |= 1u << f;
	room = most - b->msg.fields.n;
	if (b->msg.fields.n + sizeof(number) + sizeof(len) > most)
		return; /* cut whole */
	room -= sizeof(number) + sizeof(len);
	if (n > event_text_bound(f))
		n = event_text_bound(f);
	if (n > room)
		n = room;
	len = (uint16_t)n;
	event_put(b, &number, sizeof(number));
	event_put(b, &len, sizeof(len));
	event_put(b, p, n);
}

void
event_text(struct event_builder *b, enum event_field f, const char *text)
{
	if (text != NULL)
		event_bytes(b, f, text, strlen(text));
}

void
event_number(struct event_builder *b, enum event_field f, uint64_t n)
{
	uint8_t number = (uint8_t)f;

	if (!event_field_ok(b->msg.event, b->seen, f, EVENT_NUMBER) ||
	    b->msg.fields.n + sizeof(number) + sizeof(n) >
		sizeof(b->msg.fields.b)) {
		b->err = ERR_VALUE;
		return;
	}
	b->seen |= 1u << f;
	event_put(b, &number, sizeof(number));
	event_put(b, &n, sizeof(n));
}

void
event_source(struct event_builder *b, const struct addr *peer)
{
	char text[ADDR_TEXT_MAX];

	event_text(b, FIELD_FAMILY, family_name((enum family)peer->family));
	event_text(b, FIELD_SOURCE, addr_text(peer, text));
	event_number(b, FIELD_SOURCE_PORT, peer->port);
}

/* The bytes of a text at *p, moving *p past it. */
static int
event_decode_text(
    const uint8_t **p, const uint8_t *end, unsigned f, struct event_view *out)
{
	uint16_t n;

	if ((size_t)(end - *p) < sizeof(n))
		return (ERR_TRUNCATED);
	memcpy(&n, *p, sizeof(n));
	*p += sizeof(n);
	if (n > event_text_bound((enum event_field)f))
		return (ERR_VALUE);
	if (n > end - *p)
		return (ERR_TRUNCATED);
	if (f == FIELD_FAMILY && (n != 4 || memcmp(*p, "inet", 4) != 0) &&
	    (n != 5 || memcmp(*p, "inet6", 5) != 0))
		return (ERR_VALUE);
	out->fields[f].p = *p;
	out->fields[f].n = n;
	*p += n;
	return (0);
}

static int
event_decode_number(
    const uint8_t **p, const uint8_t *end, unsigned f, struct event_view *out)
{
	if ((size_t)(end - *p) < sizeof(out->fields[f].number))
		return (ERR_TRUNCATED);
	memcpy(&out->fields[f].number, *p, sizeof(out->fields[f].number));
	out->fields[f].p = *p;
	out->fields[f].n = sizeof(out->fields[f].number);
	*p += sizeof(out->fields[f].number);
	return (0);
}

int
event_decode(
    const struct msg_event *msg, enum role from, struct event_view *out)
{
	const uint8_t *p = msg->fields.b, *end;
	uint32_t seen = 0;
	int err;

	memset(out, 0, sizeof(*out));
	if (msg->event >= EV_COUNT)
		return (ERR_TYPE);
	if (msg->fields.n > sizeof(msg->fields.b))
		return (ERR_VALUE);
	out->event = (enum event)msg->event;
	out->time = msg->time;
	if ((unsigned)from >= ROLE_COUNT ||
	    (event_infos[out->event].roles & (1u << from)) == 0)
		return (ERR_SENDER);
	end = p + msg->fields.n;
	while (p < end) {
		unsigned f = *p++;

		if (f >= EVENT_FIELDS ||
		    !event_field_ok(msg->event, seen, f, event_fields[f].type))
			return (ERR_VALUE);
		seen |= 1u << f;
		if (event_fields[f].type == EVENT_NUMBER)
			err = event_decode_number(&p, end, f, out);
		else
			err = event_decode_text(&p, end, f, out);
		if (err != 0)
			return (err);
	}
	return (0);
}
