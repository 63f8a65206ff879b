/*
 * An event as text: the logfmt line of a terminal or of syslog, and the
 * sentence of a journal entry. Pure; audit and tests. The event's texts come
 * from strangers: every byte of them passes lib/escape.h here.
 */
#ifndef PORTREEVE_AUDIT_TEXT_H
#define PORTREEVE_AUDIT_TEXT_H

#include <stddef.h>

#include "audit/event.h"

/* Enough for any event: every byte of its fields as \xHH, names, numbers. */
#define EVENT_LINE_MAX 21504

/*
 * "event=NAME FIELD=VALUE …" without newline, fields in the catalogue's order.
 * Returns the bytes written without the NUL; never more than size - 1, cut at
 * a whole field.
 */
size_t event_logfmt(const struct event_view *v, char *dst, size_t size);

/* The catalogue's sentence; a field that is absent reads "unknown". */
size_t event_sentence(const struct event_view *v, char *dst, size_t size);

/* Only a field's value, escaped, without quotes. The field must be there. */
size_t event_value(
    const struct event_view *v, enum event_field f, char *dst, size_t size);

#endif
