/*
 * Folders and files of the daemon. Monitor (root). Every folder must be ours
 * and writable by nobody else, and so must every one on the way; files are
 * opened without following links.
 */
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/safe.h"
#include "monitor/dirs.h"
#include "monitor/plan.h"
#include "monitor/roles/images.h"

static int
dirs_fail(char *reason, size_t size, const char *path, const char *what)
{
	snprintf(reason, size, "%s: %s: %s", path, what, strerror(errno));
	return (ERR_SYSTEM);
}

/*
 * A folder that is there: `path`, or one on the way to it. What else could
 * put another in its place is judged.
 */
static int
dirs_open(const char *dir, const char *path, char *reason, size_t size)
{
	char why[SAFE_REASON_MAX];
	int fd =
	    safe_open(dir, O_RDONLY | O_DIRECTORY, geteuid(), why, sizeof(why));

	if (fd < 0)
		snprintf(reason, size, "%s: cannot be used: %s", path, why);
	return (fd);
}

/* Its parents were made and judged before. */
static int
dirs_make_one(
    const char *dir, mode_t mode, const char *path, char *reason, size_t size)
{
	int fd;

	if (mkdir(dir, mode) < 0 && errno != EEXIST)
		return (dirs_fail(reason, size, path, "cannot be made"));
	fd = dirs_open(dir, path, reason, size);
	if (fd < 0)
		return (ERR_REFUSED);
	close(fd);
	return (0);
}

/* Made with its parents where they are missing; each is judged. */
static int
dirs_make_path(const char *path, mode_t mode, char *reason, size_t size)
{
	char copy[PATH_MAX];
	struct stat st;
	int fd, err = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = copy + 1; err == 0 && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		err = dirs_make_one(copy, 0755, path, reason, size);
		*p = '/';
	}
	if (err == 0)
		err = dirs_make_one(path, mode, path, reason, size);
	if (err != 0)
		return (err);
	fd = dirs_open(path, path, reason, size);
	if (fd < 0)
		return (ERR_REFUSED);
	if (fstat(fd, &st) < 0)
		err = dirs_fail(reason, size, path, "cannot be looked at");
	close(fd);
	if (err == 0 && (st.st_uid != geteuid() || (st.st_mode & 022) != 0)) {
		snprintf(reason, size,
		    "%s must be a folder of the daemon's user that nobody "
		    "else can write",
		    path);
		err = ERR_REFUSED;
	}
	return (err);
}

static int
dirs_default(char *out, size_t size, const char *variable,
    const char *home_tail, const char *root_path, bool rootless, char *reason,
    size_t rsize)
{
	const char *base = getenv(variable), *home = getenv("HOME");

	if (!rootless)
		snprintf(out, size, "%s", root_path);
	else if (base != NULL && base[0] == '/')
		snprintf(out, size, "%s/portreeve", base);
	else if (home != NULL && home[0] == '/')
		snprintf(out, size, "%s/%s", home, home_tail);
	else {
		snprintf(reason, rsize,
		    "neither %s nor HOME is set: say where with -r and -s",
		    variable);
		return (ERR_NOT_FOUND);
	}
	return (0);
}

/* Absolute, so that a role's other working folder does not matter. */
static int
dirs_given(char *out, size_t size, const char *path, char *reason, size_t rsize)
{
	char cwd[PATH_MAX];

	if (path[0] == '/') {
		snprintf(out, size, "%s", path);
	} else if (getcwd(cwd, sizeof(cwd)) == NULL ||
		   snprintf(out, size, "%s/%s", cwd, path) >= (int)size) {
		snprintf(reason, rsize, "%s: cannot be made absolute", path);
		return (ERR_TOO_LONG);
	}
	/* Sockets lie below it: their paths have 107 bytes. */
	if (strlen(out) > 90) {
		snprintf(reason, rsize,
		    "%s: the path is too long; at most 90 bytes", out);
		return (ERR_TOO_LONG);
	}
	return (0);
}

int
dirs_choose(struct monitor *mon, const char *run_dir, const char *state_dir,
    char *reason, size_t size)
{
	int err;

	err = run_dir != NULL
		  ? dirs_given(mon->run_dir, sizeof(mon->run_dir), run_dir,
			reason, size)
		  : dirs_default(mon->run_dir, sizeof(mon->run_dir),
			"XDG_RUNTIME_DIR", ".cache/portreeve", "/run/portreeve",
			mon->rootless, reason, size);
	if (err == 0)
		err = state_dir != NULL
			  ? dirs_given(mon->state_dir, sizeof(mon->state_dir),
				state_dir, reason, size)
			  : dirs_default(mon->state_dir, sizeof(mon->state_dir),
				"XDG_STATE_HOME", ".local/state/portreeve",
				"/var/lib/portreeve", mon->rootless, reason,
				size);
	return (err);
}

