/*
 * Ending sessions, by session id. Monitor (root). A zygote writes the slot
 * table and could lie, so that a process must also be a child of that very
 * zygote (ours, when that died), and have begun at the slot's time, before it
 * is killed.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/adopt.h"
#include "monitor/end.h"
#include "monitor/loginproc.h"
#include "monitor/ptable.h"
#include "monitor/records.h"
#include "monitor/wire.h"

#define GRACE_NS (1ull * SECOND)
/* Looks at the process table until nobody new is in it. */
#define FREEZE_ROUNDS 64
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

static void
end_kill_row(const struct ptable_row *row)
{
	ptable_signal(row, SIGKILL);
}

/*
 * Read the table, mark the leader and all that descends from it, and stop
 * them, until nobody new is there: what is stopped forks no more, so that
 * nobody escapes between the look and the kill.
 */
static void
end_freeze(struct ptable *t, pid_t leader)
{
	for (int round = 0; round < FREEZE_ROUNDS; round++) {
		bool fresh = false;

		ptable_free(t);
		if (ptable_read(t) < 0) {
			log_warn("cannot read the process table");
			return;
		}
		ptable_mark_descent(t, leader);
		for (size_t i = 0; i < t->count; i++) {
			struct ptable_row *row = &t->rows[i];

			if (!row->marked || row->zombie || row->stopped)
				continue;
			ptable_signal(row, SIGSTOP);
			fresh = true;
		}
		if (!fresh)
			return;
	}
}

void
end_now(struct monitor *mon)
{
	(void)mon;
	loop_timer_clear(&grace);
	while (endings != NULL) {
		struct ending *e = endings;
		struct ptable_row now;
		struct ptable t = {0};

		endings = e->next;
		if (ptable_read_one(e->pid, &now) == 0 &&
		    now.start == e->start)
			end_freeze(&t, e->pid);
		for (size_t i = 0; i < t.count; i++) {
			if (t.rows[i].marked && !t.rows[i].zombie)
				end_kill_row(&t.rows[i]);
		}
		ptable_free(&t);
		free(e);
	}
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
		end_kill_row(row); /* no memory for grace */
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
static void
end_tree(struct monitor *mon, pid_t leader)
{
	struct ptable t = {0};

	end_freeze(&t, leader);
	for (size_t i = 0; i < t.count; i++) {
		struct ptable_row *row = &t.rows[i];

		if (!row->marked || row->zombie)
			continue;
		if (row->pid != leader) {
			end_kill_row(row);
			continue;
		}
		end_later(mon, row);
		ptable_signal(row, SIGTERM);
		ptable_signal(row, SIGCONT);
	}
	ptable_free(&t);
}

void
end_tree_now(pid_t leader)
{
	struct ptable t = {0};

	end_freeze(&t, leader);
	for (size_t i = 0; i < t.count; i++) {
		if (t.rows[i].marked && !t.rows[i].zombie)
			end_kill_row(&t.rows[i]);
	}
	ptable_free(&t);
}

int
end_session(struct monitor *mon, uint64_t session)
{
	pid_t adopted, login = loginproc_end(session);
	bool found = login > 0;
	struct proc *p;

	/* The user's session is the login process's, not the worker's. */
	if (login > 0)
		end_tree(mon, login);

	TAILQ_FOREACH(p, &mon->procs, next)
	{
		struct ptable_row row;
		struct slot slot;
		int64_t n;

		if (p->slots == NULL)
			continue;
		n = slot_find_session(p->slots, session);
		/* One that lies hides no session of another's. */
		if (n < 0 || slot_read(p->slots, (uint32_t)n, &slot) < 0 ||
		    !end_verify(&slot, p->pid, &row))
			continue;
		/*
		 * A worker whose session is over sends the last output, and
		 * ends when its login has closed the books: it gets a second.
		 */
		if (login > 0)
			end_later(mon, &row);
		else
			end_tree(mon, slot.pid);
		found = true;
	}
	adopted = adopt_find(session);
	if (adopted > 0) {
		end_tree(mon, adopted);
		found = true;
	}
	return (found ? 0 : ERR_NOT_FOUND);
}

void
end_all(struct monitor *mon)
{
	struct proc *p;
	struct slot slot;

	TAILQ_FOREACH(p, &mon->procs, next)
	{
		for (uint32_t i = 0; p->slots != NULL && i < p->slots->high &&
		     i < SLOTS_MAX;
		     i++) {
			struct ptable_row row;

			if (slot_read(p->slots, i, &slot) == 0 &&
			    slot.use == SLOT_RUNNING &&
			    end_verify(&slot, p->pid, &row))
				end_tree(mon, slot.pid);
		}
	}
	adopt_end_all(mon, end_tree);
	loginproc_end_all(mon, end_tree);
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
	if (wire_is_builtin(zygote->kind) && !mon->rootless &&
	    row->uid != zygote->seal.uid)
		return (false);
	TAILQ_FOREACH(p, &mon->procs, next)
	{
		if (p->pid == slot->pid)
			return (false);
	}
	return (true);
}

void
end_orphans(struct monitor *mon, struct proc *zygote)
{
	struct slot slot;

	for (uint32_t i = 0; zygote->slots != NULL &&
	     i < zygote->slots->high && i < SLOTS_MAX;
	     i++) {
		struct ptable_row row;
		struct ptable t = {0};

		if (slot_read(zygote->slots, i, &slot) < 0 ||
		    slot.use != SLOT_RUNNING ||
		    !end_is_orphan(mon, zygote, &slot, &row))
			continue;
		end_freeze(&t, slot.pid);
		for (size_t j = 0; j < t.count; j++) {
			if (!t.rows[j].marked || t.rows[j].zombie)
				continue;
			end_kill_row(&t.rows[j]);
			if (zygote->kind == SERVICE_SSH && !mon->rootless)
				records_close(mon, t.rows[j].pid);
		}
		ptable_free(&t);
		end_kill_row(&row);
	}
}
