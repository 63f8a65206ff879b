/*
 * The table of logins, in memory that outlives the monitor (DIR/state/logins,
 * mode 0600). Monitor (root). A login is counted from the moment that it is
 * allowed until its connection's slot is free, whatever ends it.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/map.h"
#include "lib/memory.h"
#include "lib/usercount.h"
#include "monitor/logins/loginproc.h"
#include "monitor/logins/logins.h"
#include "monitor/logins/logins_private.h"
#include "monitor/plan.h"
#include "monitor/sessions/adopted.h"
#include "policy/user.h"

/*
 * The file is as long as the highest record that was ever used, so that a
 * daemon with few logins touches few pages; the mapping has room for all. Some
 * records are there from the start: who logs in to clear a full disk has one.
 */
#define LOGINS_READY 16

static struct login *logins;
static unsigned logins_high;

/*
 * Where a session's record is, which are free, and which are a user's: a list
 * in both directions. Places are counted from 1; 0 is none.
 */
static struct map logins_by_session, logins_by_uid;
static uint16_t logins_free[LOGINS_MAX];
static unsigned logins_nfree;
static struct {
	uint16_t next, prev;
} logins_links[LOGINS_MAX + 1];

_Static_assert(LOGINS_MAX < UINT16_MAX, "a place is 16 bits");

/* Records that one login more looks at, for sessions that are over. */
#define LOGINS_LOOK 4
static unsigned logins_looked;
static int logins_fd = -1;

void
logins_socket_path(struct monitor *mon, char *buf, size_t size)
{
	snprintf(buf, size, "%s/pam.sock", mon->run_dir);
}

static bool logins_reserve(unsigned n);

/* --- where records are ------------------------------------------------------
 */

static unsigned
logins_place(const struct login *l)
{
	return ((unsigned)(l - logins) + 1);
}

static unsigned
logins_first_of(uid_t uid)
{
	return ((unsigned)(uintptr_t)map_get(&logins_by_uid, uid));
}

static int
logins_set_first(uid_t uid, unsigned place)
{
	if (place == 0) {
		map_remove(&logins_by_uid, uid);
		return (0);
	}
	return (map_put(&logins_by_uid, uid, (void *)(uintptr_t)place));
}

/* ERR_NO_MEMORY: it is in neither. */
static int
logins_link(const struct login *l)
{
	unsigned place = logins_place(l), first = logins_first_of(l->uid);

	if (map_put(&logins_by_session, l->session, (void *)(uintptr_t)place) !=
	    0)
		return (ERR_NO_MEMORY);
	if (logins_set_first(l->uid, place) != 0) {
		map_remove(&logins_by_session, l->session);
		return (ERR_NO_MEMORY);
	}
	logins_links[place].prev = 0;
	logins_links[place].next = (uint16_t)first;
	logins_links[first].prev = (uint16_t)place;
	return (0);
}

static void
logins_unlink(const struct login *l)
{
	unsigned place = logins_place(l);
	unsigned next = logins_links[place].next;
	unsigned prev = logins_links[place].prev;

	map_remove(&logins_by_session, l->session);
	logins_links[next].prev = (uint16_t)prev;
	if (prev != 0)
		logins_links[prev].next = (uint16_t)next;
	else
		(void)logins_set_first(l->uid, next); /* it is there */
}

static void
logins_clear(struct login *l)
{
	logins_unlink(l);
	memset(l, 0, sizeof(*l));
	logins_free[logins_nfree++] = (uint16_t)logins_place(l);
}

/* Of a daemon before: what is in the file. */
static int
logins_learn(void)
{
	for (unsigned i = 0; i < logins_high; i++) {
		struct login *l = &logins[i];

		l->user[sizeof(l->user) - 1] = '\0';
		l->tty[sizeof(l->tty) - 1] = '\0';
		l->service[sizeof(l->service) - 1] = '\0';
		if (l->session == 0 || logins_find(l->session) != NULL) {
			memset(l, 0, sizeof(*l));
			logins_free[logins_nfree++] = (uint16_t)logins_place(l);
		} else if (logins_link(l) != 0) {
			return (ERR_NO_MEMORY);
		}
	}
	return (0);
}

int
logins_open(struct monitor *mon)
{
	const size_t size = LOGINS_MAX * sizeof(struct login);
	char path[PATH_MAX + 32];
	struct stat st;

	snprintf(path, sizeof(path), "%s/state/logins", mon->run_dir);
	logins_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (logins_fd < 0 || fstat(logins_fd, &st) < 0) {
		log_errno("cannot make %s", path);
		return (ERR_SYSTEM);
	}
	logins_high = (unsigned)((size_t)st.st_size / sizeof(struct login));
	if (logins_high > LOGINS_MAX)
		logins_high = LOGINS_MAX;
	logins =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, logins_fd, 0);
	if (logins == MAP_FAILED) {
		logins = NULL;
		log_errno("cannot map %s", path);
		return (ERR_SYSTEM);
	}
	if (logins_learn() != 0) {
		log_warn("out of memory for the records of logins");
		return (ERR_NO_MEMORY);
	}
	if (logins_high < LOGINS_READY &&
	    !logins_reserve(LOGINS_READY - logins_high))
		log_warn("no room for the records of logins");
	return (0);
}

