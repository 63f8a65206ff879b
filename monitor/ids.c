/*
 * Choosing uids for the roles, and for services without `user`. Monitor (root).
 * No two share one, nor does any with nobody, an account, or a process that
 * runs already.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/ids.h"
#include "monitor/ids_service.h"
#include "lib/ptable.h"
#include "monitor/plan.h"

static const char *const account_names[UID_READERS] = {
    [UID_MASTER] = "portreeve-master",
    [UID_AUDIT] = "portreeve-audit",
    [UID_LOOKUP] = "portreeve-lookup",
    [UID_CALLER] = "portreeve-caller",
    [UID_ENDER] = "portreeve-ender",
};

/* NULL: a kind of service without one, or that shares another's. */
static const char *
account_name(int uid)
{
	enum service_kind kind;

	if (uid < UID_READERS)
		return (account_names[uid]);
	if (uid >= UID_SERVICES)
		return (service_traits((enum service_kind)(uid - UID_SERVICES))
			    ->account);
	kind = (enum service_kind)(uid - UID_READERS);
	return (
	    service_reader(kind) == kind ? service_traits(kind)->log : NULL);
}

/* One block of numbers a daemon: one for each role that has an account. */
#define BLOCK 16

/*
 * Locks are for 16 numbers each, from a multiple of it, and are held to the
 * monitor's end; in /run, which only root can write.
 */
#define LOCK_NUMBERS 16
#define LOCKS_MAX 512

static bool
lock_numbers(uint32_t number)
{
	static uint32_t held[LOCKS_MAX];
	static size_t count;
	uint32_t first = number - number % LOCK_NUMBERS;
	char path[64];
	int fd;

	for (size_t i = 0; i < count; i++) {
		if (held[i] == first)
			return (true);
	}
	if (count == LOCKS_MAX)
		return (false);
	snprintf(path, sizeof(path), "/run/portreeve-uids-%u.lock", first);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		fd_close(&fd);
		return (false);
	}
	held[count++] = first;
	return (true);
}

static bool
number_is_free(const struct ptable *t, uint32_t id)
{
	if ((id <= 65535 && id >= 65534) || getpwuid(id) != NULL ||
	    getgrgid(id) != NULL || ids_service_has(id))
		return (false);
	for (size_t i = 0; i < t->count; i++) {
		if (t->rows[i].uid == id)
			return (false);
	}
	return (true);
}

static bool
block_is_free(const struct ptable *t, uint32_t first)
{
	for (uint32_t id = first; id < first + BLOCK; id++) {
		if (!number_is_free(t, id))
			return (false);
	}
	return (lock_numbers(first) && lock_numbers(first + BLOCK - 1));
}

