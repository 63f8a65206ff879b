/*
 * Events as structured entries of systemd's journal: PORTREEVE_EVENT and a
 * field for each of the event's, MESSAGE_ID, PRIORITY and a sentence. Only
 * audit. A journal that does not read makes this process wait, and only it.
 */
#include <sys/uio.h>

#include <ctype.h>
#include <string.h>
#include <bsd/string.h>

#include <systemd/sd-journal.h>

#include "audit/text.h"
#include "audit/writer/output.h"
#include "audit/writer/probe.h"
#include "lib/err.h"
#include "lib/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* The event's own fields, and what every entry has. */
#define JOURNAL_FIELDS (EVENT_FIELDS + 6)

struct entry {
	struct iovec iov[JOURNAL_FIELDS];
	int n;
	size_t used;
	char buf[2 * EVENT_LINE_MAX];
};

static int
journal_open(void)
{
	return (probe_socket(JOURNAL_SOCKET));
}

/* Bytes of the longest "PREFIX_NAME=", and more. */
#define ENTRY_NAME_MAX 64

static size_t
entry_left(const struct entry *e, const char *p)
{
	return (sizeof(e->buf) - (size_t)(p - e->buf));
}

/*
 * One more field: "NAME=". Returns where its value goes. An entry has room for
 * every event's fields, all bytes escaped; that there is some is checked.
 */
static char *
entry_name(struct entry *e, const char *prefix, const char *name)
{
	char *p = e->buf + e->used;

	if (entry_left(e, p) < ENTRY_NAME_MAX || e->n == JOURNAL_FIELDS)
		bug("a journal entry is longer than any event");
	e->iov[e->n].iov_base = p;
	for (const char *c = prefix; *c != '\0'; c++)
		*p++ = *c;
	for (const char *c = name; *c != '\0'; c++) {
		int upper = toupper((unsigned char)*c);

		*p++ = upper == '-' ? '_' : (char)upper;
	}
	*p++ = '=';
	return (p);
}

static void
entry_value(struct entry *e, const char *value, size_t n)
{
	const char *start = e->iov[e->n].iov_base;

	e->iov[e->n].iov_len = (size_t)(value - start) + n;
	e->used += e->iov[e->n].iov_len;
	e->n++;
}

static void
entry_text(struct entry *e, const char *name, const char *text)
{
	char *p = entry_name(e, "", name);

	entry_value(e, p, strlcpy(p, text, entry_left(e, p)));
}

static int
journal_write(const struct event_view *v)
{
	static struct entry e;
	const struct event_info *info = &event_infos[v->event];
	const char priority[2] = {(char)('0' + info->priority), '\0'};
	char *p;

	e.n = 0;
	e.used = 0;
	p = entry_name(&e, "", "MESSAGE");
	entry_value(&e, p, event_sentence(v, p, EVENT_LINE_MAX));
	entry_text(&e, "MESSAGE_ID", info->message_id);
	entry_text(&e, "PRIORITY", priority);
	entry_text(&e, "SYSLOG_IDENTIFIER", "portreeved");
	entry_text(&e, "PORTREEVE_EVENT", event_name(v->event));
	for (int i = 0; i < EVENT_FIELDS; i++) {
		enum event_field f = (enum event_field)i;

		if (v->fields[f].p == NULL)
			continue;
		p = entry_name(&e, "PORTREEVE_", event_field_name(f));
		entry_value(&e, p, event_value(v, f, p, entry_left(&e, p)));
	}
	return (sd_journal_sendv(e.iov, e.n) < 0 ? ERR_SYSTEM : 0);
}

const struct output output_journal = {
    .name = "the journal",
    .open = journal_open,
    .write = journal_write,
};
