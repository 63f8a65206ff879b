/*
 * All processes from /proc, and a process's children. Ender, planner; distrusts
 * names in it.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/ptable_all.h"

/* A folder of /proc that a process has; its name is the kernel's. */
static pid_t
ptable_pid_of_name(const char *name)
{
	return ((pid_t)strtol(name, NULL, 10));
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
