/*
 * The empty root. Runs in a role that seals itself. Distrusts the directory:
 * what somebody could put a file into is not empty for long.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "sandbox/root.h"

/* 1 when empty, 0 when not, ERR_SYSTEM. fd is not consumed. */
static int
root_is_empty(int fd)
{
	struct dirent *e;
	DIR *dir;
	int copy, empty = 1;

	if ((copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return (ERR_SYSTEM);
	if ((dir = fdopendir(copy)) == NULL) {
		fd_close(&copy);
		return (ERR_SYSTEM);
	}
	while (errno = 0, (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			empty = 0;
	}
	if (errno != 0)
		empty = ERR_SYSTEM;
	closedir(dir);
	return (empty);
}

static int
root_check(int fd, const char *path, char *why, size_t size)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) != 0)
		return (ERR_SYSTEM);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		snprintf(why, size,
		    "The empty root %s can be written by others"
		    " than its user: chown and chmod 0755 it.",
		    path);
		return (ERR_VALUE);
	}
	if ((rc = root_is_empty(fd)) == 0) {
		snprintf(why, size,
		    "The empty root %s is not empty: remove "
		    "what is in it.",
		    path);
		return (ERR_VALUE);
	}
	return (rc < 0 ? rc : 0);
}

int
root_enter(const char *path, char *why, size_t size)
{
	int fd, rc;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return (ERR_SYSTEM);
	if ((rc = root_check(fd, path, why, size)) != 0)
		goto out;
	if (fchdir(fd) != 0 || chroot(".") != 0 || chdir("/") != 0)
		rc = ERR_SYSTEM;
out:
	fd_close(&fd);
	return (rc);
}
