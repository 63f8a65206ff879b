/*
 * A user's processes, from /proc. Processes that make a login, as root. A name
 * in it is its process's own to choose.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/usercount.h"

/*
 * A file of a process, as a text, "" of one that has gone; false: that cannot
 * be told now.
 */
static bool
usercount_read(
    int proc, const char *pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n = -1;
	int fd, error;

	snprintf(path, sizeof(path), "%.32s/%s", pid, name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, text, size - 1);
	error = errno;
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* hidepid, of an ordinary user's: none of that user's own. */
	return (n >= 0 || error == ENOENT || error == ESRCH ||
		error == EACCES || error == EPERM);
}

/*
 * The real uid, and not the folder's owner: what may not be dumped belongs to
 * root there. proc_pid_stat(5): the last ')' ends the name.
 */
static bool
usercount_of(int proc, const char *pid, uid_t uid, unsigned *threads)
{
	char text[1024], *p;
	unsigned its;

	*threads = 0;
	if (!usercount_read(proc, pid, "status", text, sizeof(text)))
		return (false);
	p = strstr(text, "\nUid:");
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own number */
	if (p == NULL || sscanf(p, "\nUid: %u", &its) != 1 || its != uid)
		return (true);
	if (!usercount_read(proc, pid, "stat", text, sizeof(text)))
		return (false);
	p = strrchr(text, ')');
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own number */
	if (p == NULL || sscanf(p + 1,
			     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			     "%*u %*u %*d %*d %*d %*d %u",
			     threads) != 1)
		*threads = 0;
	return (true);
}

uint32_t
usercount(uid_t uid)
{
	DIR *d = opendir("/proc");
	uint32_t count = 0;
	bool whole = d != NULL;
	struct dirent *e;
	unsigned threads;

	errno = 0;
	while (whole && (e = readdir(d)) != NULL) {
		if (isdigit((unsigned char)e->d_name[0])) {
			whole =
			    usercount_of(dirfd(d), e->d_name, uid, &threads);
			count += threads;
		}
		errno = 0;
	}
	whole = whole && errno == 0;
	if (d != NULL)
		closedir(d);
	return (whole ? count : USERCOUNT_UNKNOWN);
}
