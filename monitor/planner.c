/*
 * Starting planners and hearing them. Monitor (root). A planner is a role like
 * the others, started for one job. What it says is judged as it comes
 * (monitor/plan.h), and handed on when it has ended, so that nothing of it
 * lives on.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/ids.h"
#include "monitor/planner.h"
#include "monitor/roles/child.h"
#include "monitor/roles/images.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/start.h"
#include "monitor/sshd.h"

/* A start or reload, a user, a retry of each service; and one that runs. */
#define WISHES_MAX (SERVICES_MAX + 3)
#define PLAN_NS ((uint64_t)PLAN_SECONDS * SECOND)

struct wish {
	enum plan_what what;
	char name[sizeof(((struct msg_plan_ask *)0)->name)];
	planner_done *done;
};

static struct wish wishes[WISHES_MAX]; /* the first is being granted */
static unsigned wish_count;

static struct {
	struct proc *proc; /* NULL: none runs */
	struct plan *plan;
	struct loop_timer start;
	char why[128];	/* it was killed, or "" */
	uint64_t begun; /* CLOCK_BOOTTIME ns */
	bool stopped;	/* for good */
} planner;

static void planner_next(struct monitor *mon);

static void
planner_fill_ask(
    const struct monitor *mon, const struct wish *w, struct msg_plan_ask *m)
{
	const struct plan_service *ssh = plan_find(mon->plan, "ssh");

	memset(m, 0, sizeof(*m));
	m->what = (uint8_t)w->what;
	m->number = sshd_next_number();
	m->block = ids_block();
	snprintf(m->path, sizeof(m->path), "%s", mon->config_path);
	snprintf(m->run_dir, sizeof(m->run_dir), "%s", mon->run_dir);
	snprintf(m->state_dir, sizeof(m->state_dir), "%s", mon->state_dir);
	snprintf(m->daemon, sizeof(m->daemon), "%.1023s", mon->run_dir);
	snprintf(m->name, sizeof(m->name), "%s", w->name);
	if (ssh != NULL)
		snprintf(m->pam_service, sizeof(m->pam_service), "%s",
		    ssh->is.pam_service);
}

/* --- the end ---------------------------------------------------------------
 */

/* Who asked is told; what it asks for in its turn comes last. */
static void
planner_grant(struct monitor *mon, const char *failed)
{
	struct wish w = wishes[0];
	struct plan *plan = planner.plan;

	planner.plan = NULL;
	planner.proc = NULL;
	wish_count--;
	memmove(&wishes[0], &wishes[1], wish_count * sizeof(wishes[0]));
	if (planner.stopped)
		plan_free(plan);
	else
		w.done(mon, w.name, plan, failed);
	planner_next(mon);
}

