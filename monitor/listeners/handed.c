/*
 * What the service manager handed over, and what the statements say. Monitor
 * (root), and -n as whoever started that. The file is the daemon's own, in a
 * folder where nobody else writes; it is read line by line, bounded, and what
 * is none of its lines is passed over.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/safe.h"
#include "monitor/listeners/handed.h"
#include "lib/ptable.h"
#include "monitor/plan.h"

#define LINE_MAX_BYTES 256

bool
handed_is_stated(const struct plan_service *s, const struct addr *address,
    char words[HANDED_WORDS_MAX])
{
	const struct addr *said = NULL;
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < s->address_count; i++) {
		const struct addr *l = &s->addresses[i];

		if (l->family != address->family)
			continue;
		if (s->is.listen_default ? l->port == address->port
					 : addr_equal(l, address))
			return (true);
		if (said == NULL)
			said = l;
	}
	if (s->address_count == 0)
		return (true);
	if (said == NULL)
		said = &s->addresses[0];
	snprintf(words, HANDED_WORDS_MAX,
	    "the service manager's socket is %s port %u, and the statements "
	    "say %s port %u: the socket is used; change its ListenStream= or "
	    "ListenDatagram=, or the statements",
	    addr_text(address, a), address->port, addr_text(said, b),
	    said->port);
	return (false);
}

void
handed_is_unclaimed(
    const char *name, const struct addr *address, char words[HANDED_WORDS_MAX])
{
	char a[ADDR_TEXT_MAX];

	snprintf(words, HANDED_WORDS_MAX,
	    "a socket was handed over for %s (%s port %u), but no active "
	    "statement names that service: its connections are closed",
	    name, addr_text(address, a), address->port);
}

/* --- the file
 * ----------------------------------------------------------------- "PID START"
 * of the daemon, then a line "PORT ADDRESS NAME" for each.
 */

static int
handed_path(char *path, size_t size, const char *run_dir)
{
	int n = snprintf(path, size, "%s/state/sockets", run_dir);

	return (n > 0 && (size_t)n < size ? 0 : -1);
}

static void
write_lines(struct monitor *mon, FILE *f)
{
	struct ptable_row me = {0};
	char text[ADDR_TEXT_MAX];
	struct listener *l;

	if (ptable_read_one(getpid(), &me) < 0)
		return;
	fprintf(f, "%d %" PRIu64 "\n", (int)getpid(), me.start);
	TAILQ_FOREACH (l, &mon->listeners, next) {
		if (l->origin != LISTENER_OURS)
			fprintf(f, "%u %s %s\n", l->address.port,
			    addr_text(&l->address, text), l->name);
	}
}

void
handed_write(struct monitor *mon)
{
	char path[PATH_MAX + 32];
	FILE *f = NULL;
	int fd;

	if (handed_path(path, sizeof(path), mon->run_dir) != 0)
		return;
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (f == NULL) {
		log_errno("%s cannot be written", path);
		if (fd >= 0)
			close(fd);
		return;
	}
	write_lines(mon, f);
	if (fclose(f) != 0)
		log_errno("%s cannot be written", path);
}

static bool
daemon_runs(const char *line)
{
	struct ptable_row row;
	char *rest;
	long pid = strtol(line, &rest, 10);

	return (pid > 0 && pid <= INT32_MAX &&
		ptable_read_one((pid_t)pid, &row) == 0 && !row.zombie &&
		row.start == strtoull(rest, NULL, 10));
}

static void
check_line(char *line, struct plan *plan)
{
	char *save = NULL, *port = strtok_r(line, " \n", &save);
	char *address = strtok_r(NULL, " \n", &save);
	char *name = strtok_r(NULL, "\n", &save);
	char words[HANDED_WORDS_MAX];
	const struct plan_service *s;
	unsigned long n = port != NULL ? strtoul(port, NULL, 10) : 0;
	struct addr a;

	if (name == NULL || n == 0 || n > UINT16_MAX ||
	    addr_parse(&a, address, (uint16_t)n) != 0)
		return;
	s = plan_find(plan, name);
	if (s == NULL) {
		handed_is_unclaimed(name, &a, words);
		plan_warn(plan, NULL, words);
	} else if (!handed_is_stated(s, &a, words)) {
		plan_warn(plan, s, words);
	}
}

void
handed_check(const char *run_dir, struct plan *plan)
{
	char path[PATH_MAX + 32], why[SAFE_REASON_MAX], line[LINE_MAX_BYTES];
	FILE *f = NULL;
	int fd = -1;

	if (handed_path(path, sizeof(path), run_dir) == 0)
		fd = safe_open_file(path, geteuid(), why, sizeof(why));
	if (fd >= 0 && (f = fdopen(fd, "r")) == NULL)
		close(fd);
	if (f == NULL)
		return;
	if (fgets(line, sizeof(line), f) != NULL && daemon_runs(line)) {
		while (fgets(line, sizeof(line), f) != NULL)
			check_line(line, plan);
	}
	fclose(f);
}
