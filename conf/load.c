/*
 * The configuration's file: opened once, judged by what was opened, and read
 * whole. Planner (root) and CLI. Distrusts whoever could have written it or a
 * folder on the way: what others than its owner can write is refused. A FIFO
 * or a device cannot hang us: nothing but a regular file is read.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/safe.h"

static const struct conf_pos whole = {0, 0};

static int
load_judge(int fd, struct conf_report *report)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		conf_report_add(report, CONF_ERROR, whole,
		    "the file cannot be examined: %s", strerror(errno));
		return (ERR_SYSTEM);
	}
	if (st.st_size > CONF_FILE_MAX) {
		conf_report_add(report, CONF_ERROR, whole,
		    "the file is larger than %d bytes", CONF_FILE_MAX);
		return (ERR_TOO_LONG);
	}
	return (0);
}

/* All of it, a byte past the bound at most, so that a growing file is seen. */
static int
load_read(int fd, char **text, size_t *n, struct conf_report *report)
{
	char *buf = malloc(CONF_FILE_MAX + 1);
	size_t used = 0;
	ssize_t got;

	if (buf == NULL) {
		conf_report_add(report, CONF_ERROR, whole,
		    "there is not enough memory to read the file");
		return (ERR_NO_MEMORY);
	}
	while (used <= CONF_FILE_MAX) {
		got = read(fd, buf + used, CONF_FILE_MAX + 1 - used);
		if (got == 0)
			break;
		if (got > 0)
			used += (size_t)got;
		else if (errno != EINTR) {
			conf_report_add(report, CONF_ERROR, whole,
			    "the file cannot be read: %s", strerror(errno));
			free(buf);
			return (ERR_SYSTEM);
		}
	}
	*text = buf;
	*n = used;
	return (0);
}

static int
load_open(const char *path, int *fd, struct conf_report *report)
{
	char why[SAFE_REASON_MAX];

	*fd = safe_open_file(path, geteuid(), why, sizeof(why));
	if (*fd != -1)
		return (0);
	if (errno == ENOENT || errno == ENOTDIR) {
		conf_report_add(report, CONF_ERROR, whole,
		    "there is no such file: write it (an empty one is valid "
		    "and opens no port), or name another with -c FILE");
		return (ERR_NOT_FOUND);
	}
	if (errno == EPERM) {
		conf_report_add(report, CONF_ERROR, whole, "%s", why);
		return (ERR_REFUSED);
	}
	conf_report_add(
	    report, CONF_ERROR, whole, "the file cannot be opened: %s", why);
	return (ERR_SYSTEM);
}

/* Standard input is whoever's who asks, and takes no effect: not judged. */
static int
load_stdin(int *fd, struct conf_report *report)
{
	*fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (*fd != -1)
		return (0);
	conf_report_add(report, CONF_ERROR, whole,
	    "standard input cannot be read: %s", strerror(errno));
	return (ERR_SYSTEM);
}

int
conf_load(const char *path, struct conf **out, struct conf_report *report)
{
	bool in = strcmp(path, CONF_STDIN) == 0;
	char *text = NULL;
	size_t n = 0;
	int fd = -1, err;

	*out = NULL;
	err = in ? load_stdin(&fd, report) : load_open(path, &fd, report);
	if (err != 0)
		return (err);
	if (!in)
		err = load_judge(fd, report);
	if (err != 0)
		goto out;
	err = load_read(fd, &text, &n, report);
	if (err != 0)
		goto out;
	err = conf_parse_all(text, n, out, report);
	explicit_bzero(text, n);
out:
	free(text);
	fd_close(&fd);
	return (err);
}
