/*
 * Ending sessions, by session id. Monitor (root). A zygote writes the slot
 * table and could lie, so that a process must also be a child of that very
 * zygote (ours, when that died), and have begun at the slot's time, before it
 * is killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/logins/loginproc.h"
#include "monitor/logins/logins_private.h"
#include "monitor/logins/records.h"
#include "monitor/report.h"
#include "monitor/roles/ptable.h"
#include "monitor/roles/reserve.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/adopt.h"
#include "monitor/sessions/end.h"

#define GRACE_NS (1ull * SECOND)
/* Looks at the process table until nobody new is in it. */
#define FREEZE_ROUNDS 64
/* Further ones for who was told to stop and has not: it may never. */
#define PATIENCE 2
/* A fork takes a while on a loaded machine, and the kernel's tick is coarse. */
#define START_SLACK_NS (5ull * SECOND)

/* Leaders to kill when their grace is over. */
struct ending {
	struct ending *next;
	pid_t pid;
	uint64_t start;
};

static struct ending *endings;
static struct loop_timer grace;

static void grace_over(void *arg);

static void
endings_free(void)
{
	while (endings != NULL) {
		struct ending *e = endings;

		endings = e->next;
		free(e);
	}
}

bool
end_verify(const struct slot *slot, pid_t parent, struct ptable_row *row)
{
	if (slot->pid <= 1 || ptable_read_one(slot->pid, row) < 0)
		return (false);
	if (parent != 0 && row->parent != parent)
		return (false);
	return (row->start + PTABLE_TICK_NS >= slot->start &&
		row->start <= slot->start + START_SLACK_NS);
}

static int
end_kill_row(const struct ptable_row *row)
{
	return (ptable_signal(row, SIGKILL));
}

/* Whom to end: the leaders of sessions, sorted before they are used. */
struct end_set {
	pid_t *pids;
	size_t n, room;
};

static int
set_add(struct end_set *set, pid_t pid)
{
	if (set->n == set->room) {
		size_t room = set->room == 0 ? 64 : 2 * set->room;
		pid_t *pids = reallocarray(set->pids, room, sizeof(*pids));

		if (pids == NULL) {
			log_warn("out of memory: a session is not ended");
			return (ERR_NO_MEMORY);
		}
		set->pids = pids;
		set->room = room;
	}
	set->pids[set->n++] = pid;
	return (0);
}

static void
set_sort(struct end_set *set)
{
	if (set->n > 1)
		qsort(
		    set->pids, set->n, sizeof(*set->pids), ptable_compare_pids);
}

/* Whether a process was told to stop in the round before. */
static bool
was_told(struct ptable *before, const struct ptable_row *row)
{
	const struct ptable_row *was = ptable_find(before, row->pid);

	return (was != NULL && was->marked && was->start == row->start);
}

/* Stop the marked that are not yet; whether somebody is new among them. */
static bool
freeze_marked(struct ptable *t, struct ptable *before, bool *moving)
{
	bool fresh = false;

	*moving = false;
	for (size_t i = 0; i < t->count; i++) {
		struct ptable_row *row = &t->rows[i];

		if (!row->marked || row->zombie || row->stopped)
			continue;
		*moving = true;
		if (was_told(before, row))
			continue;
		(void)ptable_signal(row, SIGSTOP);
		fresh = true;
	}
	return (fresh);
}

/*
 * Read the table, mark the leaders and all that descends from them, and stop
 * them, until nobody new is there: what is stopped forks no more, so that
 * nobody escapes between the look and the kill. One reading a round, however
 * many there are. On an error the table is what could be read.
 */
static int
end_freeze(struct ptable *t, const struct end_set *set)
{
	unsigned patience = PATIENCE;
	bool fresh, moving;
	int err;

	for (int round = 0; round < FREEZE_ROUNDS; round++) {
		struct ptable before = *t;

		memset(t, 0, sizeof(*t));
		err = ptable_read_tree(t);
		ptable_mark_descents(t, set->pids, set->n);
		fresh = freeze_marked(t, &before, &moving);
		ptable_free(&before);
		if (err < 0) {
			log_warn("the process table: %s", err_text(err));
			return (err);
		}
		if (!fresh && (!moving || patience-- == 0))
			return (0);
	}
	return (0);
}

/* 0, or the first error; all that can be killed are. */
static int
end_kill_marked(struct ptable *t)
{
	int err = 0;

	for (size_t i = 0; i < t->count; i++) {
		int killed = 0;

		if (t->rows[i].marked && !t->rows[i].zombie)
			killed = end_kill_row(&t->rows[i]);
		if (err == 0)
			err = killed;
	}
	return (err);
}

