/*
 * From a plan to what runs. Monitor (root). A planner has checked everything
 * before anything takes effect; then only the difference is applied, so that a
 * listener that stays keeps its socket and every session goes on.
 */
#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/plan_note.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/ids.h"
#include "monitor/authentication.h"
#include "monitor/keys.h"
#include "monitor/listeners/bind.h"
#include "monitor/notify.h"
#include "monitor/planner.h"
#include "monitor/reload.h"
#include "monitor/report.h"
#include "monitor/reply.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/start.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/table.h"
#include "monitor/sshd.h"
#include "monitor/waiting.h"

void
reload_print(struct monitor *mon, const struct plan *plan)
{
	char line[1024];

	for (size_t i = 0; i < plan->note_count; i++)
		fprintf(stderr, "%s\n",
		    plan_note_text(
			&plan->notes[i], mon->config_path, line, sizeof(line)));
	if (plan->done.lost)
		fprintf(stderr, "%s: further messages were left out\n",
		    mon->config_path);
}

/* New zygotes where what they serve has changed; the old ones finish. */
static void
reload_replace_zygotes(struct monitor *mon, const bool changed[SERVICES_MAX])
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (!s->used)
			continue;
		if (s->zygote != NULL && (!s->configured || changed[i]))
			proc_retire(mon, s->zygote);
	}
}

/* Its sshds and the log's reader are told at their start who decides. */
static void
reload_change_ssh(struct monitor *mon, bool changed[SERVICES_MAX])
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		if (mon->services[i].used &&
		    service_traits(mon->services[i].kind)->by == BY_SSHD)
			changed[i] = true;
	}
}

/* Roles that no service needs any more. */
static void
reload_stop_needless(struct monitor *mon, const struct plan *old)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		/* A log reader stays while an old zygote's programs may write.
		 */
		if (p->role == ROLE_LOOKUP &&
		    !start_is_needed(mon, p->role, p->kind))
			proc_stop(mon, p, true);
		/* Its sandbox is for the servers that it was told. */
		if (p->role == ROLE_TACPLUS &&
		    (!start_is_needed(mon, p->role, p->kind) ||
			!authentication_same_tacplus(old, mon->plan)))
			proc_stop(mon, p, true);
	}
}

/* The ssh whose file for sshd is written and to be put in place, or NULL. */
static const struct plan_service *
reload_find_ready_ssh(const struct plan *plan)
{
	for (unsigned i = 0; i < plan->service_count; i++) {
		if (plan->services[i].is.sshd[0] != '\0')
			return (&plan->services[i]);
	}
	return (NULL);
}

/* What waited has been found by the check; what the start found waits. */
static void
reload_settle_waiting(struct monitor *mon)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (!s->used)
			continue;
		waiting_end(mon, s);
		if (!s->configured)
			continue;
		if (s->plan->is.waiting[0] != '\0')
			waiting_begin(mon, s, s->plan->is.waiting);
	}
}

int
reload_apply(struct monitor *mon, struct plan *plan)
{
	const struct plan_service *ssh = reload_find_ready_ssh(plan);
	struct plan *old = mon->plan;
	bool changed[SERVICES_MAX], by_pam = sshd_by_pam();
	int err = table_has_room(mon, plan) ? 0 : ERR_FULL;

	/* Whatever can fail is first: then nothing has changed. */
	if (err == 0)
		err = authentication_commit(mon, plan);
	if (err == 0 && ssh != NULL)
		err = sshd_commit(mon, ssh);
	if (err != 0)
		return (err);
	ids_take(mon, plan);
	table_configure(mon, old, plan, changed);
	if (sshd_by_pam() != by_pam)
		reload_change_ssh(mon, changed);
	mon->plan = plan;
	mon->generation++;
	reload_settle_waiting(mon);
	bind_configure(mon);
	reload_replace_zygotes(mon, changed);
	reload_stop_needless(mon, old);
	wire_services(mon);
	start_needed(mon);
	wire_tell_listeners(mon);
	for (unsigned i = 0; i < SERVICES_MAX; i++)
		table_service_release(mon, &mon->services[i]);
	wire_configured(mon);
	keys_look_all(mon);
	plan_free(old);
	return (0);
}

/* --- warnings --------------------------------------------------------------
 */

/*
 * Each is said once, until a configuration comes that does without it. Where in
 * a file it is does not make it another.
 */

struct warning {
	STAILQ_ENTRY(warning) next;
	char file[sizeof(((struct msg_plan_note *)0)->file)];
	char text[sizeof(((struct msg_plan_note *)0)->text)];
};

STAILQ_HEAD(warnings, warning);

static struct warnings warnings_said = STAILQ_HEAD_INITIALIZER(warnings_said);

