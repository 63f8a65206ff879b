/*
 * The table of adopted sessions. Monitor (root). Each was verified when it was
 * put in (adopt.c).
 */
#include <string.h>

#include "lib/err.h"
#include "lib/map.h"
#include "monitor/sessions/adopted.h"

static TAILQ_HEAD(, adopted) adopted = TAILQ_HEAD_INITIALIZER(adopted);

/* By session, by the group's leader; how many an instance has. */
static struct map adopted_by_session, adopted_by_leader, adopted_of_instance;
static uint32_t adopted_high; /* the slots of all were below */

/* How many of an instance there are, after so many more or less. */
static uintptr_t
adopted_count(uint32_t instance, int change)
{
	uintptr_t n = (uintptr_t)map_get(&adopted_of_instance, instance) +
		      (uintptr_t)change;

	if (n == 0)
		map_remove(&adopted_of_instance, instance);
	else if (change != 0)
		(void)map_put(&adopted_of_instance, instance, (void *)n);
	return (n);
}

/* Of two with one number, the first is found by it. */
int
adopted_put(struct adopted *a)
{
	if (map_reserve(&adopted_by_session) != 0 ||
	    map_reserve(&adopted_by_leader) != 0 ||
	    map_reserve(&adopted_of_instance) != 0)
		return (ERR_NO_MEMORY);
	TAILQ_INSERT_TAIL(&adopted, a, next);
	if (a->slot >= adopted_high)
		adopted_high = a->slot + 1;
	if (map_get(&adopted_by_session, a->session) == NULL)
		(void)map_put(&adopted_by_session, a->session, a);
	if (map_get(&adopted_by_leader, (uint64_t)a->leader) == NULL)
		(void)map_put(&adopted_by_leader, (uint64_t)a->leader, a);
	(void)adopted_count(a->instance, 1);
	return (0);
}

void
adopted_remove(struct adopted *a)
{
	TAILQ_REMOVE(&adopted, a, next);
	if (map_get(&adopted_by_session, a->session) == a)
		map_remove(&adopted_by_session, a->session);
	if (map_get(&adopted_by_leader, (uint64_t)a->leader) == a)
		map_remove(&adopted_by_leader, (uint64_t)a->leader);
	(void)adopted_count(a->instance, -1);
}

uint32_t
adopted_slots(void)
{
	return (adopted_high);
}

/* Where its leader has ended, it is known by its group. */
static struct end_process
adopted_process(const struct adopted *a)
{
	return ((struct end_process){
	    .pid = a->leader, .start = a->pidfd >= 0 ? a->start : 0});
}

struct end_process
adopted_find(uint64_t session)
{
	const struct adopted *a = map_get(&adopted_by_session, session);

	return (a != NULL ? adopted_process(a) : (struct end_process){0});
}

uint64_t
adopted_find_group(
    pid_t group, struct addr *peer, char service[SERVICE_NAME_MAX])
{
	struct adopted *a = map_get(&adopted_by_leader, (uint64_t)group);

	if (a == NULL)
		return (0);
	*peer = a->peer;
	memcpy(service, a->service, SERVICE_NAME_MAX);
	return (a->session);
}

void
adopted_end_all(void (*end)(pid_t leader, uint64_t start))
{
	const struct adopted *a;

	TAILQ_FOREACH (a, &adopted, next)
		end(a->leader, adopted_process(a).start);
}

struct adopted *
adopted_next(const struct adopted *a)
{
	return (a == NULL ? TAILQ_FIRST(&adopted) : TAILQ_NEXT(a, next));
}

bool
adopted_any_of(uint32_t instance)
{
	return (adopted_count(instance, 0) > 0);
}