static int
end_set_now(struct end_set *set)
{
	struct ptable t = {0};
	int err, killed;

	if (set->n == 0)
		return (0);
	set_sort(set);
	err = end_freeze(&t, set);
	killed = end_kill_marked(&t);
	ptable_free(&t);
	return (err != 0 ? err : killed);
}

/* Whom to end now goes into the set, who is none any more out of the list. */
static int
end_take_endings(struct end_set *set)
{
	int err = 0;

	for (struct ending **at = &endings; *at != NULL;) {
		struct ending *e = *at;
		struct ptable_row now;
		int read = ptable_read_one(e->pid, &now);

		if (read == 0 && now.start == e->start)
			read = set_add(set, e->pid);
		else if (read == 0)
			read = ERR_NOT_FOUND;
		if (read == ERR_NOT_FOUND) {
			*at = e->next;
			free(e);
			continue;
		}
		if (read != 0)
			err = read;
		at = &e->next;
	}
	return (err);
}

void
end_now(struct monitor *mon)
{
	struct end_set set = {0};
	int err, killed;

	loop_timer_clear(&grace);
	reserve_use();
	err = end_take_endings(&set);
	killed = end_set_now(&set);
	free(set.pids);
	reserve_keep();
	if (err == 0 && killed == 0) {
		endings_free();
		return;
	}
	report_short(mon, ROLE_MONITOR, errno,
	    "a session cannot be ended now, and is tried again");
	loop_timer_in(&grace, GRACE_NS, grace_over, mon);
}

static void
grace_over(void *arg)
{
	end_now(arg);
}

static void
end_later(struct monitor *mon, const struct ptable_row *row)
{
	struct ending *e = malloc(sizeof(*e));

	if (e == NULL) {
		(void)end_kill_row(row); /* no memory for grace */
		return;
	}
	e->pid = row->pid;
	e->start = row->start;
	e->next = endings;
	endings = e;
	loop_timer_in(&grace, GRACE_NS, grace_over, mon);
}

/*
 * The leader gets a second to close its books (sshd its PAM session); what
 * descends from it gets none, or it could leave something behind.
 */
static int
end_trees(struct monitor *mon, struct end_set *set)
{
	struct ptable t = {0};
	int err;

	if (set->n == 0)
		return (0);
	set_sort(set);
	err = end_freeze(&t, set);
	for (size_t i = 0; i < t.count; i++) {
		struct ptable_row *row = &t.rows[i];
		int killed;

		if (!row->marked || row->zombie)
			continue;
		if (row->pid == row->leader) {
			/* What does not reach it now is made good then. */
			end_later(mon, row);
			(void)ptable_signal(row, SIGTERM);
			(void)ptable_signal(row, SIGCONT);
			continue;
		}
		killed = end_kill_row(row);
		if (err == 0)
			err = killed;
	}
	ptable_free(&t);
	return (err);
}

void
end_tree_now(struct monitor *mon, pid_t leader)
{
	struct end_set set = {.pids = &leader, .n = 1, .room = 1};
	struct ptable_row row;

	reserve_use();
	/* What is left of it is tried again. */
	if (end_set_now(&set) != 0 && ptable_read_one(leader, &row) == 0)
		end_later(mon, &row);
	reserve_keep();
}

/*
 * The worker or program of a session, verified, among a zygote's. 0, or
 * ERR_NOT_FOUND; ERR_SHORT when that cannot be told now.
 */
static int
end_find_slot(struct proc *p, uint64_t session, struct ptable_row *row)
{
	struct slot slot;
	int64_t n;

	if (p->slots == NULL)
		return (ERR_NOT_FOUND);
	n = slot_find_session(p->slots, session);
	/* One that lies hides no session of another's. */
	if (n < 0 || slot_read(p->slots, (uint32_t)n, &slot) < 0)
		return (ERR_NOT_FOUND);
	if (end_verify(&slot, p->pid, row))
		return (0);
	return (slot.pid > 1 && ptable_read_one(slot.pid, row) == ERR_SHORT
		    ? ERR_SHORT
		    : ERR_NOT_FOUND);
}

