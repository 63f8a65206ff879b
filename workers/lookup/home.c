/*
 * Users' files, read as anybody could. In lookup, sealed. Distrusts every one
 * of them.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/lookup/home.h"

#define PARENTS_MAX 64

/* A failure that tells of this host just now, and nothing of the user's. */
static bool
home_is_passing(int error)
{
	return (error == EMFILE || error == ENFILE || error == ENOMEM ||
		error == EINTR);
}

/*
 * Whether everybody may pass the folder; what it is, into *st. 1 where it is
 * the root that this process began with, and so has no parent; 0; an error.
 */
static int
home_look(int fd, struct stat *st)
{
	static struct stat root;

	if (root.st_ino == 0 && stat("/", &root) < 0)
		root.st_ino = 0;
	if (fstat(fd, st) < 0)
		return (home_is_passing(errno) ? ERR_SHORT : ERR_REFUSED);
	if (!S_ISDIR(st->st_mode) || (st->st_mode & S_IXOTH) == 0)
		return (ERR_REFUSED);
	return (root.st_ino != 0 && st->st_dev == root.st_dev &&
		st->st_ino == root.st_ino);
}

/*
 * 0 when everybody may pass this folder and all above it, up to the root, which
 * is its own parent; ERR_REFUSED, or ERR_SHORT when that cannot be told now.
 */
static int
home_check_open_to_all(int home)
{
	struct stat st, below;
	int fd = home, up, err = home_look(home, &below);

	for (int i = 0; err == 0 && i < PARENTS_MAX; i++) {
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			err = home_is_passing(errno) ? ERR_SHORT : ERR_REFUSED;
		else
			err = home_look(up, &st);
		if (fd != home)
			fd_close(&fd);
		fd = up;
		if (err == 0)
			err = st.st_dev == below.st_dev &&
			      st.st_ino == below.st_ino;
		below = st;
	}
	if (fd != home)
		fd_close(&fd);
	if (err < 0)
		return (err);
	return (err == 1 ? 0 : ERR_REFUSED);
}

int
home_open(const char *path)
{
	int home, err;

	if (path[0] != '/')
		return (ERR_REFUSED);
	home = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home < 0 && home_is_passing(errno))
		return (ERR_SHORT);
	if (home < 0 && errno == EACCES)
		return (ERR_REFUSED);
	if (home < 0)
		return (errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
							    : ERR_SYSTEM);
	err = home_check_open_to_all(home);
	if (err != 0)
		fd_close(&home);
	return (err != 0 ? err : home);
}

int
home_hides(int home)
{
	struct stat st;

	if (fstatat(home, ".nofinger", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return (1);
	if (home_is_passing(errno))
		return (ERR_SHORT);
	return (errno != ENOENT);
}

static bool
home_may_be_told(const struct stat *st, uid_t owner)
{
	return (S_ISREG(st->st_mode) && st->st_uid == owner &&
		(st->st_mode & S_IROTH) != 0 && st->st_size > 0 &&
		st->st_size <= HOME_FILE_MAX);
}

/*
 * Looked at before it is opened, so that no device is ever woken, and after.
 * Its descriptor, ERR_REFUSED or ERR_SHORT.
 */
static int
home_open_file(int home, const char *name, uid_t owner)
{
	struct stat st;
	int fd;

	if (fstatat(home, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return (home_is_passing(errno) ? ERR_SHORT : ERR_REFUSED);
	if (!home_may_be_told(&st, owner))
		return (ERR_REFUSED);
	fd = openat(home, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return (home_is_passing(errno) ? ERR_SHORT : ERR_REFUSED);
	if (fstat(fd, &st) == 0 && home_may_be_told(&st, owner))
		return (fd);
	fd_close(&fd);
	return (ERR_REFUSED);
}

int
home_read(int home, const char *name, uid_t owner, uint8_t buf[HOME_FILE_MAX])
{
	int fd = home_open_file(home, name, owner);
	ssize_t got = 1;
	int n = 0;

	if (fd < 0)
		return (fd == ERR_SHORT ? ERR_SHORT : 0);
	while (n < HOME_FILE_MAX && got != 0) {
		got = read(fd, buf + n, (size_t)(HOME_FILE_MAX - n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		n += (int)got;
	}
	fd_close(&fd);
	return (got < 0 && home_is_passing(errno) ? ERR_SHORT : n);
}
