/*
 * Ends of login processes. Monitor (root): how one has ended is reported, and
 * what it leaves is ended and closed in its place.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/ptable.h"
#include "monitor/logins/loginproc_private.h"
#include "monitor/logins/logins_private.h"
#include "monitor/logins/records.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "monitor/sessions/end.h"

void
loginproc_event(struct loginproc *p, struct event_builder *b, enum event event)
{
	event_begin(b, event);
	event_text(b, FIELD_SERVICE, p->service);
	event_source(b, &p->peer);
	event_number(b, FIELD_SESSION, p->session);
	if (p->user[0] == '\0' || event == EV_WORKER_FAILED)
		return;
	if (!p->unknown || p->log_unknown)
		event_text(b, FIELD_USER, p->user);
	if (p->unknown)
		event_text(b, FIELD_UNKNOWN_USER, "yes");
}

/* What its peer is refused for later: the master counts. */
static void
loginproc_tell_deed(struct loginproc *p, const char *reason)
{
	struct msg_deed m = {.session = p->session};
	enum deed deed;

	if (!deed_of_failure(reason, p->unknown, &deed))
		return;
	m.deed = (uint8_t)deed;
	proc_to_master(p->mon, MSG_DEED, &m);
}

void
loginproc_failed(struct loginproc *p, const char *reason)
{
	struct event_builder b;

	loginproc_event(p, &b, EV_AUTH_FAILURE);
	if (p->method < POLICY_METHOD_COUNT)
		event_text(&b, FIELD_METHOD, policy_method_text(p->method));
	event_text(&b, FIELD_REASON, reason);
	report_emit(p->mon, &b);
	loginproc_tell_deed(p, reason);
	(void)loginproc_step(p, LOGINPROC_FAILS);
}

void
loginproc_kill(struct loginproc *p, const char *why)
{
	log_info("login of session %llu (pid %d): %s: killed",
	    (unsigned long long)p->session, (int)p->pid, why);
	if (p->pid > 0 && !p->gone)
		kill(p->pid, SIGKILL);
	loop_unwatch(&p->watch);
	ipc_channel_close(&p->ch);
}

static void
loginproc_report_death(struct loginproc *p, int sig)
{
	struct event_builder b;
	char name[32];

	loginproc_event(p, &b, EV_WORKER_FAILED);
	event_number(&b, FIELD_PID, (uint64_t)p->pid);
	snprintf(name, sizeof(name), "SIG%s",
	    sigabbrev_np(sig) != NULL ? sigabbrev_np(sig) : "?");
	event_text(&b, FIELD_SIGNAL, name);
	event_text(&b, FIELD_REASON,
	    p->ending == LOGINPROC_LATE ? "the login timed out"
					: "the login process died");
	report_emit(p->mon, &b);
}

/* It could not be run, or gave up by itself: nobody else tells of it. */
static void
loginproc_report_exit(struct loginproc *p)
{
	struct event_builder b;
	enum step step = STEP_NONE;
	char text[96];

	if (p->status == LOGIN_EXIT_NO_EXEC)
		step = STEP_EXEC;
	else if (p->status == LOGIN_EXIT_NO_DESCRIPTORS)
		step = STEP_DESCRIPTORS;
	loginproc_event(p, &b, EV_WORKER_FAILED);
	event_number(&b, FIELD_PID, (uint64_t)p->pid);
	if (step != STEP_NONE)
		event_text(&b, FIELD_STEP, step_text(step));
	snprintf(text, sizeof(text),
	    step != STEP_NONE
		? "the program login cannot be run"
		: "the login process gave up, with exit status %d",
	    p->status);
	event_text(&b, FIELD_REASON, text);
	report_emit(p->mon, &b);
}

/*
 * Why a try came to nothing of which its login has reported no outcome. A
 * module that crashes may have been made to by what the peer typed.
 */
static const char *
loginproc_over_reason(const struct loginproc *p, int sig)
{
	if (p->ending == LOGINPROC_LATE)
		return ("timeout");
	if (p->ending == LOGINPROC_ON_PURPOSE)
		return ("account");
	return (sig == 0 || sig == SIGKILL ? "no-resources" : "credentials");
}

void
loginproc_over(struct loginproc *p, int sig)
{
	struct monitor *mon = p->mon;
	struct ptable_row row;

	loop_timer_clear(&p->grace);
	loop_unwatch(&p->watch);
	loop_unwatch(&p->words);
	ipc_channel_close(&p->ch);
	fd_close(&p->pidfd);
	if (sig != 0 && p->ending != LOGINPROC_ON_PURPOSE)
		loginproc_report_death(p, sig);
	else if (p->status != LOGIN_EXIT_SESSION &&
		 p->status != LOGIN_EXIT_NO_LOGIN &&
		 p->status != LOGIN_EXIT_RECORD)
		loginproc_report_exit(p);
	if (p->state == LOGINPROC_WAITING && p->ending == LOGINPROC_LATE) {
		p->user[0] = '\0'; /* before its name was reported */
		loginproc_failed(p, "timeout");
	}
	if (loginproc_tries(p))
		loginproc_failed(p, loginproc_over_reason(p, sig));
	/* Nobody is left who would end the session and close its books. */
	if (p->state == LOGINPROC_OPEN && sig != 0) {
		if (ptable_read_one(p->leader, &row) == 0 &&
		    row.start == p->leader_start && !row.zombie)
			end_tree_now(p->mon, p->leader, p->leader_start);
	}
	/* It may have written them and not come to say so. */
	if (p->user[0] != '\0' && !mon->rootless &&
	    (sig != 0 || p->status == LOGIN_EXIT_RECORD))
		records_close(mon, p->pid, p->user);
	logins_remove(p->session);
	(void)loginproc_step(p, LOGINPROC_ENDS);
	loginproc_clear_pid(p);
	/* One that heard of no name has not used up its connection's tries. */
	if (p->tries == 0)
		loginproc_free(p);
}
