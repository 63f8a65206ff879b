/*
 * Joining writes to lines; see workers/logreader/lines.h. In the logreader,
 * sealed; the bytes are distrusted.
 */
#include <stdlib.h>
#include <string.h>

#include "workers/logreader/lines.h"

struct line_part {
	struct line_part *next;
	pid_t pid;
	uint64_t since;
	size_t n;
	char b[LINE_MAX_BYTES];
};

/* The memory of half lines, of all connections. */
static size_t lines_held;

/* Where the part of a process is linked, or NULL's place at the end. */
static struct line_part **
lines_find(struct lines *l, pid_t pid)
{
	struct line_part **at = &l->parts;

	while (*at != NULL && (*at)->pid != pid)
		at = &(*at)->next;
	return (at);
}

static void
lines_say(lines_tell *tell, void *arg, pid_t pid, const char *p, size_t n)
{
	if (n > 0 && p[n - 1] == '\r')
		n--;
	if (n > 0 && tell != NULL)
		tell(arg, pid, p, n);
}

static void
lines_drop(struct lines *l, struct line_part **at)
{
	struct line_part *part = *at;

	if (part == NULL)
		return;
	*at = part->next;
	l->count--;
	lines_held -= sizeof(*part);
	free(part);
}

/* Begin a part for a process that has none; NULL when there is no memory. */
static struct line_part *
lines_begin(
    struct lines *l, pid_t pid, uint64_t now, lines_tell *tell, void *arg)
{
	struct line_part *part;

	if (l->count == LINES_PARTS) {
		part = l->parts;
		lines_say(tell, arg, part->pid, part->b, part->n);
		lines_drop(l, &l->parts);
	}
	if (lines_held + sizeof(*part) > LINES_HELD_MAX)
		return (NULL);
	part = malloc(sizeof(*part));
	if (part == NULL)
		return (NULL);
	part->next = NULL;
	part->pid = pid;
	part->since = now;
	part->n = 0;
	*lines_find(l, pid) = part;
	l->count++;
	lines_held += sizeof(*part);
	return (part);
}

/* n bytes without a newline, whose line is not over. */
static void
lines_keep(struct lines *l, pid_t pid, const char *p, size_t n, uint64_t now,
    lines_tell *tell, void *arg)
{
	struct line_part *part = *lines_find(l, pid);

	while (n > 0) {
		size_t room;

		if (part == NULL)
			part = lines_begin(l, pid, now, tell, arg);
		if (part == NULL) {
			room = n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES;
			lines_say(tell, arg, pid, p, room);
			p += room;
			n -= room;
			continue;
		}
		room = sizeof(part->b) - part->n;
		if (room > n)
			room = n;
		memcpy(part->b + part->n, p, room);
		part->n += room;
		p += room;
		n -= room;
		if (part->n == sizeof(part->b)) {
			lines_say(tell, arg, pid, part->b, part->n);
			lines_drop(l, lines_find(l, pid));
			part = NULL;
		}
	}
}

/* n bytes up to a newline. */
static void
lines_end(struct lines *l, pid_t pid, const char *p, size_t n, uint64_t now,
    lines_tell *tell, void *arg)
{
	struct line_part **at = lines_find(l, pid);

	if (*at == NULL && n <= LINE_MAX_BYTES) {
		lines_say(tell, arg, pid, p, n);
		return;
	}
	lines_keep(l, pid, p, n, now, tell, arg);
	at = lines_find(l, pid);
	if (*at != NULL) {
		lines_say(tell, arg, pid, (*at)->b, (*at)->n);
		lines_drop(l, at);
	}
}

void
lines_take(struct lines *l, pid_t pid, const char *p, size_t n, uint64_t now,
    lines_tell *tell, void *arg)
{
	while (n > 0) {
		const char *end = memchr(p, '\n', n);

		if (end == NULL) {
			lines_keep(l, pid, p, n, now, tell, arg);
			return;
		}
		lines_end(l, pid, p, (size_t)(end - p), now, tell, arg);
		n -= (size_t)(end - p) + 1;
		p = end + 1;
	}
}

void
lines_flush(struct lines *l, uint64_t until, lines_tell *tell, void *arg)
{
	struct line_part **at = &l->parts;

	while (*at != NULL) {
		if ((*at)->since > until) {
			at = &(*at)->next;
			continue;
		}
		lines_say(tell, arg, (*at)->pid, (*at)->b, (*at)->n);
		lines_drop(l, at);
	}
}