static int
end_collect(struct monitor *mon, uint64_t session, struct end_set *set)
{
	pid_t adopted = adopt_find(session), login = loginproc_end(session);
	int err = 0, found = 0;
	struct proc *p;

	/* The user's session is the login process's, not the worker's. */
	if (login > 0 && (err = set_add(set, login)) == 0)
		found++;
	TAILQ_FOREACH (p, &mon->procs, next) {
		struct ptable_row row;
		int got = end_find_slot(p, session, &row);

		if (got == ERR_SHORT)
			err = got;
		if (got != 0)
			continue;
		found++;
		/*
		 * A worker whose session is over sends the last output, and
		 * ends when its login has closed the books: it gets a second.
		 */
		if (login > 0)
			end_later(mon, &row);
		else if ((got = set_add(set, row.pid)) != 0)
			err = got;
	}
	if (adopted > 0 && (err = set_add(set, adopted)) == 0)
		found++;
	if (err != 0)
		return (err);
	return (found > 0 ? 0 : ERR_NOT_FOUND);
}

int
end_session(struct monitor *mon, uint64_t session)
{
	struct end_set set = {0};
	int err, ended;

	reserve_use();
	err = end_collect(mon, session, &set);
	ended = end_trees(mon, &set);
	reserve_keep();
	free(set.pids);
	return (err != 0 ? err : ended);
}

static struct end_set everyone;

static void
end_add(struct monitor *mon, pid_t leader)
{
	(void)mon;
	(void)set_add(&everyone, leader);
}

void
end_all(struct monitor *mon)
{
	struct proc *p;
	struct slot slot;

	reserve_use();
	TAILQ_FOREACH (p, &mon->procs, next) {
		for (uint32_t i = 0;
		     p->slots != NULL && i < p->slots->high && i < SLOTS_MAX;
		     i++) {
			struct ptable_row row;

			if (slot_read(p->slots, i, &slot) == 0 &&
			    slot.use == SLOT_RUNNING &&
			    end_verify(&slot, p->pid, &row))
				end_add(mon, slot.pid);
		}
	}
	adopt_end_all(mon, end_add);
	loginproc_end_all(mon, end_add);
	end_trees(mon, &everyone);
	free(everyone.pids);
	everyone = (struct end_set){0};
	reserve_keep();
}

/*
 * A dead zygote's child is ours by now, since we are the subreaper above it;
 * so are the roles, the logins, and what users left running: no slot names one
 * of those truly. The workers of a built-in service are of its own user.
 */
static bool
end_is_orphan(struct monitor *mon, const struct proc *zygote,
    const struct slot *slot, struct ptable_row *row)
{
	struct proc *p;

	if (!end_verify(slot, getpid(), row) || loginproc_has_pid(slot->pid))
		return (false);
	if (service_traits(zygote->kind)->builtin && !mon->rootless &&
	    row->uid != zygote->seal.uid)
		return (false);
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->pid == slot->pid)
			return (false);
	}
	return (true);
}

/* sshd's sessions leave records, under the names of who was logged in. */
static void
orphans_close_records(
    struct monitor *mon, struct proc *zygote, const struct ptable *t)
{
	struct record_of *who = calloc(t->count, sizeof(*who));
	struct slot slot;
	size_t n = 0;

	for (size_t i = 0; who != NULL && i < t->count; i++) {
		int64_t at =
		    !t->rows[i].marked || t->rows[i].zombie
			? -1
			: slot_find_pid(zygote->slots, t->rows[i].leader);
		const struct login *l;

		if (at < 0 ||
		    slot_read(zygote->slots, (uint32_t)at, &slot) < 0 ||
		    (l = logins_find(slot.session)) == NULL)
			continue;
		who[n].pid = t->rows[i].pid;
		memcpy(who[n].user, l->user,
		    strnlen(l->user, sizeof(who[n].user) - 1));
		n++;
	}
	if (n > 0)
		records_close_all(mon, who, n);
	free(who);
}

void
end_orphans(struct monitor *mon, struct proc *zygote)
{
	struct end_set set = {0};
	struct ptable t = {0};
	struct slot slot;

	reserve_use();
	for (uint32_t i = 0;
	     zygote->slots != NULL && i < zygote->slots->high && i < SLOTS_MAX;
	     i++) {
		struct ptable_row row;

		if (slot_read(zygote->slots, i, &slot) == 0 &&
		    slot.use == SLOT_RUNNING &&
		    end_is_orphan(mon, zygote, &slot, &row) &&
		    set_add(&set, slot.pid) != 0)
			(void)end_kill_row(&row);
	}
	if (set.n > 0) {
		set_sort(&set);
		(void)end_freeze(&t, &set);
		(void)end_kill_marked(&t);
		if (service_traits(zygote->kind)->sshd && !mon->rootless)
			orphans_close_records(mon, zygote, &t);
		ptable_free(&t);
	}
	free(set.pids);
	reserve_keep();
}
