/* Processes from /proc. Monitor (root), and the ender; distrusts names in it.
 */
#include <sys/syscall.h>

#include <ctype.h>
#include <dirent.h>
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

/* A folder of /proc that a process has; its name is the kernel's. */
static pid_t
ptable_pid_of_name(const char *name)
{
	return ((pid_t)strtol(name, NULL, 10));
}

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

/*
 * Why a file of a process could not be read: it has gone, or is none of ours to
 * see (hidepid, of an ordinary user's), or else that cannot be told now.
 */
static int
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

static int
ptable_add_row(struct ptable *t, const struct ptable_row *row)
{
	if (t->count == t->room) {
		size_t room = t->room == 0 ? 256 : 2 * t->room;
		struct ptable_row *rows;

		rows = realloc(t->rows, room * sizeof(*rows));
		if (rows == NULL)
			return (ERR_NO_MEMORY);
		t->rows = rows;
		t->room = room;
	}
	t->rows[t->count++] = *row;
	return (0);
}

/* NULL at the end, or with *err where the rest cannot be read. */
static struct dirent *
ptable_next_entry(DIR *d, int *err)
{
	struct dirent *e;

	errno = 0;
	e = readdir(d);
	if (e == NULL && errno != 0)
		*err = ERR_SHORT;
	return (e);
}

typedef int read_row(pid_t pid, struct ptable_row *row);

static int
ptable_read_all(struct ptable *t, read_row *read_row_of)
{
	struct ptable_row row;
	struct dirent *e;
	int err = 0;
	DIR *d = opendir("/proc");

	t->count = 0;
	if (d == NULL)
		return (ptable_read_error(errno) == ERR_SHORT ? ERR_SHORT
							      : ERR_SYSTEM);
	while (err == 0 && (e = ptable_next_entry(d, &err)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		err = read_row_of(ptable_pid_of_name(e->d_name), &row);
		if (err == 0)
			err = ptable_add_row(t, &row);
		else if (err == ERR_NOT_FOUND)
			err = 0;
	}
	closedir(d);
	return (err);
}

int
ptable_read(struct ptable *t)
{
	return (ptable_read_all(t, ptable_read_one));
}

int
ptable_read_tree(struct ptable *t)
{
	return (ptable_read_all(t, ptable_look));
}

void
ptable_free(struct ptable *t)
{
	free(t->rows);
	t->rows = NULL;
	t->count = t->room = 0;
}

/* The numbers of a file, which may be long. */
static int
ptable_children_of_thread(pid_t pid, pid_t thread, ptable_child *cb, void *arg)
{
	char path[64], text[4096];
	pid_t child = 0;
	ssize_t n;
	int fd, error;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
	    (int)thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return (ptable_read_error(errno));
	while ((n = read(fd, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (isdigit((unsigned char)text[i])) {
				child = child * 10 + (text[i] - '0');
				continue;
			}
			if (child > 0)
				cb(child, arg);
			child = 0;
		}
	}
	error = errno;
	close(fd);
	return (n == 0 ? 0 : ptable_read_error(error));
}

static int
ptable_children_of_threads(pid_t pid, ptable_child *cb, void *arg)
{
	char path[64];
	struct dirent *e;
	int err = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	if (d == NULL)
		return (ptable_read_error(errno));
	while (err == 0 && (e = ptable_next_entry(d, &err)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		err = ptable_children_of_thread(
		    pid, ptable_pid_of_name(e->d_name), cb, arg);
		if (err == ERR_NOT_FOUND) /* a thread that has ended */
			err = 0;
	}
	closedir(d);
	return (err);
}

/* Without CONFIG_PROC_CHILDREN nobody has the file, we neither. */
static bool
ptable_children_are_told(void)
{
	static int told = -1;
	char path[64];
	int fd;

	if (told < 0) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		    (int)getpid());
		fd = open(path, O_RDONLY | O_CLOEXEC);
		told = fd >= 0 || errno != ENOENT;
		fd_close(&fd);
	}
	return (told != 0);
}

int
ptable_children(const struct ptable_row *row, ptable_child *cb, void *arg)
{
	if (!ptable_children_are_told())
		return (ERR_UNSUPPORTED);
	return (row->threads > 1
		    ? ptable_children_of_threads(row->pid, cb, arg)
		    : ptable_children_of_thread(row->pid, row->pid, cb, arg));
}

/*
 * fcntl(2), F_SETOWN_EX: ESRCH when the number is none; before Linux 4.16 and
 * where a filter denies it, all are taken for used.
 */
bool
ptable_number_is_used(pid_t number)
{
	struct f_owner_ex owner = {.type = F_OWNER_PID, .pid = number};
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool used =
	    fd < 0 || fcntl(fd, F_SETOWN_EX, &owner) == 0 || errno != ESRCH;

	fd_close(&fd);
	return (used);
}
