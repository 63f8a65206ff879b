/* The process table from /proc. Monitor (root); distrusts names in it. */
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
#include "monitor/roles/ptable.h"

/* A folder of /proc that a process has; its name is the kernel's. */
static pid_t
pid_of_name(const char *name)
{
	return ((pid_t)strtol(name, NULL, 10));
}

/*
 * proc_pid_stat(5): "pid (comm) state ppid pgrp …"; comm is the process's own
 * to choose and may hold anything, so the last ')' ends it.
 */
static int
parse_stat(char *text, struct ptable_row *row, unsigned *threads)
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
	row->zombie = state == 'Z' || state == 'X';
	row->stopped = state == 'T' || state == 't';
	row->start = start * (1000000000ull / (unsigned long)ticks);
	row->marked = false;
	*threads = count > 0 ? (unsigned)count : 0;
	return (0);
}

/*
 * Why a file of a process could not be read: it has gone, or is none of ours to
 * see (hidepid, of an ordinary user's), or else that cannot be told now.
 */
static int
read_error(int error)
{
	return (error == ENOENT || error == ESRCH || error == EACCES ||
			error == EPERM
		    ? ERR_NOT_FOUND
		    : ERR_SHORT);
}

/* A file below /proc/PID, as a text. */
static int
read_text(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd, error;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return (read_error(errno));
	n = read(fd, text, size - 1);
	error = errno;
	close(fd);
	if (n < 0)
		return (read_error(error));
	text[n] = '\0';
	return (n > 0 ? 0 : ERR_NOT_FOUND);
}

/*
 * The real uid, which the kernel's limit goes by. The owner of the folder is
 * not it: what may not be dumped belongs to root there.
 */
static int
read_uid(pid_t pid, uid_t *out)
{
	char text[1024], *p;
	unsigned uid = 0;
	int err = read_text(pid, "status", text, sizeof(text));

	if (err != 0)
		return (err);
	p = strstr(text, "\nUid:");
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own number */
	if (p == NULL || sscanf(p, "\nUid: %u", &uid) != 1)
		return (ERR_NOT_FOUND);
	*out = uid;
	return (0);
}

/* All but its user. */
static int
read_stat(pid_t pid, struct ptable_row *row, unsigned *threads)
{
	char text[1024];
	int err = read_text(pid, "stat", text, sizeof(text));

	row->pid = pid;
	row->leader = 0;
	row->uid = (uid_t)-1;
	if (err == 0)
		err = parse_stat(text, row, threads);
	return (err == 0 || err == ERR_SHORT ? err : ERR_NOT_FOUND);
}

static int
read_one(pid_t pid, struct ptable_row *row, unsigned *threads)
{
	int err = read_stat(pid, row, threads);

	if (err != 0)
		return (err);
	/* One that has just gone is nobody's. */
	err = read_uid(pid, &row->uid);
	return (err == ERR_SHORT ? err : 0);
}

int
ptable_read_one(pid_t pid, struct ptable_row *out)
{
	unsigned threads;

	return (read_one(pid, out, &threads));
}

int
ptable_signal(const struct ptable_row *row, int signal)
{
	int fd = (int)syscall(SYS_pidfd_open, row->pid, 0), sent = 0;
	struct ptable_row now;
	int err = ptable_read_one(row->pid, &now);

	/*
	 * Who has the number now had it when it was opened. Out of descriptors
	 * it is better to end it by its number than not to end it.
	 */
	if (err == 0 && now.start == row->start)
		sent = fd < 0 ? kill(row->pid, signal)
			      : (int)syscall(
				    SYS_pidfd_send_signal, fd, signal, NULL, 0);
	if (sent < 0 && errno != ESRCH)
		err = ERR_SYSTEM;
	fd_close(&fd);
	return (err == ERR_NOT_FOUND ? 0 : err);
}

static int
add_row(struct ptable *t, const struct ptable_row *row)
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

