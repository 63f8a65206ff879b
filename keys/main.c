/*
 * The reader of keys: which keys a user may log in with, and which are new or
 * gone since the last look. Started by the monitor at a login, a logout and a
 * reload of ssh with log-key-changes, for one user. It asks the name service
 * for that user while it is root still, then takes the user's uid, is sealed,
 * and only then opens a file: with the user's rights, to read, and never one
 * that is no regular file. The files are the user's, and so is whatever is in
 * them; nothing of it is told but fingerprints and the names of key types. The
 * last set is a file of root's, which the monitor has opened.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/unistd.h>

#include "ipc/keys.h"
#include "keys/path.h"
#include "keys/set.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "role/role.h"

#define FILE_MOST (1024 * 1024) /* bytes of one file of keys */
#define LAST_FD 4

static struct role_self self;
static struct msg_keys_ask ask;
static struct key_user user;
static struct keyset before, now;
static bool unread[KEYS_FILES_MOST];
static struct msg_keys_done done;

/* The first thing that went wrong is told. */
static void
keys_trouble(const char *path, const char *what)
{
	if (done.reason[0] == '\0')
		snprintf(done.reason, sizeof(done.reason), "%s%s%s", path,
		    path[0] != '\0' ? ": " : "", what);
}

/* ---- the user, before sealing -------------------------------------------- */

static void
keys_hear(void)
{
	static struct ipc_in in;
	int err = ipc_recv(&self.monitor, &in);

	if (err != 0 || in.type != MSG_KEYS_ASK)
		die("the monitor does not say whose keys: %s", err_text(err));
	ask = in.msg.keys_ask;
	/* A name service's own sockets are closed behind it. */
	if (in.fds[0] != LAST_FD && dup2(in.fds[0], LAST_FD) < 0)
		die("no descriptor: %s", strerror(errno));
}

static void
keys_find_user(void)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(ask.user);
	if (pw == NULL)
		exit(KEYS_EXIT_NOBODY);
	user.uid = pw->pw_uid;
	user.name = ask.user;
	user.home = strdup(pw->pw_dir);
	if (user.home == NULL)
		die("out of memory");
	if (geteuid() == 0) {
		self.seal.uid = pw->pw_uid;
		self.seal.gid = pw->pw_gid;
	} else if (geteuid() != pw->pw_uid) {
		exit(KEYS_EXIT_NOBODY);
	}
	closefrom(LAST_FD + 1);
}

/* The monitor looks first at how this process is sealed. */
static void
keys_await(void)
{
	static struct ipc_in in;
	int err = ipc_recv(&self.monitor, &in);

	if (err != 0 || in.type != MSG_KEYS_BEGIN)
		die("the monitor does not say to begin: %s", err_text(err));
}

/* ---- files ----------------------------------------------------------------
 */

/* At most so many bytes; the number, or -1 with errno (EFBIG: more). */
static ssize_t
keys_read_all(int fd, void *buf, size_t most)
{
	char more;
	size_t n = 0;
	ssize_t got = 1;

	while (n < most && got > 0) {
		got = read(fd, (char *)buf + n, most - n);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			n += (size_t)got;
	}
	if (got < 0)
		return (-1);
	if (n == most && read(fd, &more, 1) > 0) {
		errno = EFBIG;
		return (-1);
	}
	return ((ssize_t)n);
}

/* sshd reads no other kind of file either. */
static int
keys_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return (-1);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return (fd);
	close(fd);
	errno = 0;
	return (-1);
}

static const char *
keys_why(int error)
{
	return (error == 0 ? "no regular file" : strerror(error));
}

static void
keys_read_file(const char *path, unsigned place)
{
	static char text[FILE_MOST];
	int fd = keys_open(path), error;
	ssize_t n;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	n = fd < 0 ? -1 : keys_read_all(fd, text, sizeof(text));
	error = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		unread[place] = true;
		keys_trouble(path, keys_why(error));
	} else if (set_add_text(&now, text, (size_t)n, (uint8_t)place) != 0) {
		keys_trouble(path, "more keys than are looked at");
	}
}

static void
keys_read_files(void)
{
	char path[KEYS_PATH_MAX];
	int err;

	for (unsigned i = 0; i < KEYS_FILES_MOST; i++) {
		err = path_of(ask.files, i, &user, path);
		if (err == ERR_NOT_FOUND)
			break;
		if (err != 0) {
			unread[i] = true;
			keys_trouble("AuthorizedKeysFile", err_text(err));
		} else {
			keys_read_file(path, i);
		}
	}
	/* Nobody knows whether these are gone. */
	for (size_t i = 0; i < before.n; i++) {
		const struct key *key = &before.keys[i];

		if (key->file < KEYS_FILES_MOST && unread[key->file])
			(void)set_add(&now, key);
	}
}

/* ---- what is told, and written down ----------------------------------------
 */

static void
keys_tell(const struct key *key, bool added)
{
	struct msg_keys_changed m = {.added = added};

	line_fingerprint(key, m.key);
	snprintf(m.type, sizeof(m.type), "%s", key->type);
	if (path_of(ask.files, key->file, &user, m.file) != 0)
		m.file[0] = '\0';
	if (ipc_send_wait(&self.monitor, MSG_KEYS_CHANGED, &m, NULL, 0) != 0)
		die("the monitor is gone");
}

static bool
keys_compare(void)
{
	bool changed = false;

	for (size_t i = 0; i < before.n; i++) {
		if (set_has(&now, &before.keys[i]))
			continue;
		keys_tell(&before.keys[i], false);
		changed = true;
	}
	for (size_t i = 0; i < now.n; i++) {
		if (set_has(&before, &now.keys[i]))
			continue;
		keys_tell(&now.keys[i], true);
		changed = true;
	}
	return (changed);
}

/* False: it is to be written down anew. */
static bool
keys_recall(uint8_t *bytes)
{
	ssize_t n = keys_read_all(LAST_FD, bytes, KEYS_BYTES_MAX);

	if (n >= 0 && set_decode(&before, bytes, (size_t)n) == 0)
		return (true);
	keys_trouble("",
	    "what was written down of the last look is damaged, so that every "
	    "key counts as added");
	return (false);
}

static void
keys_write_down(uint8_t *bytes)
{
	size_t n = set_encode(&now, bytes);

	if (pwrite(LAST_FD, bytes, n, 0) != (ssize_t)n ||
	    ftruncate(LAST_FD, (off_t)n) < 0)
		keys_trouble("", "what was found cannot be written down");
}

int
main(int argc, char **argv)
{
	static uint8_t bytes[KEYS_BYTES_MAX];
	bool good;

	(void)argc;
	role_receive(&self, ROLE_KEYS, argv);
	keys_hear();
	keys_find_user();
	role_seal(&self);
	keys_await();
	good = keys_recall(bytes);
	keys_read_files();
	if (keys_compare() || !good)
		keys_write_down(bytes);
	(void)ipc_send_wait(&self.monitor, MSG_KEYS_DONE, &done, NULL, 0);
	return (0);
}