/* The range, cut to what this user namespace maps; false: nothing is left. */
static bool
usable_range(const struct monitor *mon, uint32_t *low, uint32_t *high)
{
	static const char *const maps[] = {
	    "/proc/self/uid_map", "/proc/self/gid_map"};
	char text[4096];

	*low = mon->plan->is.role_uid_low;
	*high = mon->plan->is.role_uid_high;
	for (size_t i = 0; i < 2; i++) {
		ssize_t n = -1;
		int fd = open(maps[i], O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			n = read(fd, text, sizeof(text) - 1);
		fd_close(&fd);
		/* A kernel without user namespaces maps everything. */
		if (n <= 0)
			continue;
		text[n] = '\0';
		if (!ids_cut(text, low, high))
			return (false);
	}
	return (true);
}

/* The first number of a block that is ours until we exit; 0 for none. */
static uint32_t
take_block(const struct monitor *mon)
{
	struct ptable t = {0};
	uint32_t found = 0, low, high;

	if (!usable_range(mon, &low, &high))
		return (0);
	if (ptable_read(&t) < 0)
		log_warn("cannot read the process table");
	for (uint32_t first = low;
	     found == 0 && first + BLOCK - 1 <= high && first >= low;
	     first += BLOCK) {
		if (block_is_free(&t, first))
			found = first;
	}
	ptable_free(&t);
	return (found);
}

/* From the top, where no role's block is looked for first. */
static uint32_t
take_number(uint32_t low, uint32_t high)
{
	struct ptable t = {0};
	uint32_t found = 0;

	if (ptable_read(&t) < 0)
		log_warn("cannot read the process table");
	for (uint32_t id = high; found == 0 && id >= low && id > 0; id--) {
		if (number_is_free(&t, id) && lock_numbers(id))
			found = id;
	}
	ptable_free(&t);
	return (found);
}

static bool
role_has(const struct monitor *mon, uint32_t id)
{
	for (int i = 0; i < UID_COUNT; i++) {
		if (mon->ids[i].uid == id)
			return (true);
	}
	return (false);
}

/* The number that a name has; whether it still can be its. */
static int
keep_number(struct monitor *mon, const char *name, uint32_t id, char *reason,
    size_t size)
{
	if (getpwuid(id) != NULL || getgrgid(id) != NULL || role_has(mon, id))
		snprintf(reason, size,
		    "its uid %u has an account by now: write `user`, or remove "
		    "that account",
		    id);
	else if (!lock_numbers(id))
		snprintf(reason, size,
		    "its uid %u is another daemon's: write `user`, or give "
		    "one of them other role-uids",
		    id);
	else
		return (0);
	log_info("service %s: %s", name, reason);
	return (ERR_REFUSED);
}

int
ids_for_service(
    struct monitor *mon, struct mon_service *s, char *reason, size_t size)
{
	uint32_t low, high, id;
	bool some;

	if (mon->rootless || service_traits(s->kind)->by != BY_PROGRAM ||
	    s->plan == NULL || s->plan->program == NULL ||
	    s->plan->program->uid != UINT32_MAX)
		return (0);
	if (ids_service_open(mon->state_dir, reason, size) != 0)
		return (ERR_REFUSED);
	some = usable_range(mon, &low, &high);
	id = ids_service_find(s->name);
	if (id != 0 && some && id >= low && id <= high) {
		s->uid = id;
		return (keep_number(mon, s->name, id, reason, size));
	}
	id = some ? take_number(low, high) : 0;
	if (id == 0) {
		snprintf(reason, size,
		    "no uid of role-uids %u-%u is left for it: write `user`, "
		    "or name another range",
		    mon->plan->is.role_uid_low, mon->plan->is.role_uid_high);
		return (ERR_REFUSED);
	}
	if (ids_service_add(s->name, id, reason, size) != 0)
		return (ERR_REFUSED);
	s->uid = id;
	return (0);
}

int
ids_choose(struct monitor *mon, char *reason, size_t size)
{
	uint32_t block = 0, taken = 0;

	if (mon->rootless)
		return (0);
	/* No role takes a number that a service has had. */
	if (ids_service_open(mon->state_dir, reason, size) != 0)
		return (ERR_REFUSED);
	for (int i = 0; i < UID_COUNT; i++) {
		const char *name = account_name(i);
		struct passwd *pw = name != NULL ? getpwnam(name) : NULL;

		if (name == NULL)
			continue;
		if (pw != NULL && pw->pw_uid != 0 && pw->pw_uid != 65534) {
			mon->ids[i].uid = pw->pw_uid;
			mon->ids[i].gid = pw->pw_gid;
			continue;
		}
		if (block == 0)
			block = take_block(mon);
		if (block == 0) {
			snprintf(reason, size,
			    "no %d numbers in a row of role-uids %u-%u are "
			    "free of accounts and processes: name another "
			    "range, or make the accounts (`make install`)",
			    BLOCK, mon->plan->is.role_uid_low,
			    mon->plan->is.role_uid_high);
			return (ERR_REFUSED);
		}
		if (taken == BLOCK)
			bug("a block has no number for %s", name);
		mon->ids[i].uid = mon->ids[i].gid = block + taken++;
	}
	return (0);
}
