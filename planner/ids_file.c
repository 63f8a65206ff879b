/*
 * The file service-uids, and what a user namespace maps. Planner: sealed, with
 * root's uid and CAP_DAC_READ_SEARCH. Only we may write the file: one that
 * another user owns or can write is refused, and so is a line of another form.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/role.h"
#include "planner/ids_file.h"

#define ROWS_MAX 4096 /* names that a host ever had */

struct id_row {
	uint32_t id;
	char name[SERVICE_NAME_MAX];
};

static struct id_row rows[ROWS_MAX];
static size_t row_count;
static char file_path[PATH_MAX];

static int
refused(char *reason, size_t size, const char *what)
{
	snprintf(reason, size, "%s: %s", file_path, what);
	return (ERR_REFUSED);
}

/* One line; false when it is none of ours. */
static bool
read_row(const char *line)
{
	struct id_row *r = &rows[row_count];
	unsigned long id;
	char *end;

	if (line[0] < '1' || line[0] > '9')
		return (false);
	errno = 0;
	id = strtoul(line, &end, 10);
	if (errno != 0 || id > INT32_MAX || *end != ' ' || end[1] == '\0' ||
	    strlen(end + 1) >= sizeof(r->name))
		return (false);
	r->id = (uint32_t)id;
	snprintf(r->name, sizeof(r->name), "%s", end + 1);
	row_count++;
	return (true);
}

static int
read_rows(FILE *file, char *reason, size_t size)
{
	char line[SERVICE_NAME_MAX + 32];
	struct stat st;

	if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return (refused(reason, size,
		    "another user owns it or can write it: check it, and "
		    "remove it"));
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (row_count == ROWS_MAX)
			return (refused(reason, size,
			    "it has too many lines: remove those of services "
			    "that are gone and have left no files"));
		if (!read_row(line))
			return (refused(reason, size,
			    "a line of it is not `UID NAME`: correct or remove "
			    "it"));
	}
	return (ferror(file) ? refused(reason, size, strerror(errno)) : 0);
}

int
ids_file_open(const char *state_dir, char *reason, size_t size)
{
	FILE *file;
	int fd, err;

	if (file_path[0] != '\0')
		return (0);
	row_count = 0;
	snprintf(file_path, sizeof(file_path), "%s/service-uids", state_dir);
	fd = open(file_path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return (0);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (file == NULL) {
		err = refused(reason, size, strerror(errno));
		fd_close(&fd);
	} else {
		err = read_rows(file, reason, size);
		fclose(file);
	}
	/* Read again when it was mended. */
	if (err != 0)
		file_path[0] = '\0';
	return (err);
}

uint32_t
ids_file_find(const char *name)
{
	for (size_t i = row_count; i > 0; i--) {
		if (strcmp(rows[i - 1].name, name) == 0)
			return (rows[i - 1].id);
	}
	return (0);
}

bool
ids_file_has(uint32_t id)
{
	for (size_t i = 0; i < row_count; i++) {
		if (rows[i].id == id)
			return (true);
	}
	return (false);
}

/* Whole or not at all: half a line would be refused at the next start. */
static int
append_line(int fd, const char *line, size_t n)
{
	off_t end = lseek(fd, 0, SEEK_END);

	if (end < 0)
		return (-1);
	if (fd_write_all(fd, line, n) == 0 && fsync(fd) == 0)
		return (0);
	if (ftruncate(fd, end) < 0)
		return (-1);
	return (-1);
}

int
ids_file_add(const char *name, uint32_t id, char *reason, size_t size)
{
	char line[SERVICE_NAME_MAX + 16];
	int n, fd, err = 0;

	if (row_count == ROWS_MAX)
		return (refused(reason, size, "it is full"));
	n = snprintf(line, sizeof(line), "%" PRIu32 " %s\n", id, name);
	fd = open(file_path,
	    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || append_line(fd, line, (size_t)n) < 0)
		err = refused(reason, size, strerror(errno));
	fd_close(&fd);
	if (err != 0)
		return (err);
	rows[row_count].id = id;
	snprintf(rows[row_count].name, sizeof(rows[0].name), "%s", name);
	row_count++;
	return (0);
}

bool
ids_file_cut(const char *map, uint32_t *low, uint32_t *high)
{
	uint64_t best_low = 0, best_high = 0, first, outside, count;
	bool found = false;
	int used;

	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
	while (sscanf(map, "%" SCNu64 " %" SCNu64 " %" SCNu64 "%n", &first,
		   &outside, &count, &used) == 3) {
		uint64_t from = first > *low ? first : *low;
		uint64_t to = first + count - 1;

		map += used;
		if (count == 0 || count > UINT32_MAX || first > UINT32_MAX)
			continue;
		to = to < *high ? to : *high;
		if (from > to || (found && to - from <= best_high - best_low))
			continue;
		best_low = from;
		best_high = to;
		found = true;
	}
	*low = (uint32_t)best_low;
	*high = (uint32_t)best_high;
	return (found);
}