static void
planner_over(struct monitor *mon, int status, void *arg)
{
	bool late = time_boot_ns() - planner.begun >= PLAN_NS;
	char failed[256];

	(void)arg;
	if (planner.plan->whole && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0) {
		planner_grant(mon, NULL);
		return;
	}
	planner.plan->whole = false;
	if (planner.why[0] != '\0')
		snprintf(failed, sizeof(failed), "the planner was killed: %s",
		    planner.why);
	else if (late)
		snprintf(failed, sizeof(failed),
		    "the planner took longer than %d s: NSS, sshd or "
		    "ssh-keygen hangs",
		    PLAN_SECONDS);
	else
		snprintf(failed, sizeof(failed),
		    "the planner ended before its plan was whole (%s %d)",
		    WIFSIGNALED(status) ? "signal" : "exit status",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
	planner_grant(mon, failed);
}

static void
planner_kill(struct monitor *mon, const char *why)
{
	snprintf(planner.why, sizeof(planner.why), "%s", why);
	proc_kill(mon, planner.proc, why);
}

/* It waits for the answer; a lock that is held already costs nothing. */
static const char *
planner_lock(struct monitor *mon, struct proc *p, uint32_t number)
{
	const struct plan *plan = planner.plan;
	struct msg_plan_locked answer = {.end_ = 0};

	if (mon->rootless || plan->services == NULL ||
	    number < plan->is.role_uid_low || number > plan->is.role_uid_high)
		return ("a number that is not of role-uids");
	answer.locked = ids_lock(number);
	proc_send(mon, p, MSG_PLAN_LOCKED, &answer, NULL, 0);
	return (NULL);
}

/* NULL, or why it is to be killed for what it said. */
static const char *
planner_judge(struct monitor *mon, struct proc *p, struct ipc_in *in)
{
	const struct wish *w = &wishes[0];
	struct plan *plan = planner.plan;
	const char *why = NULL;

	if (in->type == MSG_PLAN_LOCK)
		return (planner_lock(mon, p, in->msg.plan_lock.number));
	if (!plan_take(plan, w->what, w->name, in, &why))
		return (why);
	if (msg_is_secret(in->type))
		ipc_in_wipe(in);
	if (plan->whole && !plan->done.refused)
		why = ids_judge(mon, plan, w->what == PLAN_START);
	plan->whole = plan->whole && why == NULL;
	return (why);
}

static void
planner_hear(struct monitor *mon, struct proc *p, struct ipc_in *in, void *arg)
{
	const char *why = NULL;
	char words[128];

	(void)arg;
	if (p->state != PROC_KILLED)
		why = planner_judge(mon, p, in);
	if (why == NULL)
		return;
	snprintf(
	    words, sizeof(words), "it sent %s: %s", msg_name(in->type), why);
	planner_kill(mon, words);
}

static void
planner_ready(struct monitor *mon, struct proc *p, void *arg)
{
	(void)mon;
	(void)p;
	(void)arg;
}

/* --- the start -------------------------------------------------------------
 */

static const struct proc_job planner_job = {.time = PLAN_NS,
    .ready = planner_ready,
    .hear = planner_hear,
    .over = planner_over};

static void
planner_start(struct monitor *mon)
{
	static struct msg_plan_ask ask;
	const struct wish *w = &wishes[0];
	const int *text =
	    w->what == PLAN_RETRY ? &mon->plan->texts[PLAN_UNMASKED] : NULL;

	planner_fill_ask(mon, w, &ask);
	sshd_make_folder(mon);
	planner.why[0] = '\0';
	planner.begun = time_boot_ns();
	planner.plan = plan_new();
	if (planner.plan != NULL)
		planner.proc = start_job(mon, ROLE_PLANNER, &planner_job, NULL);
	if (planner.proc != NULL && proc_send(mon, planner.proc, MSG_PLAN_ASK,
					&ask, text, text != NULL) < 0)
		planner_kill(mon, "it could not be asked");
}

static void
planner_try(void *arg)
{
	struct monitor *mon = arg;

	planner_start(mon);
	if (planner.proc == NULL)
		planner_grant(
		    mon, "the planner cannot be started: see the log");
}

static void
planner_next(struct monitor *mon)
{
	if (wish_count > 0 && planner.proc == NULL && !planner.stopped)
		loop_timer_in(&planner.start, 0, planner_try, mon);
}

void
planner_ask(struct monitor *mon, enum plan_what what, const char *name,
    planner_done *done)
{
	/* What runs may have read already what has changed since. */
	for (unsigned i = planner.proc != NULL; i < wish_count; i++) {
		if (wishes[i].what == what && strcmp(wishes[i].name, name) == 0)
			return;
	}
	if (wish_count == WISHES_MAX || planner.stopped)
		bug("more plans are asked for than there are services");
	wishes[wish_count].what = what;
	wishes[wish_count].done = done;
	snprintf(wishes[wish_count].name, sizeof(wishes[0].name), "%s", name);
	wish_count++;
	planner_next(mon);
}

void
planner_stop(struct monitor *mon)
{
	planner.stopped = true;
	loop_timer_clear(&planner.start);
	if (planner.proc != NULL)
		planner_kill(mon, "the daemon stops");
}
