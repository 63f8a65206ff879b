/*
 * One look at everybody: stops them and finds more. Ender. A session's
 * processes are found from its leader downwards, by the kernel's lists of
 * children, so that it costs the same however many others there are. Whose
 * parent has ended belongs to the leader's own parent, which is everybody's
 * reaper there (a zygote, the monitor, init) and may have ten thousand: these
 * are looked through only when asked for, and those count that are in a
 * leader's group or session. Where the kernel has no such lists, all processes
 * are looked through.
 */
#include <signal.h>
#include <unistd.h>

#include "ender/look.h"
#include "ender/victim.h"
#include "lib/err.h"
#include "lib/ptable_all.h"
#include "lib/map.h"

#define ORPHAN_LOOKS 3

static struct map reapers;

/* By looking through all processes; through the reapers' children too. */
static bool scans, orphans;

int
look_add_reaper(pid_t reaper)
{
	return (reaper > 0
		    ? map_put(&reapers, (uint64_t)reaper, (void *)(uintptr_t)1)
		    : 0);
}

void
look_scan(void)
{
	scans = true;
}

bool
look_scans(void)
{
	return (scans);
}

void
look_for_orphans(void)
{
	orphans = true;
}

unsigned
look_needed(void)
{
	return (orphans ? ORPHAN_LOOKS : 1);
}

static void
look_failed(struct look *l, int err)
{
	if (l->err == 0 && err != ERR_NOT_FOUND)
		l->err = err;
}

static void
look_add(struct look *l, const struct ptable_row *row, uint32_t leader)
{
	int64_t place = victim_add(row);

	if (place < 0) {
		look_failed(l, (int)place);
		return;
	}
	victim_at((uint32_t)place)->leader = leader;
	victim_at((uint32_t)place)->how = victim_at(leader)->how;
	l->fresh = true;
}

static bool
look_is_due(const struct victim *v, const struct look *l)
{
	return (!v->gone && (v->how != END_LAST || l->all));
}

static void
look_child(pid_t child, void *arg)
{
	struct look *l = arg;
	const struct victim *known = victim_find(child);
	struct ptable_row row;
	int err;

	if (known != NULL && !known->gone)
		return;
	err = ptable_look(child, &row);
	if (err != 0)
		look_failed(l, err);
	else if (row.parent == l->parent && !row.zombie)
		look_add(l, &row, l->leader);
}

/* Stop one, and learn of its children, once more while it has not stopped. */
static void
look_at_one(uint32_t place, struct look *l)
{
	struct victim *v = victim_at(place);
	struct ptable_row row;
	int err;

	if (!look_is_due(v, l))
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
	err = ptable_children(&row, look_child, l);
	if (err == ERR_UNSUPPORTED)
		scans = l->fresh = true;
	else if (err != 0)
		look_failed(l, err);
}

static void
look_orphan(pid_t child, void *arg)
{
	struct look *l = arg;
	const struct victim *known = victim_find(child);
	struct ptable_row row;
	int err;

	/* Most are leaders of sessions that nobody ends. */
	if ((known != NULL && !known->gone) ||
	    victim_leader_of(getpgid(child), getsid(child)) == NULL)
		return;
	err = ptable_look(child, &row);
	if (err != 0) {
		look_failed(l, err);
		return;
	}
	known = victim_leader_of(row.group, row.session);
	if (known != NULL && !row.zombie && victim_has_number(known))
		look_add(l, &row, known->leader);
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
			err = ptable_children(&row, look_orphan, l);
		if (err != 0)
			look_failed(l, err);
	}
}

static void
look_scanned(struct look *l, const struct ptable_row *row)
{
	const struct victim *v = victim_find(row->pid);

	if (row->zombie || (v != NULL && v->start == row->start))
		return;
	v = victim_leader_of(row->group, row->session);
	if (v == NULL)
		v = victim_find(row->parent);
	if (v != NULL && row->pid != getpid())
		look_add(l, row, v->leader);
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
		before = victim_count();
		for (size_t i = 0; i < t.count; i++)
			look_scanned(l, &t.rows[i]);
	} while (victim_count() != before && l->err == 0);
	ptable_free(&t);
}

/* Those that are found on the way are looked at on the way. */
void
look_at_everybody(struct look *l)
{
	for (uint32_t i = 0; i < victim_count(); i++)
		look_at_one(i, l);
	if (scans)
		look_at_all(l);
	else if (orphans && !l->fresh && (!l->moving || l->last))
		look_at_reapers(l);
}
