/*
 * Logins by ssh as sshd's log tells of them. Monitor (root). The log reader
 * reads what strangers had written: it names a session of sshd's and can take
 * no login away that the PAM module has told of.
 */
#include <pwd.h>
#include <stdio.h>

#include "lib/pamstack.h"
#include "monitor/logins/logins.h"
#include "monitor/logins/logins_private.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "monitor/sessions/end.h"
#include "monitor/sshd.h"

/*
 * Past user-limit, and known from the log alone, so a moment after sshd let
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

/*
 * The module was to decide and was not asked: somebody took its line out of
 * PAM's files while we run. One is asked anew at each such login only.
 */
static bool
logins_pam_is_gone(struct monitor *mon)
{
	/* Told once, of each configuration. */
	static uint32_t told;
	const struct plan_service *ssh = plan_find(mon->plan, "ssh");
	char why[200], text[320];

	if (ssh == NULL ||
	    pamstack_has_ours(ssh->is.pam_service, why, sizeof(why)))
		return (false);
	if (told == mon->generation)
		return (true);
	told = mon->generation;
	snprintf(text, sizeof(text),
	    "%s any more: logins are taken from "
	    "sshd's log; put it back, or reload",
	    why);
	report_warning(mon, "ssh", text);
	return (true);
}

/*
 * The log names a terminal, and, where no PAM module decides, the user. It can
 * never take a login away that the module has told of.
 */
void
logins_from_log(struct monitor *mon, const struct msg_log_login *m)
{
	const char *reason;
	struct login *l;
	struct passwd *pw;

	if (!logins_session_runs(mon, m->session))
		return;
	l = logins_find(m->session);
	if (l == NULL && (!sshd_by_pam() || logins_pam_is_gone(mon))) {
		pw = getpwnam(m->user);
		if (pw == NULL)
			return;
		/* Nobody has counted; the kernel's limit binds them. */
		reason = logins_admit(
		    mon, m->session, pw->pw_uid, pw->pw_name, 0, &l);
		if (reason != NULL) {
			logins_refuse(mon, m->session, pw->pw_name, reason);
			return;
		}
		/* The log reader told the event itself. */
		if (l != NULL)
			l->open = l->told = true;
	}
	if (l == NULL)
		return;
	if (m->tty[0] != '\0')
		snprintf(l->tty, sizeof(l->tty), "%s", m->tty);
	logins_opened(mon, l);
	logins_tell(mon, l);
}
