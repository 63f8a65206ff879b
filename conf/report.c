/*
 * What is wrong with a configuration, collected to be told all at once.
 * Planner and CLI. The texts hold words of the file, escaped here; nothing is
 * printed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

/* A file that is wrong a thousand times is not read to the end by anybody. */
#define REPORT_MAX 1000

static int
report_grow(struct conf_report *r)
{
	size_t room = r->room == 0 ? 8 : r->room * 2;
	struct conf_diag *diags;

	if (r->count >= REPORT_MAX)
		return (-1);
	if (r->count < r->room)
		return (0);
	diags = reallocarray(r->diags, room, sizeof(*diags));
	if (diags == NULL)
		return (-1);
	r->diags = diags;
	r->room = room;
	return (0);
}

/*
 * Bytes of a file go into messages: all but printable ASCII is escaped, and
 * quotes stay as they are, since our own sentences quote with them.
 */
static void
report_text(char *dst, size_t size, const char *src)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	for (; *src != '\0'; src++) {
		unsigned char c = (unsigned char)*src;

		if (c >= 0x20 && c <= 0x7e) {
			if (used + 2 > size)
				break;
			dst[used++] = (char)c;
		} else {
			if (used + 5 > size)
				break;
			dst[used++] = '\\';
			dst[used++] = 'x';
			dst[used++] = hex[c >> 4];
			dst[used++] = hex[c & 15];
		}
	}
	dst[used] = '\0';
}

/* Whether d comes before one that is there already. */
static bool
report_is_before(const struct conf_diag *d, const struct conf_diag *there)
{
	if (d->severity != there->severity)
		return (d->severity == CONF_ERROR);
	if (d->file[0] != '\0')
		return (false);
	if (there->file[0] != '\0')
		return (true);
	return (
	    d->pos.line < there->pos.line ||
	    (d->pos.line == there->pos.line && d->pos.col < there->pos.col));
}

/*
 * Errors first; then in the order of the file, and what is said of the same
 * place, in ours; what is said of other files behind it.
 */
static void
report_insert(struct conf_report *r, const struct conf_diag *d)
{
	size_t at = r->count;

	while (at > 0 && report_is_before(d, &r->diags[at - 1]))
		at--;
	memmove(&r->diags[at + 1], &r->diags[at],
	    (r->count - at) * sizeof(*r->diags));
	r->diags[at] = *d;
	r->count++;
}

static void
report_add(struct conf_report *r, enum conf_severity severity, const char *file,
    struct conf_pos pos, const char *fmt, va_list ap)
{
	char raw[CONF_MESSAGE_MAX];
	struct conf_diag d = {.severity = severity, .pos = pos};

	if (severity == CONF_ERROR)
		r->errors++;
	/* No warning keeps an error out. */
	if (severity == CONF_ERROR && r->count == REPORT_MAX &&
	    r->diags[r->count - 1].severity == CONF_WARNING) {
		r->count--;
		r->lost = true;
	}
	if (report_grow(r) != 0) {
		r->lost = true;
		return;
	}
	vsnprintf(raw, sizeof(raw), fmt, ap);
	report_text(d.text, sizeof(d.text), raw);
	report_text(d.file, sizeof(d.file), file);
	report_insert(r, &d);
}

bool
conf_report_is_full(const struct conf_report *r)
{
	return (r->count >= REPORT_MAX &&
		r->diags[r->count - 1].severity == CONF_ERROR);
}

void
conf_report_add(struct conf_report *r, enum conf_severity severity,
    struct conf_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_add(r, severity, "", pos, fmt, ap);
	va_end(ap);
}

void
conf_report_add_file(struct conf_report *r, enum conf_severity severity,
    const char *file, struct conf_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_add(r, severity, file, pos, fmt, ap);
	va_end(ap);
}

const char *
conf_diag_text(
    const struct conf_diag *d, const char *name, char *buf, size_t size)
{
	const char *word = d->severity == CONF_ERROR ? "error" : "warning";
	char file[256];

	/* About the whole file: at its begin, so that lines have one form. */
	report_text(file, sizeof(file), d->file[0] != '\0' ? d->file : name);
	snprintf(buf, size, "%s:%u:%u: %s: %s", file,
	    d->pos.line == 0 ? 1 : d->pos.line,
	    d->pos.line == 0 ? 1 : d->pos.col, word, d->text);
	return (buf);
}

void
conf_report_clear(struct conf_report *r)
{
	free(r->diags);
	memset(r, 0, sizeof(*r));
}
