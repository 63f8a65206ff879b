/*
 * Ends of the monitor's children. Monitor (root). What a role still had to say
 * is heard first; then its sessions are ended, if they cannot go on, and it is
 * started again where it is needed.
 */
#include <sys/wait.h>

#include <stdio.h>

#include "lib/log.h"
#include "monitor/logins/loginproc.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "monitor/roles/answer.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/start.h"
#include "monitor/roles/supervise.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/end.h"
#include "monitor/sessions/table.h"

#define LAST_MESSAGES 65536 /* more than a channel holds */

/* Before "ready" a person may wait, and audit may be the one that failed. */
static void
supervise_failed_start(
    const struct monitor *mon, const struct proc *p, int status)
{
	if (mon->log_fd != 2)
		fprintf(stderr,
		    "portreeved: %s ended before it was ready (%s %d)\n",
		    role_name(p->role),
		    WIFSIGNALED(status) ? "signal" : "exit status",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
}

/* A role did not come up at the first start: the daemon ends. */
static void
supervise_no_start(
    struct monitor *mon, enum role role, const struct mon_service *service)
{
	log_warn("%s%s%s could not be started; nothing is served",
	    role_name(role), service != NULL ? " " : "",
	    service != NULL ? service->name : "");
	mon->exit_status = 1;
}

/* Whoever started it knows what its end means. */
static void
supervise_job_over(struct monitor *mon, struct proc *p, int status)
{
	const struct proc_job *job = p->job;
	void *arg = p->job_arg;

	start_undo(mon, p);
	job->over(mon, status, arg);
}

static void
supervise_ended(struct monitor *mon, struct proc *p, int status)
{
	struct mon_service *service = p->service;
	enum role role = p->role;
	enum service_kind kind = p->kind;
	bool current = service != NULL && service->zygote == p;
	bool expected = p->state == PROC_STOPPING ||
			(p->state == PROC_RETIRED && WIFEXITED(status) &&
			    WEXITSTATUS(status) == 0);
	bool never_up = p->up == 0 && p->state != PROC_STOPPING;

	/* What it still had to say: why it failed, for one. */
	(void)proc_step(p, PROC_ENDS);
	answer_drain(mon, p, LAST_MESSAGES);
	if (p->job != NULL) {
		supervise_job_over(mon, p, status);
		return;
	}
	/*
	 * At a stop that keeps them its sessions go on, in the books as well.
	 * Else nobody has ended one whose slot was written a moment too late.
	 */
	if (role == ROLE_ZYGOTE && !(monitor_is_stopping(mon) && expected &&
				       mon->plan->is.keep_sessions)) {
		end_orphans(mon, p);
	}
	if (!expected)
		report_role_restarted(mon, p, status);
	if (!expected && never_up && !mon->announced)
		supervise_failed_start(mon, p, status);
	if (role == ROLE_AUDIT)
		report_attach(mon, -1);
	if (role == ROLE_MASTER)
		mon->accepted = 0;
	start_undo(mon, p);
	if (monitor_is_stopping(mon))
		return;
	if (never_up && !mon->announced) {
		supervise_no_start(mon, role, service);
		return;
	}
	/* The master may have waited for it; the others need not. */
	if (never_up)
		wire_configured(mon);
	if (role == ROLE_ZYGOTE) {
		if (current && table_service_runs(service))
			start_again(mon, role, kind, service);
		table_service_release(mon, service);
	} else if (!expected && start_is_needed(mon, role, kind)) {
		start_again(mon, role, kind, NULL);
	}
}

void
supervise_reap(struct monitor *mon)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct proc *p, *found = NULL;

		TAILQ_FOREACH (p, &mon->procs, next) {
			if (p->pid == pid)
				found = p;
		}
		if (found != NULL)
			supervise_ended(mon, found, status);
		else
			loginproc_reaped(mon, pid, status);
	}
}
