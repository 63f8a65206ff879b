/*
 * The copy of /etc/passwd. In lookup, sealed. Before each use both files are
 * looked at: one that was changed has another inode, size or time of change,
 * which nobody can set. A change within the clock's grain would not show, so
 * that a file is copied only when its last change is past.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "workers/lookup/passwd_copy.h"

#define NSS_SIZE_MAX 65536u
#define NSCD_SOCKET "/var/run/nscd/socket"
#define GRAIN_SECONDS 2 /* more than the coarsest clock of a file system */

static bool
passwd_copy_same(const struct stat *a, const struct stat *b)
{
	return (a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
		a->st_size == b->st_size &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec);
}

/* It has not changed for so long that a change from now on will show. */
static bool
passwd_copy_settled(const struct stat *st, time_t now)
{
	return (
	    S_ISREG(st->st_mode) && st->st_ctim.tv_sec + GRAIN_SECONDS < now);
}

/* n bytes and no more into buf. */
static bool
passwd_copy_read_all(int fd, char *buf, size_t n)
{
	size_t have = 0;
	ssize_t got;

	do {
		got = read(fd, buf + have, n + 1 - have);
		have += got > 0 ? (size_t)got : 0;
	} while ((got > 0 && have <= n) || (got < 0 && errno == EINTR));
	return (got == 0 && have == n);
}

/*
 * All of a file, with room for one byte more, for free(3). NULL where it cannot
 * be had, or is not what *st says, before and after.
 */
static char *
passwd_copy_read(const char *path, size_t most, const struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat is;
	size_t n = (size_t)st->st_size;
	char *text = NULL;

	if (fd < 0)
		return (NULL);
	if (n <= most && fstat(fd, &is) == 0 && passwd_copy_same(st, &is))
		text = malloc(n + 1);
	if (text != NULL &&
	    (!passwd_copy_read_all(fd, text, n) || fstat(fd, &is) < 0 ||
		!passwd_copy_same(st, &is))) {
		free(text);
		text = NULL;
	}
	fd_close(&fd);
	return (text);
}

/* What cannot be read is tried again; what is not of use is not. */
static bool
passwd_copy_read_both(struct passwd_copy *c)
{
	char *text = passwd_copy_read(c->nss_path, NSS_SIZE_MAX, &c->nss);
	bool files;

	if (text == NULL)
		return (false);
	files = passwd_nss_begins_with_files(text, (size_t)c->nss.st_size);
	free(text);
	/* Where nscd(8) runs, what it says is what getpwnam() says. */
	if (!files || access(NSCD_SOCKET, F_OK) == 0)
		return (true);
	text = passwd_copy_read(c->passwd_path, PASSWD_SIZE_MAX, &c->passwd);
	if (text == NULL)
		return (c->passwd.st_size > PASSWD_SIZE_MAX);
	(void)passwd_table_make(&c->table, text, (size_t)c->passwd.st_size);
	return (true);
}

static void
passwd_copy_renew(struct passwd_copy *c, const struct stat *passwd,
    const struct stat *nss, time_t now)
{
	passwd_table_free(&c->table);
	c->passwd = *passwd;
	c->nss = *nss;
	if (!passwd_copy_settled(passwd, now) ||
	    !passwd_copy_settled(nss, now) || !passwd_copy_read_both(c))
		c->passwd.st_ino = 0;
}

const struct passwd *
passwd_copy_find(struct passwd_copy *c, const char *name, time_t now)
{
	struct stat passwd, nss;

	if (stat(c->passwd_path, &passwd) < 0 || stat(c->nss_path, &nss) < 0)
		return (NULL);
	if (!passwd_copy_same(&passwd, &c->passwd) ||
	    !passwd_copy_same(&nss, &c->nss))
		passwd_copy_renew(c, &passwd, &nss, now);
	return (passwd_table_find(&c->table, name));
}
