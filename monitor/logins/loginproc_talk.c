/*
 * What login processes say. Monitor (root). A login is root as well, but sits
 * beside a stranger's worker: each message is checked against the catalogue and
 * the configuration. The user's uid is its word: the monitor does not ask the
 * password database, which may be slow.
 */
#include <sys/wait.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "monitor/roles/proc.h"
#include "monitor/logins/loginproc_private.h"
#include "monitor/logins/logins_private.h"
#include "monitor/logins/records.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "lib/ptable.h"

#define NO_RESOURCES "no-resources"

static void
talk_try(struct loginproc *p, const struct msg_login_try *m)
{
	if (++p->tries > LOGIN_TRIES || !loginproc_step(p, LOGINPROC_TRIES)) {
		loginproc_kill(p, "one try too many");
		return;
	}
	memcpy(p->user, m->user, sizeof(p->user));
	p->unknown = m->unknown != 0;
	p->method = POLICY_METHOD_COUNT;
}

static void
talk_failure(struct loginproc *p, const struct msg_login_failure *m)
{
	static const char *const reasons[] = {
	    [LOGIN_FAILED_CREDENTIALS] = "credentials",
	    [LOGIN_FAILED_ROOT] = "root-login",
	    [LOGIN_FAILED_ACCOUNT] = "account",
	    [LOGIN_FAILED_TIMEOUT] = "timeout",
	    [LOGIN_FAILED_RESOURCES] = "no-resources",
	};

	if (!loginproc_tries(p)) {
		/* The name before has had its own failure. */
		p->user[0] = '\0';
		p->unknown = false;
		if (m->reason != LOGIN_FAILED_TIMEOUT) {
			loginproc_kill(p, "a failure of no try");
			return;
		}
	}
	p->method = (enum policy_method)m->method;
	loginproc_failed(p, reasons[m->reason]);
}

/* "" when the user may have this login; else the event's reason. */
static const char *
talk_judge(struct loginproc *p, const struct msg_login_may *m)
{
	const char *reason;
	struct login *l;

	memcpy(p->user, m->user, sizeof(p->user));
	p->unknown = false;
	if (!policy_root_login(m->uid, p->method, p->root_login, p->kind).allow)
		return ("root-login");
	reason =
	    logins_admit(p->mon, p->session, m->uid, p->user, m->processes, &l);
	if (reason != NULL)
		return (reason);
	l->peer = p->peer;
	memcpy(l->service, p->service, sizeof(l->service));
	return ("");
}

static void
talk_may(struct loginproc *p, const struct msg_login_may *m)
{
	struct msg_login_verdict v = {.allow = 0};
	const char *reason;

	p->method = (enum policy_method)m->method;
	if (p->method >= POLICY_METHOD_COUNT || p->state != LOGINPROC_TRYING) {
		loginproc_kill(p, "a login without an answer");
		return;
	}
	reason = talk_judge(p, m);
	if (reason[0] != '\0') {
		v.later = strcmp(reason, NO_RESOURCES) == 0;
		loginproc_failed(p, reason);
	} else {
		(void)loginproc_step(p, LOGINPROC_MAY);
		v.allow = 1;
		if (m->uid != 0)
			v.processes = p->mon->plan->is.user_processes;
	}
	if (ipc_send(&p->ch, MSG_LOGIN_VERDICT, &v, NULL, 0) != 0)
		loginproc_kill(p, "takes no verdict");
}

/*
 * The session's leader must be the login's own child, or, when that has died
 * since, an orphan of it, which is ours.
 */
static bool
talk_is_leader(const struct loginproc *p, const struct ptable_row *row)
{
	return (row->parent == (p->gone ? getpid() : p->pid) &&
		row->start >= p->pid_start);
}

static void
talk_opened(struct loginproc *p, const struct msg_login_opened *m)
{
	struct login *l = logins_find(p->session);
	struct event_builder b;
	struct ptable_row row;

	/* Over before it was heard of: there is no leader to be ended. */
	if (ptable_read_one(m->leader, &row) < 0)
		row = (struct ptable_row){.pid = 0};
	else if (!talk_is_leader(p, &row))
		l = NULL;
	if (l == NULL || !loginproc_step(p, LOGINPROC_OPENS)) {
		loginproc_kill(p, "opened what it may not");
		return;
	}
	p->leader = row.pid;
	p->leader_start = row.start;
	l->open = true;
	l->pid = p->pid;
	l->pid_start = p->pid_start;
	l->leader = p->leader;
	l->leader_start = p->leader_start;
	memcpy(l->tty, m->tty, sizeof(l->tty));
	loginproc_event(p, &b, EV_AUTH_SUCCESS);
	event_text(&b, FIELD_METHOD, policy_method_text(p->method));
	report_emit(p->mon, &b);
	logins_opened(p->mon, l);
	logins_tell(p->mon, l);
	/* There is nothing more to say; its end is seen by its end. */
	loop_timer_clear(&p->grace);
	loop_unwatch(&p->watch);
	ipc_channel_close(&p->ch);
}