static int
compare_rows(const void *a, const void *b)
{
	const struct ptable_row *x = a, *y = b;

	return ((x->pid > y->pid) - (x->pid < y->pid));
}

/* NULL at the end, or with *err where the rest cannot be read. */
static struct dirent *
next_entry(DIR *d, int *err)
{
	struct dirent *e;

	errno = 0;
	e = readdir(d);
	if (e == NULL && errno != 0)
		*err = ERR_SHORT;
	return (e);
}

typedef int read_row(pid_t pid, struct ptable_row *row, unsigned *threads);

static int
read_all(struct ptable *t, read_row *read_row_of)
{
	struct ptable_row row;
	struct dirent *e;
	unsigned threads;
	int err = 0;
	DIR *d = opendir("/proc");

	t->count = 0;
	if (d == NULL)
		return (
		    read_error(errno) == ERR_SHORT ? ERR_SHORT : ERR_SYSTEM);
	while (err == 0 && (e = next_entry(d, &err)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		err = read_row_of(pid_of_name(e->d_name), &row, &threads);
		if (err == 0)
			err = add_row(t, &row);
		else if (err == ERR_NOT_FOUND)
			err = 0;
	}
	closedir(d);
	if (t->count > 0)
		qsort(t->rows, t->count, sizeof(*t->rows), compare_rows);
	return (err);
}

int
ptable_read(struct ptable *t)
{
	return (read_all(t, read_one));
}

int
ptable_read_tree(struct ptable *t)
{
	return (read_all(t, read_stat));
}

void
ptable_free(struct ptable *t)
{
	free(t->rows);
	t->rows = NULL;
	t->count = t->room = 0;
}

struct ptable_row *
ptable_find(struct ptable *t, pid_t pid)
{
	struct ptable_row key = {.pid = pid};

	/* A user's processes may be many. */
	if (t->count == 0)
		return (NULL);
	return (
	    bsearch(&key, t->rows, t->count, sizeof(*t->rows), compare_rows));
}

int
ptable_compare_pids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return ((*x > *y) - (*x < *y));
}

static pid_t
leader_among(pid_t pid, const pid_t *leaders, size_t n)
{
	const pid_t *found = n == 0 ? NULL
				    : bsearch(&pid, leaders, n, sizeof(pid),
					  ptable_compare_pids);

	return (found != NULL ? pid : 0);
}

void
ptable_mark_descents(struct ptable *t, const pid_t *leaders, size_t n)
{
	bool again = true;

	for (size_t i = 0; i < t->count; i++) {
		struct ptable_row *row = &t->rows[i];

		row->leader = leader_among(row->pid, leaders, n);
		if (row->leader == 0)
			row->leader = leader_among(row->group, leaders, n);
		if (row->leader == 0)
			row->leader = leader_among(row->session, leaders, n);
		row->marked = row->leader != 0;
	}
	while (again) {
		again = false;
		for (size_t i = 0; i < t->count; i++) {
			struct ptable_row *parent;

			if (t->rows[i].marked)
				continue;
			parent = ptable_find(t, t->rows[i].parent);
			if (parent == NULL || !parent->marked)
				continue;
			t->rows[i].marked = again = true;
			t->rows[i].leader = parent->leader;
		}
	}
}

int
ptable_count_uid(uid_t uid, uint32_t *count)
{
	struct ptable_row row;
	struct dirent *e;
	unsigned threads;
	int err = 0;
	DIR *d = opendir("/proc");

	*count = 0;
	if (d == NULL)
		return (
		    read_error(errno) == ERR_SHORT ? ERR_SHORT : ERR_SYSTEM);
	while (err == 0 && (e = next_entry(d, &err)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		err = read_one(pid_of_name(e->d_name), &row, &threads);
		if (err == ERR_NOT_FOUND)
			err = 0;
		else if (err == 0 && row.uid == uid)
			*count += threads;
	}
	closedir(d);
	return (err);
}
