/*
 * Finding, stopping and killing. Ender. A session's processes are found from
 * its leader downwards, by the kernel's lists of children, so that it costs the
 * same however many others there are. Whose parent has ended belongs to the
 * leader's own parent, which is everybody's reaper there (a zygote, the
 * monitor, init) and may have ten thousand: these are looked through only when
 * a leader's number is still that of a group or session after its end, and
 * those count that are in it. Where the kernel has no such lists, all processes
 * are looked through.
 */
#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "ender/tree.h"
#include "ipc/ending.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/map.h"
#include "lib/ptable.h"

#define MILLISECOND 1000000ull
/* Who was told to stop and has not may never: it waits for a disk. */
#define PATIENCE_NS (50 * MILLISECOND)
#define FREEZE_NS (4000 * MILLISECOND)
#define REST_MS 1
/* The kernel's list skips one when another ends while it is read. */
#define ORPHAN_LOOKS 3

struct victim {
	pid_t pid, parent;
	uint64_t start;
	uint32_t leader;  /* the place of its leader */
	uint32_t number;  /* a leader's, as the monitor said */
	enum end_how how; /* its leader's */
	bool told;	  /* to stop */
	bool gone;
};

static struct victim *victims;
static uint32_t count, room;

/* Places by process id, from 1: of all, and of leaders alone. */
static struct map by_pid, leaders;

/* The leaders' parents. */
static struct map reapers;

/* By looking through all processes. */
static bool scans;

/* By looking through the reapers' children too. */
static bool orphans;

/* One look at everybody. */
struct look {
	bool all;
	bool last;   /* who moves still is not waited for */
	bool fresh;  /* somebody new was found */
	bool moving; /* somebody has not stopped yet */
	int err;
	pid_t parent;	 /* whose children are being told */
	uint32_t leader; /* and where that belongs to */
};

static void
look_failed(struct look *l, int err)
{
	if (l->err == 0 && err != ERR_NOT_FOUND)
		l->err = err;
}

static struct victim *
victim_find(const struct map *m, pid_t pid)
{
	uint32_t place = (uint32_t)(uintptr_t)map_get(m, (uint64_t)pid);

	return (place != 0 ? &victims[place - 1] : NULL);
}

/* The place of a new one, or ERR_NO_MEMORY. Pointers to others move. */
static int64_t
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

static void
victim_add_member(struct look *l, const struct ptable_row *row, uint32_t leader)
{
	int64_t place = victim_add(row);

	if (place < 0) {
		look_failed(l, (int)place);
		return;
	}
	victims[place].leader = leader;
	victims[place].how = victims[leader].how;
	l->fresh = true;
}

/* ---- leaders ------------------------------------------------------------ */

static bool
leader_matches(const struct msg_end_leader *m, const struct ptable_row *row)
{
	return ((m->parent == 0 || row->parent == m->parent) &&
		(m->uid == UINT32_MAX || row->uid == m->uid) &&
		row->start >= m->least && row->start <= m->most);
}

