/*
 * Whom to end, by session id. Monitor (root). A zygote writes the slot table
 * and could lie, so that a process must also be a child of that very zygote
 * (ours, when that died), and have begun at the slot's time, before it is
 * killed: the ender is told so, and looks.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/ending.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/ptable.h"
#include "monitor/roles/proc.h"
#include "monitor/logins/loginproc.h"
#include "monitor/logins/logins_private.h"
#include "monitor/logins/records.h"
#include "monitor/sessions/adopted.h"
#include "monitor/sessions/begun.h"
#include "monitor/sessions/end.h"
#include "monitor/sessions/ending.h"

/* A process that began at that very time, whosever it is. */
static int
end_add(struct ending *e, pid_t pid, uint64_t start, enum end_how how)
{
	return (ending_add(e, &(struct msg_end_leader){.pid = pid,
				  .uid = UINT32_MAX,
				  .least = start,
				  .most = start,
				  .how = (uint8_t)how}));
}

/* What a slot names, if it is a child of that process and of that user. */
static int
end_add_slot(struct ending *e, const struct slot *slot, pid_t parent, uid_t uid,
    enum end_how how)
{
	if (slot->pid <= 1)
		return (ERR_NOT_FOUND);
	return (ending_add(e, &(struct msg_end_leader){.pid = slot->pid,
				  .parent = parent,
				  .uid = uid,
				  .least = slots_least(slot),
				  .most = slots_most(slot),
				  .how = (uint8_t)how}));
}

/*
 * Whose a zygote's children are: a built-in service's are of its own user, and
 * no slot of its makes another's process one, also where the parent that the
 * slot was written by is gone.
 */
static uid_t
end_uid_of(const struct monitor *mon, const struct proc *zygote)
{
	return (service_traits(zygote->kind)->by == BY_WORKER && !mon->rootless
		    ? zygote->seal.uid
		    : UINT32_MAX);
}

/* ---- one session -------------------------------------------------------- */

/* The worker or program of a session, among a zygote's. */
static int
end_add_of_zygote(
    struct ending *e, struct proc *p, uint64_t session, enum end_how how)
{
	struct slot slot;
	int64_t n;

	if (p->slots == NULL)
		return (0);
	n = slot_find_session(p->slots, session);
	/* One that lies hides no session of another's. */
	if (n < 0 || slot_read(p->slots, (uint32_t)n, &slot) < 0 ||
	    slot.pid <= 1)
		return (0);
	return (end_add_slot(e, &slot, p->pid, end_uid_of(e->mon, p), how));
}

/* ERR_NO_MEMORY: not all. */
static int
end_collect(struct monitor *mon, uint64_t session, struct ending *e)
{
	struct end_process login = loginproc_end(session);
	struct end_process adopted = adopted_find(session);
	struct proc *p;
	int err = 0;

	/* The user's session is the login process's, not the worker's. */
	if (login.pid > 0)
		err = end_add(e, login.pid, login.start, END_GRACE);
	TAILQ_FOREACH (p, &mon->procs, next) {
		/*
		 * A worker whose session is over sends the last output, and
		 * ends when its login has closed the books: it gets a second.
		 */
		if (err == 0)
			err = end_add_of_zygote(e, p, session,
			    login.pid > 0 ? END_LAST : END_GRACE);
	}
	if (adopted.pid > 0 && err == 0)
		err = end_add(e, adopted.pid, adopted.start,
		    adopted.start == 0 ? END_GROUP
		    : login.pid > 0    ? END_LAST
				       : END_GRACE);
	return (err);
}

int
end_session(
    struct monitor *mon, uint64_t session, end_done *done, uint64_t cookie)
{
	struct ending *e = ending_new(mon);
	int err = e == NULL ? ERR_NO_MEMORY : end_collect(mon, session, e);

	if (err == 0 && e->n == 0)
		err = ERR_NOT_FOUND;
	if (err != 0) {
		ending_free(e);
		return (err);
	}
	e->session = session;
	e->done = done;
	e->cookie = cookie;
	ending_begin(e);
	return (0);
}

