/* What is reported of logins: to the master, and as events. Monitor (root). */
#include <stdio.h>

#include "monitor/logins/logins.h"
#include "monitor/logins/logins_private.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"

void
logins_tell(struct monitor *mon, const struct login *l)
{
	struct msg_session_user m = {.session = l->session};

	snprintf(m.user, sizeof(m.user), "%s", l->user);
	snprintf(m.tty, sizeof(m.tty), "%s", l->tty);
	m.by_pam = !l->by_log;
	proc_to_master(mon, MSG_SESSION_USER, &m);
}

void
logins_opened(struct monitor *mon, struct login *l)
{
	struct event_builder b;

	if (!l->open || l->told)
		return;
	l->told = true;
	event_begin(&b, EV_SESSION_OPENED);
	event_text(&b, FIELD_SERVICE, l->service);
	event_source(&b, &l->peer);
	event_number(&b, FIELD_SESSION, l->session);
	event_text(&b, FIELD_USER, l->user);
	if (l->tty[0] != '\0')
		event_text(&b, FIELD_TTY, l->tty);
	report_emit(mon, &b);
}

void
logins_tell_master(struct monitor *mon)
{
	const struct login *l;

	for (unsigned i = 0; (l = logins_at(i)) != NULL; i++) {
		if (l->session != 0 && l->open)
			logins_tell(mon, l);
	}
}
