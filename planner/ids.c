/*
 * Chooses uids for the roles, and for services without `user`. Planner: sealed,
 * with root's uid and CAP_DAC_READ_SEARCH. No two share one, and none is that
 * of nobody, of an account, or of a process that runs already. The monitor
 * locks a number before it is written down, and it is written down before it is
 * given. The monitor judges each number once more, because a planner may be
 * taken over.
 */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "lib/account.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/ptable_all.h"
#include "planner/ids.h"
#include "planner/ids_file.h"

/* The roles' numbers begin here; 0: they are to be chosen, or are accounts. */
static uint32_t ids_block;

/* --- what is free ----------------------------------------------------------
 */

/* The monitor takes the lock, and keeps it; false: another daemon has it. */
static bool
ids_lock(const struct planner *p, uint32_t number)
{
	const struct msg_plan_lock ask = {.number = number};
	static struct ipc_in in;
	int err;

	err = ipc_send_wait(p->monitor, MSG_PLAN_LOCK, &ask, NULL, 0);
	if (err == 0)
		err = ipc_recv(p->monitor, &in);
	if (err != 0 || in.type != MSG_PLAN_LOCKED)
		die("the monitor does not answer for uid %u: %s", number,
		    err != 0 ? err_text(err) : msg_name(in.type));
	return (in.msg.plan_locked.locked);
}

/* Read once; NULL when that fails, and no number is known to be free. */
static const struct ptable *
ids_processes(void)
{
	static struct ptable t;
	static int err = 1;

	if (err > 0 && (err = ptable_read(&t)) != 0)
		log_warn("the process table cannot be read: no number is "
			 "known to be free");
	return (err == 0 ? &t : NULL);
}

static bool
ids_is_roles(uint32_t id)
{
	return (
	    ids_block != 0 && id >= ids_block && id - ids_block < PLAN_BLOCK);
}

static bool
ids_has_account(uint32_t id)
{
	return (getpwuid(id) != NULL || getgrgid(id) != NULL);
}

static bool
ids_is_free(uint32_t id)
{
	const struct ptable *t = ids_processes();

	if (t == NULL || (id <= 65535 && id >= 65534) || ids_is_roles(id) ||
	    ids_has_account(id) || ids_file_has(id))
		return (false);
	for (size_t i = 0; i < t->count; i++) {
		if (t->rows[i].uid == id)
			return (false);
	}
	return (true);
}

/* The range, cut to what this user namespace maps; false: nothing is left. */
static bool
ids_usable_range(const struct conf *conf, uint32_t *low, uint32_t *high)
{
	static const char *const maps[] = {
	    "/proc/self/uid_map", "/proc/self/gid_map"};
	char text[4096];

	*low = conf->role_uid_low;
	*high = conf->role_uid_high;
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
		if (!ids_file_cut(text, low, high))
			return (false);
	}
	return (true);
}

/* --- roles ------------------------------------------------------------------
 */

static bool
ids_block_is_free(const struct planner *p, uint32_t first)
{
	for (uint32_t id = first; id < first + PLAN_BLOCK; id++) {
		if (!ids_is_free(id))
			return (false);
	}
	return (ids_lock(p, first) && ids_lock(p, first + PLAN_BLOCK - 1));
}

/* The first number of a block that is ours to the monitor's end; 0 for none. */
static uint32_t
ids_take_block(const struct planner *p, const struct conf *conf)
{
	uint32_t low, high;

	if (!ids_usable_range(conf, &low, &high))
		return (0);
	for (uint32_t first = low;
	     first + PLAN_BLOCK - 1 <= high && first >= low;
	     first += PLAN_BLOCK) {
		if (ids_block_is_free(p, first))
			return (first);
	}
	return (0);
}

static void
ids_send_role(const struct planner *p, const struct msg_plan_role *m)
{
	int err = ipc_send_wait(p->monitor, MSG_PLAN_ROLE, m, NULL, 0);

	if (err != 0)
		die("cannot send PLAN_ROLE: %s", err_text(err));
}

int
ids_send_roles(
    const struct planner *p, const struct conf *conf, char *reason, size_t size)
{
	uint32_t taken = 0;

	if (p->rootless)
		return (0);
	/* No role takes a number that a service has had. */
	if (ids_file_open(p->state_dir, reason, size) != 0)
		return (ERR_REFUSED);
	for (int i = 0; i < UID_COUNT; i++) {
		struct msg_plan_role m = {.role = (uint8_t)i};
		const char *name = account_of_role((enum role_uid)i);
		struct passwd *pw = name != NULL ? getpwnam(name) : NULL;

		if (name == NULL)
			continue;
		if (pw != NULL && pw->pw_uid != 0 && pw->pw_uid != 65534) {
			m.account = 1;
			m.uid = pw->pw_uid;
			m.gid = pw->pw_gid;
			ids_send_role(p, &m);
			continue;
		}
		if (ids_block == 0)
			ids_block = ids_take_block(p, conf);
		if (ids_block == 0) {
			snprintf(reason, size,
			    "no %d numbers in a row of role-uids %u-%u are "
			    "free of accounts and processes: name another "
			    "range, or make the accounts (`make install`)",
			    PLAN_BLOCK, conf->role_uid_low,
			    conf->role_uid_high);
			return (ERR_REFUSED);
		}
		if (taken == PLAN_BLOCK)
			bug("a block has no number for %s", name);
		m.uid = m.gid = ids_block + taken++;
		ids_send_role(p, &m);
	}
	return (0);
}

/* --- services ---------------------------------------------------------------
 */

/* From the top, where no role's block is looked for first. */
static uint32_t
ids_take_number(const struct planner *p, uint32_t low, uint32_t high)
{
	for (uint32_t id = high; id >= low && id > 0; id--) {
		if (ids_is_free(id) && ids_lock(p, id))
			return (id);
	}
	return (0);
}

/* The number that a name has; whether it still can be its. */
static int
ids_keep_number(const struct planner *p, uint32_t id, char *reason, size_t size)
{
	if (ids_has_account(id) || ids_is_roles(id))
		snprintf(reason, size,
		    "its uid %u has an account by now: write `user`, or remove "
		    "that account",
		    id);
	else if (!ids_lock(p, id))
		snprintf(reason, size,
		    "its uid %u is another daemon's: write `user`, or give "
		    "one of them other role-uids",
		    id);
	else
		return (0);
	return (ERR_REFUSED);
}

int
ids_find_service(const struct planner *p, const struct conf *conf,
    const struct conf_service *s, uint32_t *uid, char *reason, size_t size)
{
	uint32_t low, high;
	bool some;

	*uid = 0;
	if (p->rootless || p->what == PLAN_CHECK || s->exec.user != NULL)
		return (0);
	if (ids_block == 0)
		ids_block = p->block;
	if (ids_file_open(p->state_dir, reason, size) != 0)
		return (ERR_REFUSED);
	some = ids_usable_range(conf, &low, &high);
	*uid = ids_file_find(s->name);
	if (*uid != 0 && some && *uid >= low && *uid <= high)
		return (ids_keep_number(p, *uid, reason, size));
	*uid = some ? ids_take_number(p, low, high) : 0;
	if (*uid != 0)
		return (ids_file_add(s->name, *uid, reason, size));
	snprintf(reason, size,
	    "no uid of role-uids %u-%u is left for it: write `user`, or name "
	    "another range",
	    conf->role_uid_low, conf->role_uid_high);
	return (ERR_REFUSED);
}