void
end_tree_now(struct monitor *mon, pid_t leader, uint64_t start)
{
	struct ending *e = ending_new(mon);

	if (e == NULL || end_add(e, leader, start, END_NOW) != 0) {
		log_warn("out of memory: a session is not ended");
		ending_free(e);
		return;
	}
	ending_begin(e);
}

/* ---- all of them -------------------------------------------------------- */

static struct ending *everyone;

static void
end_everyone(pid_t pid, uint64_t start)
{
	if (end_add(everyone, pid, start, start == 0 ? END_GROUP : END_GRACE) !=
	    0)
		log_warn("out of memory: a session is not ended");
}

void
end_all(struct monitor *mon)
{
	struct ending *e = everyone = ending_new(mon);
	struct proc *p;
	struct slot slot;

	if (e == NULL) {
		log_warn("out of memory: no session is ended");
		return;
	}
	e->all = true;
	TAILQ_FOREACH (p, &mon->procs, next) {
		for (uint32_t i = 0;
		     p->slots != NULL && i < p->slots->high && i < SLOTS_MAX;
		     i++) {
			if (slot_read(p->slots, i, &slot) == 0 &&
			    slot.use == SLOT_RUNNING)
				(void)end_add_slot(e, &slot, p->pid,
				    end_uid_of(mon, p), END_GRACE);
		}
	}
	adopted_end_all(end_everyone);
	loginproc_end_all(end_everyone);
	if (e->n > 0)
		ending_begin(e);
	else
		ending_free(e);
}

/* ---- a dead zygote's ---------------------------------------------------- */

/*
 * A dead zygote's child is ours by now, since we are the subreaper above it;
 * so are the roles, the logins, and what users left running: no slot names one
 * of those truly.
 */
static bool
end_is_orphan(struct monitor *mon, const struct slot *slot)
{
	struct proc *p;

	if (loginproc_of(slot->pid) != NULL)
		return (false);
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->pid == slot->pid)
			return (false);
	}
	return (true);
}

/* sshd's sessions leave records, under the names of who was logged in. */
static void
end_note_user(struct ending *e, uint64_t session)
{
	const struct login *l = logins_find(session);
	struct record_of *who = &e->who[e->n - 1];

	if (l != NULL)
		memcpy(who->user, l->user,
		    strnlen(l->user, sizeof(who->user) - 1));
}

static void
end_add_orphans(struct monitor *mon, struct proc *zygote, struct ending *e)
{
	const struct service_traits *traits = service_traits(zygote->kind);
	uid_t uid = end_uid_of(mon, zygote);
	uint32_t high = zygote->slots->high;
	struct slot slot;

	if (traits->by == BY_SSHD && !mon->rootless)
		e->who = calloc(high + 1, sizeof(*e->who));
	for (uint32_t i = 0; i < high && i < SLOTS_MAX; i++) {
		if (slot_read(zygote->slots, i, &slot) != 0 ||
		    slot.use != SLOT_RUNNING || !end_is_orphan(mon, &slot) ||
		    end_add_slot(e, &slot, getpid(), uid, END_NOW) != 0)
			continue;
		if (e->who != NULL)
			end_note_user(e, slot.session);
	}
}

void
end_orphans(struct monitor *mon, struct proc *zygote)
{
	struct ending *e = ending_new(mon);

	if (e != NULL && zygote->slots != NULL)
		end_add_orphans(mon, zygote, e);
	if (e != NULL && e->n > 0) {
		e->instance = zygote->instance;
		ending_begin(e);
		return;
	}
	ending_free(e);
	proc_to_master(mon, MSG_ZYGOTE_GONE,
	    &(struct msg_zygote_gone){.instance = zygote->instance});
}

/* ---- a monitor's before ------------------------------------------------- */

bool
end_any(void)
{
	return (ending_any());
}

void
end_resume(struct monitor *mon)
{
	struct ending *e = ending_new(mon);
	struct msg_end_leader leader;
	bool all;

	begun_open(mon);
	while (e != NULL && begun_take(&leader, &all)) {
		if (all) {
			end_all(mon);
			continue;
		}
		/* Its parent may have ended with that monitor. */
		leader.parent = 0;
		if (ending_add(e, &leader) != 0)
			break;
	}
	if (e != NULL && e->n > 0)
		ending_begin(e);
	else
		ending_free(e);
}
