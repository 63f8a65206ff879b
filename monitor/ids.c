/*
 * Judging the uids that a planner has chosen. Monitor (root). What it cannot
 * ask without waiting, whether an account or a process has one, the planner has
 * asked; here it is seen that a number is of the range, locked, and nobody
 * else's among ours, whatever a planner that was taken over says.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/account.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/ids.h"

#define IDS_GIVEN_MAX 4096 /* names in one daemon's life */

/*
 * Locks are for 16 numbers each, from a multiple of it, and are held to the
 * monitor's end; in /run, which only root can write.
 */
#define IDS_LOCK_NUMBERS 16
#define IDS_LOCKS_MAX 512

static uint32_t ids_locks[IDS_LOCKS_MAX];
static size_t ids_lock_count;

/* Which name a number was given to: it is never given to another. */
static struct {
	uint32_t id;
	char name[SERVICE_NAME_MAX];
} ids_given[IDS_GIVEN_MAX];
static size_t ids_given_count;

static uint32_t ids_first; /* the lowest of the roles' numbers */

/* --- locks ------------------------------------------------------------------
 */

static bool
ids_is_locked(uint32_t number)
{
	for (size_t i = 0; i < ids_lock_count; i++) {
		if (ids_locks[i] == number - number % IDS_LOCK_NUMBERS)
			return (true);
	}
	return (false);
}

bool
ids_lock(uint32_t number)
{
	uint32_t first = number - number % IDS_LOCK_NUMBERS;
	char path[64];
	int fd;

	if (ids_is_locked(number))
		return (true);
	if (ids_lock_count == IDS_LOCKS_MAX)
		return (false);
	snprintf(path, sizeof(path), "/run/portreeve-uids-%u.lock", first);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		fd_close(&fd);
		return (false);
	}
	ids_locks[ids_lock_count++] = first;
	return (true);
}

/* --- judging ----------------------------------------------------------------
 */

static bool
ids_is_nobody(uint32_t id)
{
	return (id == 65534 || id == 65535);
}

static bool
ids_is_ours(const struct plan *plan, uint32_t id)
{
	return (id >= plan->is.role_uid_low && id <= plan->is.role_uid_high &&
		!ids_is_nobody(id) && ids_is_locked(id));
}

static const char *
ids_judge_role(const struct plan *plan, int role)
{
	const struct plan_role *r = &plan->roles[role];

	if ((account_of_role((enum role_uid)role) != NULL) != (r->uid != 0))
		return ("a role without a uid, or one that has none");
	if (r->uid == 0)
		return (NULL);
	if (ids_is_nobody(r->uid) || r->gid == 0)
		return ("a role with nobody's uid or root's group");
	if (!r->account && (r->gid != r->uid || !ids_is_ours(plan, r->uid)))
		return ("a role's uid that is not of role-uids");
	for (int i = 0; i < role; i++) {
		if (plan->roles[i].uid == r->uid)
			return ("two roles with one uid");
	}
	return (NULL);
}

static bool
ids_is_roles(const struct monitor *mon, const struct plan *plan, uint32_t id)
{
	for (int i = 0; i < UID_COUNT; i++) {
		if (mon->ids[i].uid == id || plan->roles[i].uid == id)
			return (true);
	}
	return (false);
}

static bool
ids_is_anothers(const struct plan *plan, const struct plan_service *s)
{
	for (unsigned i = 0; &plan->services[i] != s; i++) {
		if (plan->services[i].is.own_uid == s->is.own_uid)
			return (true);
	}
	for (size_t i = 0; i < ids_given_count; i++) {
		if (ids_given[i].id == s->is.own_uid &&
		    strcmp(ids_given[i].name, s->is.name) != 0)
			return (true);
	}
	return (false);
}

static const char *
ids_judge_service(const struct monitor *mon, const struct plan *plan,
    const struct plan_service *s)
{
	bool needs = !mon->rootless && s->program != NULL &&
		     s->program->uid == UINT32_MAX;

	if (needs != (s->is.own_uid != 0))
		return ("a service without a uid, or with one that is not to "
			"have it");
	if (!needs)
		return (NULL);
	if (!ids_is_ours(plan, s->is.own_uid))
		return ("a service's uid that is not of role-uids");
	if (ids_is_roles(mon, plan, s->is.own_uid))
		return ("a service's uid that is a role's");
	if (ids_is_anothers(plan, s))
		return ("a service's uid that is another's");
	return (NULL);
}

const char *
ids_judge(const struct monitor *mon, const struct plan *plan, bool start)
{
	const char *why = NULL;

	for (int i = 0; why == NULL && i < UID_COUNT; i++) {
		if (start && !mon->rootless)
			why = ids_judge_role(plan, i);
		else if (plan->roles[i].uid != 0)
			why = "a role's uid after the start";
	}
	for (unsigned i = 0; why == NULL && i < plan->service_count; i++)
		why = ids_judge_service(mon, plan, &plan->services[i]);
	if (why == NULL &&
	    ids_given_count + plan->service_count > IDS_GIVEN_MAX)
		why = "more services than uids can be remembered for";
	return (why);
}

/* --- taking -----------------------------------------------------------------
 */

static void
ids_give(const struct plan_service *s)
{
	for (size_t i = 0; i < ids_given_count; i++) {
		if (ids_given[i].id == s->is.own_uid)
			return;
	}
	ids_given[ids_given_count].id = s->is.own_uid;
	snprintf(ids_given[ids_given_count].name, SERVICE_NAME_MAX, "%s",
	    s->is.name);
	ids_given_count++;
}

void
ids_take(struct monitor *mon, const struct plan *plan)
{
	for (int i = 0; i < UID_COUNT; i++) {
		const struct plan_role *r = &plan->roles[i];

		if (r->uid == 0)
			continue;
		mon->ids[i].uid = r->uid;
		mon->ids[i].gid = r->gid;
		if (!r->account && (ids_first == 0 || r->uid < ids_first))
			ids_first = r->uid;
	}
	for (unsigned i = 0; i < plan->service_count; i++) {
		if (plan->services[i].is.own_uid != 0)
			ids_give(&plan->services[i]);
	}
}

uint32_t
ids_block(void)
{
	return (ids_first);
}
