/*
 * Compares the sockets that the service manager handed over with what the
 * statements say. Planner: sealed, with root's uid and CAP_DAC_READ_SEARCH (in
 * a check, whoever asked for it). The list is the daemon's own file, in a
 * folder where nobody else writes; it is read line by line, bounded, and a line
 * that is not one of its form is passed over.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/ptable.h"
#include "lib/safe.h"
#include "planner/handed.h"
#include "planner/note.h"

#define HANDED_LINE_MAX 256

/* What stands where, in the note's text; false when there is nothing to say. */
static bool
handed_differs(const struct conf_service *s, const struct addr *address,
    struct msg_plan_note *note)
{
	const struct addr *said = NULL;
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < s->listen_count; i++) {
		const struct addr *l = &s->listen[i];

		if (l->family != address->family)
			continue;
		if (s->listen_default ? l->port == address->port
				      : addr_equal(l, address))
			return (false);
		if (said == NULL)
			said = l;
	}
	if (s->listen_count == 0)
		return (false);
	if (said == NULL)
		said = &s->listen[0];
	note->line = s->pos.line;
	note->column = s->pos.col;
	snprintf(note->text, sizeof(note->text),
	    "the service manager's socket is %s port %u, and the statements "
	    "say %s port %u: the socket is used; change its ListenStream= or "
	    "ListenDatagram=, or the statements",
	    addr_text(address, a), address->port, addr_text(said, b),
	    said->port);
	return (true);
}

static void
handed_is_unclaimed(
    const char *name, const struct addr *address, struct msg_plan_note *note)
{
	char a[ADDR_TEXT_MAX];

	snprintf(note->text, sizeof(note->text),
	    "a socket was handed over for %s (%s port %u), but no active "
	    "statement names that service: its connections are closed",
	    name, addr_text(address, a), address->port);
}

static bool
handed_daemon_runs(const char *line)
{
	struct ptable_row row;
	char *rest;
	long pid = strtol(line, &rest, 10);

	return (pid > 0 && pid <= INT32_MAX &&
		ptable_read_one((pid_t)pid, &row) == 0 && !row.zombie &&
		row.start == strtoull(rest, NULL, 10));
}

/* Whether a line is one, and there is something to say of its socket. */
static bool
handed_judge(char *line, const struct conf *conf, struct msg_plan_note *note)
{
	char *save = NULL, *port = strtok_r(line, " \n", &save);
	char *address = strtok_r(NULL, " \n", &save);
	char *name = strtok_r(NULL, "\n", &save);
	unsigned long n = port != NULL ? strtoul(port, NULL, 10) : 0;
	const struct conf_service *s;
	struct addr a;

	memset(note, 0, sizeof(*note));
	if (name == NULL || n == 0 || n > UINT16_MAX ||
	    strlen(name) >= sizeof(note->service) ||
	    addr_parse(&a, address, (uint16_t)n) != 0)
		return (false);
	snprintf(note->service, sizeof(note->service), "%s", name);
	s = conf_find_service(conf, name);
	if (s != NULL)
		return (handed_differs(s, &a, note));
	handed_is_unclaimed(name, &a, note);
	return (true);
}

void
handed_send(const struct planner *p, const struct conf *conf, size_t most)
{
	char path[PATH_MAX + 32], why[SAFE_REASON_MAX], line[HANDED_LINE_MAX];
	static struct msg_plan_note note;
	FILE *f = NULL;
	int fd;

	snprintf(path, sizeof(path), "%s/state/sockets", p->daemon);
	fd = safe_open_file(path, geteuid(), why, sizeof(why));
	if (fd >= 0 && (f = fdopen(fd, "r")) == NULL)
		close(fd);
	if (f == NULL)
		return;
	if (fgets(line, sizeof(line), f) == NULL || !handed_daemon_runs(line))
		most = 0;
	while (most > 0 && fgets(line, sizeof(line), f) != NULL) {
		if (!handed_judge(line, conf, &note))
			continue;
		most--;
		note_send(p, &note);
	}
	fclose(f);
}