/* Somebody whom /proc does not show, by hidepid for one. */
static bool
leader_is_hidden(pid_t pid)
{
	struct pollfd end = {
	    .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	bool lives = end.fd >= 0 && poll(&end, 1, 0) == 0;

	fd_close(&end.fd);
	return (lives);
}

int
tree_add_leader(const struct msg_end_leader *m)
{
	struct ptable_row row = {.pid = m->pid};
	int err = m->how == END_GROUP ? 0 : ptable_read_one(m->pid, &row);
	int64_t place;

	if (err == ERR_NOT_FOUND && leader_is_hidden(m->pid))
		return (ERR_REFUSED);
	if (err == 0 && m->how != END_GROUP && !leader_matches(m, &row))
		err = ERR_NOT_FOUND;
	if (err != 0)
		return (err);
	place = victim_add(&row);
	if (place < 0 ||
	    map_put(&leaders, (uint64_t)row.pid,
		(void *)(uintptr_t)(place + 1)) != 0 ||
	    (row.parent > 0 && map_put(&reapers, (uint64_t)row.parent,
				   (void *)(uintptr_t)1) != 0))
		return (ERR_NO_MEMORY);
	victims[place].leader = (uint32_t)place;
	victims[place].how = (enum end_how)m->how;
	victims[place].number = m->number;
	victims[place].gone = m->how == END_GROUP;
	scans = scans || m->how == END_GROUP;
	return (0);
}

/* ---- everybody else ----------------------------------------------------- */

static bool
victim_is_due(const struct victim *v, const struct look *l)
{
	return (!v->gone && (v->how != END_LAST || l->all));
}

static void
child_told(pid_t child, void *arg)
{
	struct look *l = arg;
	const struct victim *known = victim_find(&by_pid, child);
	struct ptable_row row;
	int err;

	if (known != NULL && !known->gone)
		return;
	err = ptable_look(child, &row);
	if (err != 0)
		look_failed(l, err);
	else if (row.parent == l->parent && !row.zombie)
		victim_add_member(l, &row, l->leader);
}

/* Stop one, and learn of its children, once more while it has not stopped. */
static void
victim_look(uint32_t place, struct look *l)
{
	struct victim *v = &victims[place];
	struct ptable_row row;
	int err;

	if (!victim_is_due(v, l))
		return;
	err = ptable_look(v->pid, &row);
	if (err == ERR_NOT_FOUND ||
	    (err == 0 && (row.start != v->start || row.zombie))) {
		v->gone = true;
		return;
	}
	if (err == 0 && !row.stopped) {
		l->moving = true;
		l->fresh = l->fresh || !v->told;
		v->told = true;
		err = ptable_signal(&row, SIGSTOP);
	}
	if (err != 0)
		look_failed(l, err);
	if (scans)
		return;
	l->parent = row.pid;
	l->leader = v->leader;
	err = ptable_children(&row, child_told, l);
	if (err == ERR_UNSUPPORTED)
		scans = l->fresh = true;
	else if (err != 0)
		look_failed(l, err);
}

static const struct victim *
leader_of_group(pid_t group, pid_t session)
{
	const struct victim *leader = victim_find(&leaders, group);

	return (leader != NULL ? leader : victim_find(&leaders, session));
}

/*
 * Nobody has a leader's number but itself: while its group or session has a
 * member, it is given to no other process.
 */
static bool
leader_has_number(const struct victim *leader)
{
	struct ptable_row row;
	int err = ptable_look(leader->pid, &row);

	return (
	    err == ERR_NOT_FOUND || (err == 0 && row.start == leader->start));
}

static void
orphan_told(pid_t child, void *arg)
{
	struct look *l = arg;
	const struct victim *known = victim_find(&by_pid, child);
	struct ptable_row row;
	int err;

	/* Most are leaders of sessions that nobody ends. */
	if ((known != NULL && !known->gone) ||
	    leader_of_group(getpgid(child), getsid(child)) == NULL)
		return;
	err = ptable_look(child, &row);
	if (err != 0) {
		look_failed(l, err);
		return;
	}
	known = leader_of_group(row.group, row.session);
	if (known != NULL && !row.zombie && leader_has_number(known))
		victim_add_member(l, &row, known->leader);
}

static void
look_at_reapers(struct look *l)
{
	for (size_t i = 0; i < reapers.size; i++) {
		struct ptable_row row;
		int err;

		if (reapers.entries[i].value == NULL)
			continue;
		err = ptable_look((pid_t)reapers.entries[i].key, &row);
		if (err == 0)
			err = ptable_children(&row, orphan_told, l);
		if (err != 0)
			look_failed(l, err);
	}
}

static void
scanned_one(struct look *l, const struct ptable_row *row)
{
	const struct victim *v = victim_find(&by_pid, row->pid);

	if (row->zombie || (v != NULL && v->start == row->start))
		return;
	v = leader_of_group(row->group, row->session);
	if (v == NULL)
		v = victim_find(&by_pid, row->parent);
	if (v != NULL && row->pid != getpid())
		victim_add_member(l, row, v->leader);
}

static void
look_at_all(struct look *l)
{
	struct ptable t = {0};
	int err = ptable_read_tree(&t);
	uint32_t before;

	if (err != 0)
		look_failed(l, err);
	do {
		before = count;
		for (size_t i = 0; i < t.count; i++)
			scanned_one(l, &t.rows[i]);
	} while (count != before && l->err == 0);
	ptable_free(&t);
}

/* Those that are found on the way are looked at on the way. */
static void
look_at_everybody(struct look *l)
{
	for (uint32_t i = 0; i < count; i++)
		victim_look(i, l);
	if (scans)
		look_at_all(l);
	else if (orphans && !l->fresh && (!l->moving || l->last))
		look_at_reapers(l);
}

int
tree_freeze(bool all)
{
	uint64_t now = time_boot_ns(), end = now + FREEZE_NS;
	uint64_t patience = now + PATIENCE_NS;
	unsigned quiet = 0;
	struct look l;

	for (;;) {
		l = (struct look){.all = all, .last = now >= patience};
		look_at_everybody(&l);
		now = time_boot_ns();
		quiet = l.fresh || (l.moving && !l.last) ? 0 : quiet + 1;
		if (now >= end || quiet == (orphans ? ORPHAN_LOOKS : 1))
			break;
		if (l.fresh)
			patience = now + PATIENCE_NS;
		else if (quiet == 0)
			time_rest(REST_MS);
	}
	return (l.err);
}

/* ---- ends --------------------------------------------------------------- */

static int
victim_signal(const struct victim *v, int signal)
{
	struct ptable_row row = {.pid = v->pid, .start = v->start};

	return (ptable_signal(&row, signal));
}

/*
 * A leader gets a second to close its books (sshd its PAM session); what
 * descends from it gets none, or it could leave something behind.
 */
static int
victim_end(struct victim *v, uint32_t place, bool all)
{
	int err;

	if (v->gone || (v->how == END_LAST && !all))
		return (0);
	if (v->how != END_GRACE || all || v->leader != place)
		return (victim_signal(v, SIGKILL));
	err = victim_signal(v, SIGTERM);
	if (err == 0)
		err = victim_signal(v, SIGCONT);
	v->told = false;
	return (err);
}

int
tree_kill(bool all)
{
	int err = 0;

	for (uint32_t i = 0; i < count; i++) {
		int failed = victim_end(&victims[i], i, all);

		if (err == 0)
			err = failed;
	}
	return (err);
}

static bool
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

uint32_t
tree_wait(uint64_t deadline, bool all)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct victim *v = &victims[i];

		if (v->how == END_LAST && !all)
			continue;
		v->gone = v->gone || victim_has_ended(v, deadline);
		left += !v->gone;
	}
	return (left);
}

/* Its parent takes a moment to wait for it, and the kernel to forget it. */
static bool
leader_number_stays(const struct victim *v, uint64_t patience)
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

bool
tree_has_orphans(void)
{
	uint64_t patience = time_boot_ns() + PATIENCE_NS;

	for (uint32_t i = 0; i < count && !scans && !orphans; i++) {
		if (victims[i].leader == i)
			orphans = leader_number_stays(&victims[i], patience);
	}
	return (orphans);
}

void
tree_tell(void (*tell)(uint32_t number, int32_t pid))
{
	for (uint32_t i = 0; i < count; i++) {
		const struct victim *v = &victims[i];
		const struct victim *leader = &victims[v->leader];

		if (!v->gone && (v == leader || v->parent == leader->pid))
			tell(leader->number, v->pid);
	}
}
