/*
 * Logins by ssh as sshd's log tells of them. Monitor (root). The log reader
 * reads what strangers had written: it names a session of sshd's and can take
 * no login away that the PAM module has reported. Whose uid a name has a
 * planner says; until then the login is counted for nobody.
 */
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "monitor/keys.h"
#include "monitor/logins/logins.h"
#include "monitor/logins/logins_private.h"
#include "monitor/planner.h"
#include "monitor/report.h"
#include "monitor/sessions/end.h"
#include "monitor/sshd.h"

/*
 * Past user-limit, and known only from the log, so a moment after sshd let
 * the user in: the connection is ended.
 */
static void
logins_refuse(
    struct monitor *mon, uint64_t session, const char *user, const char *reason)
{
	struct event_builder b;
	struct slot slot;
	struct proc *p;
	struct addr peer;

	event_begin(&b, EV_AUTH_FAILURE);
	TAILQ_FOREACH (p, &mon->procs, next) {
		int64_t n = p->slots != NULL
				? slot_find_session(p->slots, session)
				: -1;

		if (n < 0 || slot_read(p->slots, (uint32_t)n, &slot) < 0)
			continue;
		slot_peer(&slot, &peer);
		event_text(&b, FIELD_SERVICE,
		    p->service != NULL ? p->service->name : "ssh");
		event_source(&b, &peer);
		break;
	}
	event_number(&b, FIELD_SESSION, session);
	event_text(&b, FIELD_USER, user);
	event_text(&b, FIELD_REASON, reason);
	report_emit(mon, &b);
	(void)end_session(mon, session, NULL, 0);
}

/* --- who it is --------------------------------------------------------------
 */

/* Of whose login a planner is asked, one at a time; 0: of none. */
static uint64_t logins_asked;

static void logins_ask(struct monitor *mon);

/*
 * The module was to decide and was not asked: somebody took its line out of
 * PAM's files while we run. Told once, of each configuration.
 */
static void
logins_warn(struct monitor *mon, const char *why)
{
	static uint32_t told;
	char text[400];

	if (told == mon->generation)
		return;
	told = mon->generation;
	snprintf(text, sizeof(text),
	    "%s any more: logins are taken from sshd's log; put it back, or "
	    "reload",
	    why);
	report_warning(mon, "ssh", text);
}

/*
 * Nobody has counted the user's processes; the kernel's limit binds them. The
 * log reader reported the event itself.
 */
static void
logins_settle(
    struct monitor *mon, struct login *l, const struct msg_plan_user *user)
{
	const struct login before = *l;
	const char *reason;

	logins_remove(before.session);
	if (!user->found)
		return;
	reason =
	    logins_admit(mon, before.session, user->uid, user->name, 0, &l);
	if (reason != NULL) {
		logins_refuse(mon, before.session, user->name, reason);
		return;
	}
	memcpy(l->tty, before.tty, sizeof(l->tty));
	l->open = l->told = l->by_log = true;
	logins_tell(mon, l);
	keys_look(mon, l->user);
}

/* Without an answer nobody can be counted, and so nobody may come in. */
static void
logins_unanswered(struct monitor *mon, const struct login *l)
{
	const struct login before = *l;

	logins_remove(before.session);
	if (mon->plan->is.user_sessions > 0)
		logins_refuse(mon, before.session, before.user, "no-resources");
}

static void
logins_decide(
    struct monitor *mon, struct login *l, const struct msg_plan_user *user)
{
	if (sshd_by_pam() && user->by_pam) {
		logins_remove(l->session); /* the log decides nothing */
		return;
	}
	if (sshd_by_pam())
		logins_warn(mon, user->why);
	logins_settle(mon, l, user);
}

static void
logins_answered(struct monitor *mon, const char *name, struct plan *plan,
    const char *failed)
{
	struct login *l = logins_find(logins_asked);

	(void)name;
	logins_asked = 0;
	/* The module may have reported it meanwhile. */
	if (l != NULL && l->uid == LOGINS_UNKNOWN && failed == NULL) {
		logins_decide(mon, l, &plan->user);
	} else if (l != NULL && l->uid == LOGINS_UNKNOWN) {
		log_info("nobody says who has logged in: %s", failed);
		logins_unanswered(mon, l);
	}
	plan_free(plan);
	logins_ask(mon);
}

static void
logins_ask(struct monitor *mon)
{
	const struct login *l;

	while ((l = logins_of_user(LOGINS_UNKNOWN)) != NULL &&
	       !logins_session_runs(mon, l->session))
		logins_remove(l->session);
	if (logins_asked != 0 || l == NULL || monitor_is_leaving(mon))
		return;
	logins_asked = l->session;
	planner_ask(mon, PLAN_USER, l->user, logins_answered);
}

/*
 * The log names a terminal, and, where no PAM module decides, the user. It can
 * never take a login away that the module has reported.
 */
void
logins_from_log(struct monitor *mon, const struct msg_log_login *m)
{
	struct login *l;

	if (!logins_session_runs(mon, m->session))
		return;
	l = logins_find(m->session);
	if (l == NULL)
		l = logins_put(mon, m->session, LOGINS_UNKNOWN, m->user);
	if (l == NULL)
		return;
	if (m->tty[0] != '\0')
		snprintf(l->tty, sizeof(l->tty), "%s", m->tty);
	if (l->uid == LOGINS_UNKNOWN) {
		logins_ask(mon);
		return;
	}
	logins_opened(mon, l);
	logins_tell(mon, l);
}
