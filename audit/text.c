/* Events as text. Audit and tests; pure. Trusts no byte of a field's value. */
#include <string.h>

#include "audit/text.h"
#include "lib/escape.h"

/* What follows a field's name: digits, or an escaped value. */
static size_t
text_number(uint64_t n, char *dst, size_t size)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	if (size == 0)
		return (0);
	if (sizeof(digits) - i >= size) {
		dst[0] = '\0';
		return (0);
	}
	memcpy(dst, digits + i, sizeof(digits) - i);
	dst[sizeof(digits) - i] = '\0';
	return (sizeof(digits) - i);
}

size_t
event_value(
    const struct event_view *v, enum event_field f, char *dst, size_t size)
{
	if (event_field_type(f) == EVENT_NUMBER)
		return (text_number(v->fields[f].number, dst, size));
	return (escape_bytes(dst, size, v->fields[f].p, v->fields[f].n));
}

size_t
event_logfmt(const struct event_view *v, char *dst, size_t size)
{
	const char *name = event_name(v->event);
	size_t out = 0, n = strlen(name);

	if (size == 0)
		return (0);
	dst[0] = '\0';
	if (sizeof("event=") + n > size)
		return (0);
	memcpy(dst, "event=", 6);
	memcpy(dst + 6, name, n + 1);
	out = 6 + n;
	for (int i = 0; i < EVENT_FIELDS; i++) {
		enum event_field f = (enum event_field)i;
		size_t at = out;

		if (v->fields[f].p == NULL)
			continue;
		name = event_field_name(f);
		n = strlen(name);
		if (at + n + 2 >= size)
			break;
		dst[at++] = ' ';
		memcpy(dst + at, name, n);
		at += n;
		dst[at++] = '=';
		if (event_field_type(f) == EVENT_NUMBER)
			n = text_number(
			    v->fields[f].number, dst + at, size - at);
		else
			n = escape_logfmt(dst + at, size - at, v->fields[f].p,
			    v->fields[f].n);
		if (n == 0)
			break;
		out = at + n;
	}
	dst[out] = '\0';
	return (out);
}

/* The field whose name is the n bytes at p, or EVENT_FIELDS. */
static enum event_field
text_field(const char *p, size_t n)
{
	for (int i = 0; i < EVENT_FIELDS; i++) {
		const char *name = event_field_name((enum event_field)i);

		if (strncmp(name, p, n) == 0 && name[n] == '\0')
			return ((enum event_field)i);
	}
	return (EVENT_FIELDS);
}

/* A stranger's words look like none of ours: no name adds an address. */
static size_t
text_said(
    const struct event_view *v, enum event_field f, char *dst, size_t size)
{
	size_t n;

	if (event_field_type(f) != EVENT_STRANGE)
		return (event_value(v, f, dst, size));
	if (size < sizeof("\"\"")) {
		dst[0] = '\0';
		return (0);
	}
	dst[0] = '"';
	n = 1 + event_value(v, f, dst + 1, size - 2);
	dst[n++] = '"';
	dst[n] = '\0';
	return (n);
}

size_t
event_sentence(const struct event_view *v, char *dst, size_t size)
{
	static const char unknown[] = "unknown";
	const char *p = event_infos[v->event].sentence;
	size_t out = 0;

	if (size == 0)
		return (0);
	while (*p != '\0' && out + 1 < size) {
		size_t n = strcspn(p + 1, "}");
		enum event_field f;

		if (*p != '{' || p[1 + n] != '}') {
			dst[out++] = *p++;
			continue;
		}
		f = text_field(p + 1, n);
		p += n + 2;
		if (f < EVENT_FIELDS && v->fields[f].p != NULL)
			out += text_said(v, f, dst + out, size - out);
		else
			out += escape_bytes(dst + out, size - out, unknown,
			    sizeof(unknown) - 1);
	}
	dst[out] = '\0';
	return (out);
}