/* ---- last words --------------------------------------------------------- */

/*
 * The master may not hear it after the worker's end, which waits for the
 * login's: so that is reported first, and only then is the channel closed.
 */
static void
talk_closed(struct loginproc *p, const struct msg_login_closed *m)
{
	struct msg_session_exit out = {
	    .session = p->session, .how = m->how, .value = m->value};

	proc_to_master(p->mon, MSG_SESSION_EXIT, &out);
}

static void
loginproc_hear_words(void *arg, int revents)
{
	static struct ipc_in in;
	struct loginproc *p = arg;
	int err = ipc_recv_now(&p->ch, &in);

	(void)revents;
	if (err == ERR_AGAIN)
		return;
	if (err == 0)
		talk_closed(p, &in.msg.login_closed);
	else if (err != ERR_CLOSED)
		log_info("login of session %llu (pid %d): %s",
		    (unsigned long long)p->session, (int)p->pid, err_text(err));
	loop_unwatch(&p->words);
	ipc_channel_close(&p->ch);
}

/* ---- all messages ------------------------------------------------------- */

static void
talk_message(struct loginproc *p, const struct ipc_in *in)
{
	switch (in->type) {
	case MSG_LOGIN_TRY:
		talk_try(p, &in->msg.login_try);
		break;
	case MSG_LOGIN_FAILURE:
		talk_failure(p, &in->msg.login_failure);
		break;
	case MSG_LOGIN_MAY:
		talk_may(p, &in->msg.login_may);
		break;
	case MSG_LOGIN_OPENED:
		talk_opened(p, &in->msg.login_opened);
		break;
	default:
		break; /* the permit table lets nothing else through */
	}
}

void
loginproc_readable(void *arg, int revents)
{
	static struct ipc_in in;
	struct loginproc *p = arg;
	int err = 0;

	(void)revents;
	while (err == 0 && p->ch.fd >= 0) {
		err = ipc_recv(&p->ch, &in);
		if (err == 0) {
			talk_message(p, &in);
			ipc_in_close(&in);
		}
	}
	if (err == 0 || err == ERR_AGAIN || p->ch.fd < 0)
		return;
	if (err != ERR_CLOSED) {
		loginproc_kill(p, err_text(err));
		return;
	}
	/* SIGCHLD says the rest. */
	loop_unwatch(&p->watch);
	ipc_channel_close(&p->ch);
}
/* ---- ends -----------------------------------------------------------------
 */

bool
loginproc_take(pid_t pid, int fd)
{
	struct loginproc *p = loginproc_of(pid);
	struct ptable_row row;

	/* What it said before, by its first channel, comes first. */
	if (p != NULL && p->words == NULL && p->ch.fd >= 0)
		loginproc_readable(p, POLLIN);
	if (p == NULL || p->state != LOGINPROC_OPEN || p->ch.fd >= 0 ||
	    ptable_read_one(pid, &row) < 0 || row.start != p->pid_start)
		return (false);
	p->words = loop_watch(fd, POLLIN, loginproc_hear_words, p);
	if (p->words == NULL)
		return (false);
	ipc_channel_init(&p->ch, fd, ROLE_MONITOR, ROLE_LOGIN, ST_SESSION);
	return (true);
}

void
loginproc_gone(struct loginproc *p, int sig)
{
	p->gone = true;
	if (p->words != NULL)
		loginproc_hear_words(p, POLLIN);
	else if (p->ch.fd >= 0)
		loginproc_readable(p, POLLIN);
	loginproc_over(p, sig);
}

void
loginproc_reaped(struct monitor *mon, pid_t pid, int status)
{
	struct loginproc *p = loginproc_of(pid);

	/* An adopted one's pidfd tells. */
	if (records_reaped(mon, pid, status) || p == NULL || p->pidfd >= 0)
		return;
	if (WIFEXITED(status))
		p->status = WEXITSTATUS(status);
	loginproc_gone(p, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}
