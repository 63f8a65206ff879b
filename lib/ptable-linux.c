/*
 * A process from /proc. Monitor (root), ender, planner; distrusts names in it.
 */
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/ptable.h"

/*
 * proc_pid_stat(5): "pid (comm) state ppid pgrp …"; comm is the process's own
 * to choose and may hold anything, so the last ')' ends it.
 */
static int
ptable_parse_stat(char *text, struct ptable_row *row)
{
	char *p = strrchr(text, ')');
	long ticks = sysconf(_SC_CLK_TCK);
	unsigned long long start;
	char state;
	int parent, group, session;
	long count;

	if (p == NULL || ticks <= 0 ||
	    /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
	    sscanf(p + 1,
		" %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
		"%*d %*d %ld %*d %llu",
		&state, &parent, &group, &session, &count, &start) != 6)
		return (ERR_SYNTAX);
	row->parent = parent;
	row->group = group;
	row->session = session;
	row->threads = count > 0 ? (unsigned)count : 0;
	/* A first thread that has ended looks so, while others run on. */
	row->zombie = (state == 'Z' || state == 'X') && count <= 1;
	row->stopped = state == 'T' || state == 't';
	row->start = start * (1000000000ull / (unsigned long)ticks);
	return (0);
}

int
ptable_read_error(int error)
{
	return (error == ENOENT || error == ESRCH || error == EACCES ||
			error == EPERM
		    ? ERR_NOT_FOUND
		    : ERR_SHORT);
}

/* A file below /proc/PID, as a text. */
static int
ptable_read_text(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd, error;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return (ptable_read_error(errno));
	n = read(fd, text, size - 1);
	error = errno;
	close(fd);
	if (n < 0)
		return (ptable_read_error(error));
	text[n] = '\0';
	return (n > 0 ? 0 : ERR_NOT_FOUND);
}

/*
 * The real uid, which the kernel's limit goes by. The owner of the folder is
 * not it: what may not be dumped belongs to root there.
 */
static int
ptable_read_uid(pid_t pid, uid_t *out)
{
	char text[1024], *p;
	unsigned uid = 0;
	int err = ptable_read_text(pid, "status", text, sizeof(text));

	if (err != 0)
		return (err);
	p = strstr(text, "\nUid:");
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own number */
	if (p == NULL || sscanf(p, "\nUid: %u", &uid) != 1)
		return (ERR_NOT_FOUND);
	*out = uid;
	return (0);
}

int
ptable_look(pid_t pid, struct ptable_row *row)
{
	char text[1024];
	int err = ptable_read_text(pid, "stat", text, sizeof(text));

	row->pid = pid;
	row->uid = (uid_t)-1;
	if (err == 0)
		err = ptable_parse_stat(text, row);
	return (err == 0 || err == ERR_SHORT ? err : ERR_NOT_FOUND);
}

int
ptable_read_one(pid_t pid, struct ptable_row *row)
{
	int err = ptable_look(pid, row);

	if (err != 0)
		return (err);
	/* One that has just gone is nobody's. */
	err = ptable_read_uid(pid, &row->uid);
	return (err == ERR_SHORT ? err : 0);
}

int
ptable_signal(const struct ptable_row *row, int signal)
{
	int fd = (int)syscall(SYS_pidfd_open, row->pid, 0), error = errno;
	struct ptable_row now;
	int err = ptable_look(row->pid, &now);

	if (fd < 0 && error != ESRCH && err == 0)
		err = ERR_SHORT;
	/* Who has the number now had it when it was opened. */
	if (fd >= 0 && err == 0 && now.start == row->start &&
	    syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0 &&
	    errno != ESRCH)
		err = ERR_SYSTEM;
	fd_close(&fd);
	return (err == ERR_NOT_FOUND ? 0 : err);
}
