/*
 * Letting services wait, and trying them again. Monitor (root). What is looked
 * at is the configuration in force and the host, never what a role says.
 */
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "monitor/ids.h"
#include "monitor/listeners/bind.h"
#include "monitor/notify.h"
#include "monitor/reload.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/table.h"
#include "monitor/sshd.h"
#include "monitor/states.h"
#include "monitor/stop.h"
#include "monitor/waiting.h"

#define RETRY_FIRST (1ull * SECOND)
#define RETRY_MOST (30ull * SECOND)

static void waiting_due(void *arg);

void
waiting_begin(struct monitor *mon, struct mon_service *s, const char *reason)
{
	bool known = strcmp(s->waiting, reason) == 0;
	uint64_t delay;

	if (s->waiting[0] == '\0')
		s->tries = 0;
	delay = RETRY_FIRST << (s->tries > 5 ? 5 : s->tries);
	snprintf(s->waiting, sizeof(s->waiting), "%s", reason);
	if (!known)
		report_service(mon, s, true, s->waiting);
	s->tries++;
	loop_timer_in(
	    &s->retry, delay < RETRY_MOST ? delay : RETRY_MOST, waiting_due, s);
}

void
waiting_end(struct monitor *mon, struct mon_service *s)
{
	char reason[CONF_MESSAGE_MAX];

	if (s->waiting[0] == '\0')
		return;
	loop_timer_clear(&s->retry);
	memcpy(reason, s->waiting, sizeof(reason));
	s->waiting[0] = '\0';
	if (s->configured)
		report_service(mon, s, false, reason);
}

/* After a change of what waits: its listeners, roles, rows and STATUS. */
static void
waiting_apply(struct monitor *mon)
{
	bind_configure(mon);
	wire_services(mon);
	proc_start_needed(mon);
	wire_tell_listeners(mon);
	wire_configured(mon);
	notify_bound(mon);
}

void
waiting_stop(struct monitor *mon, struct mon_service *s, const char *reason)
{
	struct proc *zygote = s->zygote;

	waiting_begin(mon, s, reason);
	if (zygote != NULL)
		proc_retire(mon, zygote);
	waiting_apply(mon);
}

/* The first error of a report, or "" for none. */
static const char *
first_error(const struct conf_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		if (report->diags[i].severity == CONF_ERROR)
			return (report->diags[i].text);
	}
	return (report->errors > 0 ? "out of memory" : "");
}

static void
waiting_due(void *arg)
{
	struct mon_service *s = arg;
	struct monitor *mon = table_monitor();
	struct conf_report report = {0};
	char reason[CONF_MESSAGE_MAX];

	if (stop_is_begun() || !s->configured || s->waiting[0] == '\0')
		return;
	reload_check_service(mon, mon->conf, s->conf, &report);
	if (report.errors == 0 && service_traits(s->kind)->sshd &&
	    sshd_commit(mon, mon->conf) != 0)
		waiting_begin(mon, s,
		    "sshd's configuration cannot be put in "
		    "place: see the log");
	else if (report.errors > 0)
		waiting_begin(mon, s, first_error(&report));
	else if (ids_for_service(mon, s, reason, sizeof(reason)) != 0)
		waiting_begin(mon, s, reason);
	else {
		waiting_end(mon, s);
		waiting_apply(mon);
	}
	if (states_tell(mon))
		notify_bound(mon);
	conf_report_clear(&report);
}
