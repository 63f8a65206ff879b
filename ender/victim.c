/*
 * Whom the ender ends. Ender: own uid, CAP_KILL, sealed. A leader is the
 * monitor's word, tried against what the kernel says of the process.
 */
#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "ender/victim.h"
#include "lib/err.h"
#include "lib/ptable_all.h"
#include "lib/fd.h"
#include "lib/map.h"

#define MILLISECOND 1000000ull
#define REST_MS 1

static struct victim *victims;
static uint32_t count, room;

/* Places by process id, from 1: of all, and of leaders only. */
static struct map by_pid, leaders;

uint32_t
victim_count(void)
{
	return (count);
}

struct victim *
victim_at(uint32_t place)
{
	return (&victims[place]);
}

static struct victim *
victim_get(const struct map *m, pid_t pid)
{
	uint32_t place = (uint32_t)(uintptr_t)map_get(m, (uint64_t)pid);

	return (place != 0 ? &victims[place - 1] : NULL);
}

struct victim *
victim_find(pid_t pid)
{
	return (victim_get(&by_pid, pid));
}

struct victim *
victim_leader_of(pid_t group, pid_t session)
{
	struct victim *leader = victim_get(&leaders, group);

	return (leader != NULL ? leader : victim_get(&leaders, session));
}

int64_t
victim_add(const struct ptable_row *row)
{
	if (count == room) {
		uint32_t more = room == 0 ? 64 : 2 * room;
		struct victim *v = reallocarray(victims, more, sizeof(*v));

		if (v == NULL)
			return (ERR_NO_MEMORY);
		victims = v;
		room = more;
	}
	if (map_put(&by_pid, (uint64_t)row->pid,
		(void *)(uintptr_t)(count + 1)) != 0)
		return (ERR_NO_MEMORY);
	victims[count] = (struct victim){
	    .pid = row->pid, .parent = row->parent, .start = row->start};
	return (count++);
}

bool
victim_is_leader(uint32_t place)
{
	return (victims[place].leader == place);
}

/* ---- leaders ------------------------------------------------------------ */

static bool
victim_matches(const struct msg_end_leader *m, const struct ptable_row *row)
{
	return ((m->parent == 0 || row->parent == m->parent) &&
		(m->uid == UINT32_MAX || row->uid == m->uid) &&
		row->start >= m->least && row->start <= m->most);
}

/* Somebody whom /proc does not show, by hidepid for one. */
static bool
victim_is_hidden(pid_t pid)
{
	struct pollfd end = {
	    .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	bool lives = end.fd >= 0 && poll(&end, 1, 0) == 0;

	fd_close(&end.fd);
	return (lives);
}

int
victim_add_leader(const struct msg_end_leader *m)
{
	struct ptable_row row = {.pid = m->pid};
	int err = m->how == END_GROUP ? 0 : ptable_read_one(m->pid, &row);
	int64_t place;

	if (err == ERR_NOT_FOUND && victim_is_hidden(m->pid))
		return (ERR_REFUSED);
	if (err == 0 && m->how != END_GROUP && !victim_matches(m, &row))
		err = ERR_NOT_FOUND;
	if (err != 0)
		return (err);
	place = victim_add(&row);
	if (place < 0 || map_put(&leaders, (uint64_t)row.pid,
			     (void *)(uintptr_t)(place + 1)) != 0)
		return (ERR_NO_MEMORY);
	victims[place].leader = (uint32_t)place;
	victims[place].how = (enum end_how)m->how;
	victims[place].number = m->number;
	victims[place].gone = m->how == END_GROUP;
	return (0);
}

bool
victim_has_number(const struct victim *leader)
{
	struct ptable_row row;
	int err = ptable_look(leader->pid, &row);

	return (
	    err == ERR_NOT_FOUND || (err == 0 && row.start == leader->start));
}

bool
victim_number_stays(const struct victim *v, uint64_t patience)
{
	struct ptable_row row;
	bool gone = false;

	while (ptable_number_is_used(v->pid)) {
		if (gone || time_boot_ns() >= patience)
			return (true);
		gone = ptable_look(v->pid, &row) == ERR_NOT_FOUND;
		time_rest(REST_MS);
	}
	return (false);
}

int
victim_signal(const struct victim *v, int signal)
{
	struct ptable_row row = {.pid = v->pid, .start = v->start};

	return (ptable_signal(&row, signal));
}

bool
victim_has_ended(const struct victim *v, uint64_t deadline)
{
	struct pollfd end = {
	    .fd = (int)syscall(SYS_pidfd_open, v->pid, 0), .events = POLLIN};
	uint64_t now = time_boot_ns();
	struct ptable_row row;
	bool ended;
	int err;

	if (end.fd < 0)
		return (errno == ESRCH || errno == EINVAL);
	err = ptable_look(v->pid, &row);
	ended = err == ERR_NOT_FOUND || (err == 0 && row.start != v->start);
	/* An end that comes between two looks is seen by the next. */
	while (!ended &&
	       poll(&end, 1,
		   now < deadline ? (int)((deadline - now) / MILLISECOND) + 1
				  : 0) != 0) {
		ended = (end.revents & POLLIN) != 0;
		now = time_boot_ns();
	}
	fd_close(&end.fd);
	return (ended);
}