int
dirs_make(struct monitor *mon, const char *run_dir, const char *state_dir,
    char *reason, size_t size)
{
	static const struct {
		const char *name;
		mode_t mode;
	} below[] = {{"state", 0700}, {"empty", 0555}};
	char path[PATH_MAX + 16];
	int err = dirs_choose(mon, run_dir, state_dir, reason, size);

	if (err == 0)
		err = dirs_make_path(mon->run_dir, 0755, reason, size);
	if (err == 0)
		err = dirs_make_path(mon->state_dir, 0700, reason, size);
	for (int i = 0; err == 0 && i < 2; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", mon->run_dir, below[i].name);
		err = dirs_make_path(path, below[i].mode, reason, size);
	}
	return (err);
}

/*
 * Whoever can open a file can lock it: this one lies where nobody else comes.
 * (A lock beside the sockets, of an earlier version, is anybody's to hold.)
 */
int
dirs_lock(struct monitor *mon, char *reason, size_t size)
{
	char path[PATH_MAX + 16], pid[32] = "?";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/state/lock", mon->run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return (dirs_fail(reason, size, path, "cannot be opened"));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK) {
			close(fd);
			return (
			    dirs_fail(reason, size, path, "cannot be locked"));
		}
		n = read(fd, pid, sizeof(pid) - 1);
		pid[n > 0 ? n : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		snprintf(reason, size,
		    "another portreeved (process %s) uses %s: stop it, or "
		    "name another folder with -r",
		    pid[0] != '\0' ? pid : "unknown", mon->run_dir);
		close(fd);
		return (ERR_REFUSED);
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n)
		return (dirs_fail(reason, size, path, "cannot be written"));
	snprintf(path, sizeof(path), "%s/lock", mon->run_dir);
	unlink(path);
	return (0); /* held open, and so locked, to the end */
}

static int
dirs_open_state(struct monitor *mon, char *reason, size_t size)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/state/master", mon->run_dir);
	mon->state_fd =
	    open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (mon->state_fd < 0)
		return (dirs_fail(reason, size, path, "cannot be made"));
	return (0); /* table_fit_state() gives it its length */
}

static int
dirs_open_control(struct monitor *mon, char *reason, size_t size)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	mode_t old;
	int ok;

	if (snprintf(sun.sun_path, sizeof(sun.sun_path), "%.*s/control.sock",
		(int)sizeof(sun.sun_path),
		mon->run_dir) >= (int)sizeof(sun.sun_path))
		return (dirs_fail(reason, size, mon->run_dir,
		    "is too long a name for a socket's folder: choose another "
		    "by -r"));
	mon->control_fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(sun.sun_path);
	old = umask(0117);
	ok = mon->control_fd >= 0 &&
	     bind(mon->control_fd, (struct sockaddr *)&sun, sizeof(sun)) == 0;
	umask(old);
	if (!ok || listen(mon->control_fd, 128) < 0)
		return (
		    dirs_fail(reason, size, sun.sun_path, "cannot be made"));
	mon->control_group =
	    mon->rootless ? (gid_t)-1 : mon->plan->is.control_group;
	if (mon->control_group != (gid_t)-1 &&
	    chown(sun.sun_path, (uid_t)-1, mon->control_group) < 0)
		return (dirs_fail(reason, size, sun.sun_path,
		    "cannot be given to group portreeve"));
	return (0);
}

/*
 * Under -d stderr is for events only, so that developers' lines go to a file.
 */
static int
dirs_open_log(struct monitor *mon, char *reason, size_t size)
{
	char path[PATH_MAX + 32];

	mon->log_fd = 2;
	if (!mon->foreground)
		return (0);
	snprintf(path, sizeof(path), "%s/portreeved.log", mon->run_dir);
	mon->log_fd = open(
	    path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (mon->log_fd < 0)
		return (dirs_fail(reason, size, path, "cannot be opened"));
	return (0);
}

int
dirs_open_files(struct monitor *mon, char *reason, size_t size)
{
	int err = dirs_open_state(mon, reason, size);

	if (err == 0)
		err = dirs_open_control(mon, reason, size);
	if (err == 0)
		err = dirs_open_log(mon, reason, size);
	return (err);
}

void
dirs_remove_sockets(struct monitor *mon)
{
	static const char *const names[] = {"control.sock", "pam.sock"};
	char path[PATH_MAX + 32];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", mon->run_dir, names[i]);
		unlink(path);
	}
}

int
dirs_find_libexec(struct monitor *mon, char *reason, size_t size)
{
	static const char *const tails[] = {"libexec", "../libexec/portreeve"};
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return (dirs_fail(reason, size, "/proc/self/exe",
		    "cannot be read (is /proc mounted?)"));
	self[n] = '\0';
	dirname(self);
	for (int i = 0; i < 2; i++) {
		char path[2 * PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s/master", self, tails[i]);
		if (access(path, X_OK) < 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", self, tails[i]);
		if (realpath(path, mon->libexec) != NULL)
			return (images_open(mon->libexec, reason, size));
	}
	snprintf(reason, size,
	    "the roles' programs are neither in %s/libexec nor in "
	    "%s/../libexec/portreeve: build or install them whole",
	    self, self);
	return (ERR_NOT_FOUND);
}
