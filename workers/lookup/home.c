/* Users' files, read as anybody could. Distrusts every one of them. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/lookup/home.h"

#define PARENTS_MAX 64

/* Everybody may pass this folder and all above it, up to the root. */
static bool
is_open_to_all(int home)
{
	struct stat st, above;
	int fd = home, up;
	bool ok = false;

	if (fstat(fd, &st) < 0)
		return (false);
	for (int i = 0; i < PARENTS_MAX; i++) {
		if (!S_ISDIR(st.st_mode) || (st.st_mode & S_IXOTH) == 0)
			break;
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			break;
		if (fd != home)
			close(fd);
		fd = up;
		if (fstat(fd, &above) < 0)
			break;
		/* The root is its own parent. */
		ok = above.st_dev == st.st_dev && above.st_ino == st.st_ino;
		if (ok)
			break;
		st = above;
	}
	if (fd != home)
		close(fd);
	return (ok);
}

int
home_open(const char *path)
{
	int home;

	if (path[0] != '/')
		return (ERR_REFUSED);
	home = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home < 0 &&
	    (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return (ERR_SHORT);
	if (home < 0 && errno == EACCES)
		return (ERR_REFUSED);
	if (home < 0)
		return (errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
							    : ERR_SYSTEM);
	if (!is_open_to_all(home)) {
		close(home);
		return (ERR_REFUSED);
	}
	return (home);
}

bool
home_hides(int home)
{
	struct stat st;

	if (fstatat(home, ".nofinger", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return (true);
	return (errno != ENOENT);
}

static bool
may_be_told(const struct stat *st, uid_t owner)
{
	return (S_ISREG(st->st_mode) && st->st_uid == owner &&
		(st->st_mode & S_IROTH) != 0 && st->st_size > 0 &&
		st->st_size <= HOME_FILE_MAX);
}

/* Looked at before it is opened, so that no device is ever woken, and after. */
static int
open_file(int home, const char *name, uid_t owner)
{
	struct stat st;
	int fd;

	if (fstatat(home, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !may_be_told(&st, owner))
		return (-1);
	fd = openat(home, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !may_be_told(&st, owner)))
		fd_close(&fd);
	return (fd);
}

size_t
home_read(int home, const char *name, uid_t owner, uint8_t buf[HOME_FILE_MAX])
{
	int fd = open_file(home, name, owner);
	size_t n = 0;

	if (fd < 0)
		return (0);
	while (n < HOME_FILE_MAX) {
		ssize_t got = read(fd, buf + n, HOME_FILE_MAX - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	return (n);
}
