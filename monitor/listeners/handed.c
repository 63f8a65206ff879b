/*
 * What the service manager handed over, written down. Monitor (root). The file
 * is "PID START" of the daemon, then a line "PORT ADDRESS NAME" for each.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/ptable.h"
#include "monitor/listeners/handed.h"

static void
handed_write_lines(struct monitor *mon, FILE *f)
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

	snprintf(path, sizeof(path), "%s/state/sockets", mon->run_dir);
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
	handed_write_lines(mon, f);
	if (fclose(f) != 0)
		log_errno("%s cannot be written", path);
}
