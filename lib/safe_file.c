/*
 * Files and programs at the end of a path that was walked (lib/safe.c). Any
 * process but the monitor, which opens none that a statement names.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/safe.h"

/* The file at the end of the way; it is closed when it is refused. */
static int
safe_judge_file(int fd, bool program, uid_t uid, char *why, size_t size)
{
	const char *fault = NULL;
	struct stat st;

	if (fd < 0)
		return (-1);
	if (fstat(fd, &st) < 0) {
		snprintf(why, size, "%s", strerror(errno));
		fd_close(&fd);
		return (-1);
	}
	if (!S_ISREG(st.st_mode))
		fault = "it is not a regular file";
	else if (program && (st.st_mode & 0111) == 0)
		fault = "it may not be executed: chmod +x it, if it is a "
			"program";
	else if (st.st_uid != 0 && st.st_uid != uid)
		fault = "it belongs to another user, who could change it: "
			"chown it to root";
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fault = "users other than its owner can write it: chmod go-w "
			"it";
	if (fault == NULL)
		return (fd);
	snprintf(why, size, "%s", fault);
	fd_close(&fd);
	errno = EPERM;
	return (-1);
}

int
safe_open_file(const char *path, uid_t uid, char *why, size_t size)
{
	return (safe_judge_file(
	    safe_open(path, O_RDONLY | O_NONBLOCK, uid, why, size), false, uid,
	    why, size));
}

int
safe_open_program(const char *path, uid_t uid, char *why, size_t size)
{
	return (safe_judge_file(
	    safe_open(path, O_PATH, uid, why, size), true, uid, why, size));
}
