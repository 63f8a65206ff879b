/*
 * Letting services wait, and trying them again. Monitor (root). A planner looks
 * at the configuration in force and the host.
 */
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "monitor/ids.h"
#include "monitor/listeners/bind.h"
#include "monitor/planner.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/start.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/table.h"
#include "monitor/sshd.h"
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
	char reason[REASON_MAX];

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
	start_needed(mon);
	wire_tell_listeners(mon);
	wire_configured(mon);
}

/* A service that runs turns out to lack something: stop it, and let it wait. */
static void
waiting_stop(struct monitor *mon, struct mon_service *s, const char *reason)
{
	struct proc *zygote = s->zygote;

	waiting_begin(mon, s, reason);
	if (zygote != NULL)
		proc_retire(mon, zygote);
	waiting_apply(mon);
}

/* What it now is, in the place of what waited. */
static void
waiting_replace(struct mon_service *s, struct plan_service *found)
{
	struct plan_service swap = *s->plan;

	*s->plan = *found;
	*found = swap;
	s->fresh = true;
}

/* Why it still cannot run, in reason; "" for nothing. */
static void
waiting_judge(struct monitor *mon, struct mon_service *s,
    struct plan_service *found, char *reason, size_t size)
{
	reason[0] = '\0';
	if (found->is.waiting[0] != '\0') {
		snprintf(reason, size, "%s", found->is.waiting);
		return;
	}
	if (found->is.sshd[0] != '\0' && sshd_commit(mon, found) != 0) {
		snprintf(reason, size,
		    "sshd's configuration cannot be put in place: see the log");
		return;
	}
	waiting_replace(s, found);
}

static struct mon_service *
waiting_find(struct monitor *mon, const char *name)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (s->used && s->configured && strcmp(s->name, name) == 0)
			return (s);
	}
	return (NULL);
}

/* One that waited: whether it does still. */
static void
waiting_again(struct monitor *mon, struct mon_service *s,
    struct plan_service *found, const char *failed)
{
	char reason[REASON_MAX] = "";

	if (failed != NULL)
		snprintf(reason, sizeof(reason), "%s", failed);
	else
		waiting_judge(mon, s, found, reason, sizeof(reason));
	if (reason[0] != '\0') {
		waiting_begin(mon, s, reason);
	} else {
		waiting_end(mon, s);
		waiting_apply(mon);
	}
	wire_states(mon);
}

/* One that is served: what it lacks by now, or runs as now. */
static void
waiting_looked(
    struct monitor *mon, struct mon_service *s, struct plan_service *found)
{
	if (found->is.waiting[0] != '\0') {
		waiting_stop(mon, s, found->is.waiting);
		return;
	}
	if (plan_same_message(MSG_PROGRAM, s->plan->program, found->program) &&
	    s->plan->is.own_uid == found->is.own_uid)
		return;
	waiting_replace(s, found);
	if (s->zygote != NULL)
		proc_retire(mon, s->zygote);
	start_needed(mon);
}

static void
waiting_done(struct monitor *mon, const char *service, struct plan *plan,
    const char *failed)
{
	struct mon_service *s = waiting_find(mon, service);
	struct plan_service *found = plan_find(plan, service);

	if (failed == NULL)
		ids_take(mon, plan);
	if (failed == NULL && found == NULL)
		failed = "it cannot be planned again: reload";
	if (s != NULL && !monitor_is_leaving(mon)) {
		if (s->waiting[0] != '\0')
			waiting_again(mon, s, found, failed);
		else if (failed == NULL && table_service_runs(s))
			waiting_looked(mon, s, found);
	}
	plan_free(plan);
}

void
waiting_look(struct monitor *mon, struct mon_service *s)
{
	if (service_traits(s->kind)->by == BY_PROGRAM && !s->fresh &&
	    !monitor_is_leaving(mon))
		planner_ask(mon, PLAN_RETRY, s->name, waiting_done);
	s->fresh = false;
}

static void
waiting_due(void *arg)
{
	struct mon_service *s = arg;
	struct monitor *mon = table_monitor();

	if (!monitor_is_leaving(mon) && s->configured && s->waiting[0] != '\0')
		planner_ask(mon, PLAN_RETRY, s->name, waiting_done);
}
