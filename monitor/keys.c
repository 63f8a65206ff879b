/*
 * Who is looked at next, and by how many readers. Monitor (root). The last set
 * of each user's keys is DIR/keys/USER below the lasting state, root's; a
 * reader gets it open and writes it. Users are waited for in a short queue;
 * when that is full, everybody is looked at instead, so that its length is all
 * that logins can take.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/keys.h"
#include "lib/fd.h"
#include "lib/safe.h"
#include "monitor/keys.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/start.h"

#define READER_NS (10ull * SECOND)
#define READERS_MOST 4 /* at a time */
#define WAITING_MOST 64

struct look {
	TAILQ_ENTRY(look) next;
	struct msg_keys_ask ask;
	bool done;
};

TAILQ_HEAD(looks, look);

static struct looks waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct looks working = TAILQ_HEAD_INITIALIZER(working);
static unsigned nwaiting, nworking;
static DIR *everybody; /* being gone through */
static bool once_more; /* all of them, from the first on */

static void keys_next(struct monitor *mon);

/* What sshd's AuthorizedKeysFile says, or NULL where nobody is to look. */
static const char *
keys_files(const struct monitor *mon)
{
	const struct plan_service *ssh = plan_find(mon->plan, "ssh");

	return (ssh != NULL && ssh->is.keys[0] != '\0' ? ssh->is.keys : NULL);
}

/* ---- what a reader says -------------------------------------------------- */

static void
keys_ready(struct monitor *mon, struct proc *p, void *arg)
{
	(void)arg;
	(void)proc_send(
	    mon, p, MSG_KEYS_BEGIN, &(struct msg_keys_begin){0}, NULL, 0);
}

static void
keys_warn(struct monitor *mon, const struct look *look, const char *why)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "log-key-changes: not all keys of %s were looked at: %s",
	    look->ask.user, why);
	report_warning(mon, "ssh", text);
}

static void
keys_tell(struct monitor *mon, const struct look *look,
    const struct msg_keys_changed *m)
{
	struct event_builder b;

	event_begin(&b, m->added ? EV_KEY_ADDED : EV_KEY_REMOVED);
	event_text(&b, FIELD_SERVICE, "ssh");
	event_text(&b, FIELD_USER, look->ask.user);
	event_text(&b, FIELD_KEY, m->key);
	event_text(&b, FIELD_KEY_TYPE, m->type);
	if (m->file[0] != '\0')
		event_text(&b, FIELD_FILE, m->file);
	report_emit(mon, &b);
}

static void
keys_heard(struct monitor *mon, struct proc *p, struct ipc_in *in, void *arg)
{
	struct look *look = arg;

	(void)p;
	if (in->type == MSG_KEYS_CHANGED) {
		keys_tell(mon, look, &in->msg.keys_changed);
	} else if (in->type == MSG_KEYS_DONE) {
		look->done = true;
		if (in->msg.keys_done.reason[0] != '\0')
			keys_warn(mon, look, in->msg.keys_done.reason);
	}
}

static void
keys_over(struct monitor *mon, int status, void *arg)
{
	struct look *look = arg;

	TAILQ_REMOVE(&working, look, next);
	nworking--;
	if (!look->done &&
	    !(WIFEXITED(status) && WEXITSTATUS(status) == KEYS_EXIT_NOBODY) &&
	    !monitor_is_stopping(mon))
		keys_warn(mon, look, "their reader failed or took too long");
	free(look);
	keys_next(mon);
}

/* ---- starting one ----------------------------------------------------------
 */

/* The folder, made where it is missing; -1 with a reason. */
static int
keys_open_folder(struct monitor *mon, char *why, size_t size)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/keys", mon->state_dir);
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		snprintf(why, size, "cannot make the folder keys: %s",
		    strerror(errno));
		return (-1);
	}
	return (safe_open(path, O_RDONLY | O_DIRECTORY, geteuid(), why, size));
}