bool
logins_session_runs(struct monitor *mon, uint64_t session)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->slots != NULL &&
		    slot_find_session(p->slots, session) >= 0)
			return (true);
	}
	return (adopted_find(session).pid > 0 || loginproc_runs(session));
}

/* A record whose session is over, whatever ended it, is free. */
static void
logins_prune_one(struct monitor *mon, struct login *l)
{
	if (l->session != 0 && !logins_session_runs(mon, l->session))
		logins_clear(l);
}

/* The next few, in turn: a login is not to cost a look at each that is there.
 */
static void
logins_prune_some(struct monitor *mon)
{
	for (unsigned i = 0; i < LOGINS_LOOK && i < logins_high; i++) {
		logins_looked = (logins_looked + 1) % logins_high;
		logins_prune_one(mon, &logins[logins_looked]);
	}
}

struct login *
logins_find(uint64_t session)
{
	unsigned place =
	    (unsigned)(uintptr_t)map_get(&logins_by_session, session);

	return (place != 0 ? &logins[place - 1] : NULL);
}

struct login *
logins_of_user(uid_t uid)
{
	unsigned place = logins_first_of(uid);

	return (place != 0 ? &logins[place - 1] : NULL);
}

struct login *
logins_at(unsigned place)
{
	return (place < logins_high ? &logins[place] : NULL);
}

/* Room for n records more, or none: the file holds no page without room. */
static bool
logins_reserve(unsigned n)
{
	const size_t one = sizeof(struct login);

	if (logins_high + n > LOGINS_MAX)
		return (false);
	if (ftruncate(logins_fd, (off_t)((logins_high + n) * one)) == 0 &&
	    memory_reserve(&logins[logins_high], n * one) == 0) {
		while (n-- > 0)
			logins_free[logins_nfree++] = (uint16_t)++logins_high;
		return (true);
	}
	if (ftruncate(logins_fd, (off_t)(logins_high * one)) < 0)
		log_errno("cannot truncate the records of logins");
	return (false);
}

/* A free one; NULL when all are taken by sessions that run. */
static struct login *
logins_take(struct monitor *mon)
{
	logins_prune_some(mon);
	if (logins_nfree == 0 && !logins_reserve(1)) {
		for (unsigned i = 0; i < logins_high; i++)
			logins_prune_one(mon, &logins[i]);
	}
	return (
	    logins_nfree > 0 ? &logins[logins_free[--logins_nfree] - 1] : NULL);
}

struct login *
logins_put(struct monitor *mon, uint64_t session, uid_t uid, const char *user)
{
	struct login *l = logins_find(session);

	if (l != NULL)
		logins_unlink(l);
	else
		l = logins_take(mon);
	if (l == NULL)
		return (NULL);
	memset(l, 0, sizeof(*l));
	l->uid = uid;
	snprintf(l->user, sizeof(l->user), "%s", user);
	l->session = session;
	if (logins_link(l) == 0)
		return (l);
	memset(l, 0, sizeof(*l));
	logins_free[logins_nfree++] = (uint16_t)logins_place(l);
	return (NULL);
}

void
logins_remove(uint64_t session)
{
	struct login *l = session != 0 ? logins_find(session) : NULL;

	if (l != NULL)
		logins_clear(l);
}

const char *
logins_user_refusal(
    struct monitor *mon, uid_t uid, uint64_t session, uint32_t processes)
{
	struct policy_user_limit limit = {
	    .processes = mon->plan->is.user_processes,
	    .sessions = mon->plan->is.user_sessions};
	struct policy_user_count count = {.processes = processes};

	/* RLIMIT_NPROC does not bind uid 0, and so neither does the count. */
	if (uid == 0)
		limit.processes = 0;
	if (limit.processes > 0 && processes == USERCOUNT_UNKNOWN)
		return ("no-resources");
	for (unsigned next, i = limit.sessions > 0 ? logins_first_of(uid) : 0;
	     i != 0; i = next) {
		next = logins_links[i].next;
		if (logins[i - 1].session == session)
			continue;
		logins_prune_one(mon, &logins[i - 1]);
		count.sessions += logins[i - 1].session != 0;
	}
	return (policy_user_login(&limit, &count).allow ? NULL : "user-limit");
}

const char *
logins_admit(struct monitor *mon, uint64_t session, uid_t uid, const char *user,
    uint32_t processes, struct login **l)
{
	const char *reason = logins_user_refusal(mon, uid, session, processes);

	*l = NULL;
	if (reason != NULL)
		return (reason);
	*l = logins_put(mon, session, uid, user);
	return (*l != NULL ? NULL : "no-resources");
}