static bool
reload_warning_is_in(const struct warnings *list, const struct msg_plan_note *d)
{
	const struct warning *w;

	STAILQ_FOREACH (w, list, next) {
		if (strcmp(w->file, d->file) == 0 &&
		    strcmp(w->text, d->text) == 0)
			return (true);
	}
	return (false);
}

/* Without memory it is forgotten, and said again. */
static void
reload_warning_add(struct warnings *list, const struct msg_plan_note *d)
{
	struct warning *w = malloc(sizeof(*w));

	if (w == NULL)
		return;
	snprintf(w->file, sizeof(w->file), "%s", d->file);
	snprintf(w->text, sizeof(w->text), "%s", d->text);
	STAILQ_INSERT_TAIL(list, w, next);
}

static void
reload_warnings_clear(struct warnings *list)
{
	struct warning *w;

	while ((w = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		free(w);
	}
}

void
reload_warnings(struct monitor *mon, const struct plan *plan, bool applied)
{
	struct warnings now = STAILQ_HEAD_INITIALIZER(now);
	char line[1024];

	for (size_t i = 0; i < plan->note_count; i++) {
		const struct msg_plan_note *d = &plan->notes[i];

		plan_note_text(d, mon->config_path, line, sizeof(line));
		log_info("%s", line);
		if (d->error)
			continue;
		if (!reload_warning_is_in(&warnings_said, d))
			report_warning(mon,
			    d->service[0] != '\0' ? d->service : NULL, line);
		if (!reload_warning_is_in(&now, d) &&
		    (applied || !reload_warning_is_in(&warnings_said, d)))
			reload_warning_add(&now, d);
	}
	if (applied)
		reload_warnings_clear(&warnings_said);
	STAILQ_CONCAT(&warnings_said, &now);
}

/* --- a reload --------------------------------------------------------------
 */

#define REQUESTS_MAX 32

/* Who asked for a reload: what is being planned, and what is to be next. */
struct wishes {
	bool any;
	bool signal; /* SIGHUP, for one */
	uint32_t requests[REQUESTS_MAX];
	unsigned count;
};

static struct wishes wishes_now, wishes_next;

static void
reload_answer(struct monitor *mon, const char *failed)
{
	for (unsigned i = 0; i < wishes_now.count; i++) {
		if (failed == NULL)
			reply_applied(mon, wishes_now.requests[i]);
		else
			reply_done(mon, wishes_now.requests[i], false, failed);
	}
	wishes_now = (struct wishes){0};
}

/* Why it was refused: the first error, and how many more there are. */
static void
reload_error(
    const struct monitor *mon, const struct plan *plan, char *line, size_t size)
{
	const struct msg_plan_note *error = plan_error(plan);

	if (error == NULL)
		return;
	plan_note_text(error, mon->config_path, line, size);
	if (plan->done.errors > 1)
		snprintf(line + strlen(line), size - strlen(line),
		    " (and %u more)", plan->done.errors - 1);
}

static void
reload_refused(struct monitor *mon, const struct plan *plan, const char *line)
{
	if (plan != NULL)
		reload_warnings(mon, plan, false);
	report_configuration(mon, false, line);
	reload_answer(mon, line);
	if (monitor_is_accepting(mon))
		notify_accepting(mon); /* as before */
}

static void reload_begin(struct monitor *mon);

static void
reload_done(struct monitor *mon, const char *service, struct plan *plan,
    const char *failed)
{
	char line[1000] = "";
	int err = 0;

	(void)service;
	if (failed != NULL)
		snprintf(line, sizeof(line), "%s", failed);
	else if (plan->done.refused)
		reload_error(mon, plan, line, sizeof(line));
	else if ((err = reload_apply(mon, plan)) != 0)
		snprintf(line, sizeof(line),
		    err == ERR_FULL ? "too many services, with those whose "
				      "sessions still go on"
				    : "it cannot be put in place: %s",
		    err_text(err));
	if (line[0] != '\0') {
		reload_refused(mon, plan, line);
		plan_free(plan);
	} else {
		reload_warnings(mon, plan, true);
		report_configuration(
		    mon, true, wishes_now.signal ? "SIGHUP" : "reload");
		reload_answer(mon, NULL);
	}
	reload_begin(mon);
}

static void
reload_begin(struct monitor *mon)
{
	if (wishes_now.any || !wishes_next.any)
		return;
	wishes_now = wishes_next;
	wishes_next = (struct wishes){0};
	planner_ask(mon, PLAN_RELOAD, "", reload_done);
}

void
reload_run(struct monitor *mon, bool asked, uint32_t request)
{
	struct wishes *w = &wishes_next;

	if (asked && w->count == REQUESTS_MAX) {
		reply_done(mon, request, false,
		    "too many reloads are under way: try again");
		return;
	}
	if (asked)
		w->requests[w->count++] = request;
	w->any = true;
	w->signal = w->signal || !asked;
	notify_reloading(mon);
	reload_begin(mon);
}