static int
keys_open_last(struct monitor *mon, const char *user, char *why, size_t size)
{
	int folder = keys_open_folder(mon, why, size), fd;

	if (folder < 0)
		return (-1);
	fd = openat(folder, user,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		snprintf(why, size, "%s", strerror(errno));
	close(folder);
	return (fd);
}

/* Takes over look. */
static void
keys_start(struct monitor *mon, struct look *look)
{
	static const struct proc_job job = {.time = READER_NS,
	    .ready = keys_ready,
	    .hear = keys_heard,
	    .over = keys_over};
	char why[SAFE_REASON_MAX] = "";
	int fd = keys_open_last(mon, look->ask.user, why, sizeof(why));
	struct proc *p = fd >= 0 ? start_job(mon, ROLE_KEYS, &job, look) : NULL;

	if (p == NULL) {
		if (fd >= 0)
			snprintf(why, sizeof(why), "%s", strerror(errno));
		keys_warn(mon, look, why);
		free(look);
	} else {
		TAILQ_INSERT_TAIL(&working, look, next);
		nworking++;
		(void)proc_send(mon, p, MSG_KEYS_ASK, &look->ask, &fd, 1);
	}
	fd_close(&fd);
}

/* ---- who is next -----------------------------------------------------------
 */

/* A name that is one of a file, too. */
static bool
keys_is_name(const char *user)
{
	return (user[0] != '\0' && user[0] != '.' &&
		strchr(user, '/') == NULL &&
		strlen(user) < sizeof(((struct msg_keys_ask *)0)->user));
}

static struct look *
keys_find(const struct looks *list, const char *user)
{
	struct look *look;

	TAILQ_FOREACH (look, list, next) {
		if (strcmp(look->ask.user, user) == 0)
			return (look);
	}
	return (NULL);
}

static struct look *
keys_new(const char *user)
{
	struct look *look = calloc(1, sizeof(*look));

	if (look != NULL)
		snprintf(look->ask.user, sizeof(look->ask.user), "%s", user);
	return (look);
}

/* One who waits and is not being looked at. */
static struct look *
keys_take_waiting(void)
{
	struct look *look;

	TAILQ_FOREACH (look, &waiting, next) {
		if (keys_find(&working, look->ask.user) != NULL)
			continue;
		TAILQ_REMOVE(&waiting, look, next);
		nwaiting--;
		return (look);
	}
	return (NULL);
}

static void
keys_open_everybody(struct monitor *mon)
{
	char why[SAFE_REASON_MAX];
	int fd = keys_open_folder(mon, why, sizeof(why));

	once_more = false;
	everybody = fd >= 0 ? fdopendir(fd) : NULL;
	if (everybody != NULL)
		return;
	fd_close(&fd);
	report_short(mon, ROLE_KEYS, errno, "users' keys are not looked at");
}

/* The next of everybody, or NULL. */
static struct look *
keys_take_everybody(struct monitor *mon)
{
	const struct dirent *d;

	if (everybody == NULL && once_more)
		keys_open_everybody(mon);
	while (everybody != NULL && (d = readdir(everybody)) != NULL) {
		if (keys_is_name(d->d_name) &&
		    keys_find(&working, d->d_name) == NULL)
			return (keys_new(d->d_name));
	}
	if (everybody != NULL)
		closedir(everybody);
	everybody = NULL;
	return (NULL);
}

static void
keys_next(struct monitor *mon)
{
	const char *files = keys_files(mon);
	struct look *look;

	while (nworking < READERS_MOST && !monitor_is_stopping(mon)) {
		look = keys_take_waiting();
		if (look == NULL)
			look = keys_take_everybody(mon);
		if (look == NULL)
			return;
		if (files == NULL) {
			free(look);
			continue;
		}
		snprintf(look->ask.files, sizeof(look->ask.files), "%s", files);
		keys_start(mon, look);
	}
}

/* No room to wait: one of everybody, then, and as such known by a file. */
static void
keys_look_late(struct monitor *mon, const char *user)
{
	char why[SAFE_REASON_MAX];
	int fd = keys_open_last(mon, user, why, sizeof(why));

	fd_close(&fd);
	once_more = true;
}

void
keys_look(struct monitor *mon, const char *user)
{
	struct look *look;

	if (keys_files(mon) == NULL || !keys_is_name(user) ||
	    keys_find(&waiting, user) != NULL)
		return;
	look = nwaiting < WAITING_MOST ? keys_new(user) : NULL;
	if (look != NULL) {
		TAILQ_INSERT_TAIL(&waiting, look, next);
		nwaiting++;
	} else {
		keys_look_late(mon, user);
	}
	keys_next(mon);
}

void
keys_look_all(struct monitor *mon)
{
	if (keys_files(mon) == NULL)
		return;
	once_more = true;
	keys_next(mon);
}
