/*
 * Linux's utmp and lastlog (utmp(5)), read as plain records without a lock. In
 * lookup, sealed.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <lastlog.h>
#include <paths.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/lookup/logins.h"

#define RECORDS_AT_ONCE 16

/* A field of a record, which ends at its first NUL or at its size. */
static void
logins_take_text(char *dst, size_t size, const char *src, size_t most)
{
	size_t n = strnlen(src, most);

	if (n >= size)
		n = size - 1;
	memcpy(dst, src, n);
	dst[n] = '\0';
}

static int
logins_tell_record(const struct utmp *u,
    int (*each)(const struct login_record *login, void *arg), void *arg)
{
	struct login_record r;

	memset(&r, 0, sizeof(r));
	logins_take_text(
	    r.user, sizeof(r.user), u->ut_user, sizeof(u->ut_user));
	logins_take_text(r.tty, sizeof(r.tty), u->ut_line, sizeof(u->ut_line));
	logins_take_text(
	    r.host, sizeof(r.host), u->ut_host, sizeof(u->ut_host));
	if (u->ut_tv.tv_sec > 0)
		r.since = (uint64_t)u->ut_tv.tv_sec;
	return (each(&r, arg));
}

int
logins_each(const char *path,
    int (*each)(const struct login_record *login, void *arg), void *arg)
{
	struct utmp u[RECORDS_AT_ONCE];
	int told = 0, err = 0, fd;
	ssize_t n;

	fd = open(path == NULL ? _PATH_UTMP : path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return (errno == EMFILE || errno == ENFILE || errno == ENOMEM
			    ? ERR_SHORT
			    : 0);
	while (told < LOGINS_MAX && err == 0) {
		size_t count;

		do {
			n = read(fd, u, sizeof(u));
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			err = ERR_SHORT;
		if (n <= 0)
			break;
		count = (size_t)n / sizeof(u[0]);
		for (size_t i = 0; i < count && told < LOGINS_MAX; i++) {
			if (u[i].ut_type != USER_PROCESS ||
			    u[i].ut_user[0] == '\0')
				continue;
			told++;
			err = logins_tell_record(&u[i], each, arg);
			if (err != 0)
				told = LOGINS_MAX;
		}
		if ((size_t)n < sizeof(u))
			break; /* the file's end */
	}
	fd_close(&fd);
	return (err);
}

uint64_t
logins_idle(const char *tty)
{
	char path[64];
	struct stat st;
	time_t now = time(NULL);

	if (tty[0] == '/' || strstr(tty, "..") != NULL ||
	    snprintf(path, sizeof(path), _PATH_DEV "%s", tty) >=
		(int)sizeof(path))
		return (0);
	if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_atime >= now)
		return (0);
	return ((uint64_t)(now - st.st_atime));
}

uint64_t
logins_last(const char *path, uid_t uid)
{
	struct lastlog last;
	uint64_t when = 0;
	int fd;

	fd = open(path == NULL ? _PATH_LASTLOG : path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return (0);
	if (pread(fd, &last, sizeof(last), (off_t)uid * (off_t)sizeof(last)) ==
		(ssize_t)sizeof(last) &&
	    last.ll_time > 0)
		when = (uint64_t)last.ll_time;
	close(fd);
	return (when);
}
