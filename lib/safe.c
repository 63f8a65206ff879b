/*
 * The walk along a path, by descriptors; any process. Trusts no folder on it:
 * what was judged is what is used. See sshd's safe_path(), which judges the way
 * after its links were resolved, and so not where a link lies.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/safe.h"

#define LINKS_MAX 40

struct walk {
	uid_t uid;
	int dir;	     /* where it has come to */
	char rest[PATH_MAX]; /* what is left of the path */
	char at[PATH_MAX];   /* the way so far, for people */
	unsigned links;
	char *why;
	size_t size;
};

static int __attribute__((format(printf, 2, 3)))
safe_walk_refuse(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why, w->size, fmt, ap);
	va_end(ap);
	errno = EPERM;
	return (-1);
}

static bool
safe_is_trusted(const struct walk *w, const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == w->uid);
}

/* The folder that it has come to. */
static int
safe_walk_judge(struct walk *w)
{
	const char *at = w->at[0] == '\0' ? "/" : w->at;
	struct stat st;

	if (fstat(w->dir, &st) < 0)
		return (-1);
	if (!safe_is_trusted(w, &st))
		return (safe_walk_refuse(w,
		    "the folder %.120s on the way to it belongs to another "
		    "user, who could replace it",
		    at));
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    (st.st_mode & S_ISVTX) == 0)
		return (safe_walk_refuse(w,
		    "users other than its owner can write to the folder %.120s "
		    "on the way to it: chmod go-w it",
		    at));
	return (0);
}

static int
safe_walk_to(struct walk *w, int fd, const char *name)
{
	size_t n = strlen(w->at);

	if (fd < 0)
		return (-1);
	fd_close(&w->dir);
	w->dir = fd;
	if (name == NULL)
		w->at[0] = '\0';
	else
		snprintf(w->at + n, sizeof(w->at) - n, "/%s", name);
	return (safe_walk_judge(w));
}

static int
safe_walk_root(struct walk *w)
{
	return (
	    safe_walk_to(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), NULL));
}

/* Put a link's target before what is left; fd is the link's own. */
static int
safe_walk_link(struct walk *w, int fd, const char *name)
{
	char target[PATH_MAX], joined[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return (-1);
	if (!safe_is_trusted(w, &st))
		return (safe_walk_refuse(w,
		    "the link %.120s on the way to it belongs to another user, "
		    "who could change it",
		    name));
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return (-1);
	target[n] = '\0';
	if (++w->links > LINKS_MAX) {
		errno = ELOOP;
		return (-1);
	}
	if (snprintf(joined, sizeof(joined), "%s%s", target, w->rest) >=
	    (int)sizeof(joined)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	memcpy(w->rest, joined, strlen(joined) + 1);
	return (target[0] == '/' ? safe_walk_root(w) : 0);
}

/* Cut the next name off; false when there is none left. */
static bool
safe_walk_next(struct walk *w, char name[NAME_MAX + 1])
{
	char *p = w->rest;
	size_t n;

	p += strspn(p, "/");
	n = strcspn(p, "/");
	if (n == 0)
		return (false);
	/* What is too long is no file's name: the call will say so. */
	snprintf(name, NAME_MAX + 1, "%.*s", (int)n, p);
	memmove(w->rest, p + n, strlen(p + n) + 1);
	return (true);
}

static bool
safe_walk_is_last(const struct walk *w)
{
	return (w->rest[strspn(w->rest, "/")] == '\0');
}

/* One name: a folder is gone into, a link followed; the last is opened. */
static int
safe_walk_step(struct walk *w, const char *name, int flags, int *out)
{
	struct stat st;
	int fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int err = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		fd_close(&fd);
		return (-1);
	}
	if (S_ISLNK(st.st_mode)) {
		err = safe_walk_link(w, fd, name);
		fd_close(&fd);
		return (err);
	}
	if (!safe_walk_is_last(w)) {
		if (S_ISDIR(st.st_mode))
			return (safe_walk_to(w, fd, name));
		fd_close(&fd);
		errno = ENOTDIR;
		return (-1);
	}
	/* Only a folder's has a trailing slash. */
	if (w->rest[0] == '/')
		flags |= O_DIRECTORY;
	*out = openat(w->dir, name, flags | O_NOFOLLOW);
	fd_close(&fd);
	return (*out < 0 ? -1 : 0);
}

static int
safe_walk_start(struct walk *w, const char *path)
{
	char cwd[PATH_MAX] = "";

	if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return (-1);
	if (snprintf(w->rest, sizeof(w->rest), "%s/%s", cwd, path) >=
	    (int)sizeof(w->rest)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	return (safe_walk_root(w));
}

int
safe_open(const char *path, int flags, uid_t uid, char *why, size_t size)
{
	struct walk w = {.uid = uid, .dir = -1, .why = why, .size = size};
	char name[NAME_MAX + 1];
	int fd = -1, err;

	if (size > 0)
		why[0] = '\0';
	flags |= O_CLOEXEC | O_NOCTTY;
	err = safe_walk_start(&w, path);
	while (err == 0 && fd < 0 && safe_walk_next(&w, name))
		err = safe_walk_step(&w, name, flags, &fd);
	/* Only the root's own name has no last one. */
	if (err == 0 && fd < 0)
		fd = open("/", flags);
	if (fd < 0 && size > 0 && why[0] == '\0')
		snprintf(why, size, "%s", strerror(errno));
	fd_close(&w.dir);
	return (fd);
}
