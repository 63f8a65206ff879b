/*
 * Services by number. Monitor (root). What stands in it comes from plans, which
 * plan.c has judged.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "monitor/plan.h"
#include "monitor/sessions/adopted.h"
#include "monitor/sessions/table.h"
#include "policy/rate.h"

static struct monitor the_monitor;

struct monitor *
table_monitor(void)
{
	return (&the_monitor);
}

static struct mon_service *
table_find_service(
    struct monitor *mon, enum service_kind kind, const char *name)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (s->used && s->kind == kind && strcmp(s->name, name) == 0)
			return (s);
	}
	return (NULL);
}

static struct mon_service *
table_new_service(struct monitor *mon, const struct plan_service *c)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (s->used)
			continue;
		memset(s, 0, sizeof(*s));
		s->used = true;
		s->number = (uint16_t)i;
		s->kind = (enum service_kind)c->is.kind;
		snprintf(s->name, sizeof(s->name), "%s", c->is.name);
		return (s);
	}
	return (NULL);
}

/*
 * Whether a zygote would serve otherwise than before. Limits and listeners are
 * the master's; ssh's statements live in sshd's own file, read by each sshd.
 */
static bool
table_same_zygote(const struct plan_service *a, const struct plan_service *b)
{
	const struct msg_plan_service *x = &a->is, *y = &b->is;

	if (!plan_same_message(MSG_PROGRAM, a->program, b->program) ||
	    !plan_same_message(MSG_LOGIN_OPTIONS, a->options, b->options) ||
	    x->own_uid != y->own_uid || x->list_users != y->list_users ||
	    x->show_details != y->show_details)
		return (false);
	return (service_traits((enum service_kind)x->kind)->by != BY_SSHD ||
		(x->packets == y->packets && x->root_login == y->root_login &&
		    x->log_unknown == y->log_unknown &&
		    strcmp(x->order, y->order) == 0));
}

bool
table_has_room(struct monitor *mon, const struct plan *plan)
{
	unsigned room = 0;

	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		table_service_release(mon, &mon->services[i]);
		room += !mon->services[i].used;
	}
	for (unsigned i = 0; i < plan->service_count; i++) {
		const struct plan_service *c = &plan->services[i];

		if (table_find_service(
			mon, (enum service_kind)c->is.kind, c->is.name) != NULL)
			continue;
		if (room-- == 0)
			return (false);
	}
	return (true);
}

/* What is over may wait for audit, and what a reload took away goes on. */
#define SLOTS_SPARE 1024
#define SLOTS_LEAST 2048 /* few reloads need more */

static uint32_t
table_slots_needed(struct monitor *mon)
{
	uint32_t slots = adopted_slots() + SLOTS_SPARE;

	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (!s->used)
			continue;
		if (s->plan != NULL)
			s->slots =
			    2 * FAMILY_COUNT * s->plan->is.connection_limit;
		slots += s->slots;
	}
	return (slots);
}

/* True: zygotes have slot tables by now that are too short. */
static bool
table_fit_slots(struct monitor *mon)
{
	uint32_t need = table_slots_needed(mon), before = mon->slots;

	if (before == 0)
		mon->slots = SLOTS_LEAST;
	while (mon->slots < need && mon->slots < SLOTS_MAX)
		mon->slots *= 2;
	return (before != 0 && mon->slots > before);
}

void
table_configure(struct monitor *mon, const struct plan *old, struct plan *plan,
    bool changed[SERVICES_MAX])
{
	bool all = old != NULL &&
		   (old->is.session_sandbox != plan->is.session_sandbox ||
		       old->is.user_processes != plan->is.user_processes ||
		       old->is.sandbox_level != plan->is.sandbox_level);

	memset(changed, 0, SERVICES_MAX * sizeof(changed[0]));
	for (unsigned i = 0; i < SERVICES_MAX; i++)
		mon->services[i].configured = false;
	for (unsigned i = 0; i < plan->service_count; i++) {
		struct plan_service *c = &plan->services[i];
		struct mon_service *s;

		s = table_find_service(
		    mon, (enum service_kind)c->is.kind, c->is.name);
		if (s == NULL)
			s = table_new_service(mon, c);
		if (s == NULL)
			bug("no room for service %s", c->is.name);
		changed[s->number] =
		    all || s->plan == NULL || !table_same_zygote(s->plan, c);
		s->configured = true;
		s->plan = c;
		s->fresh = true;
		s->stopped = service_traits(s->kind)->served
				 ? NULL
				 : "this version does not serve it";
	}
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		if (!mon->services[i].configured)
			mon->services[i].plan = NULL;
	}
	if (table_fit_slots(mon))
		memset(changed, true, SERVICES_MAX * sizeof(changed[0]));
}

bool
table_service_runs(const struct mon_service *s)
{
	return (s->used && s->configured && s->stopped == NULL &&
		s->waiting[0] == '\0');
}

void
table_service_release(struct monitor *mon, struct mon_service *s)
{
	struct proc *p;

	if (s == NULL || !s->used || s->configured)
		return;
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->service == s)
			return;
	}
	loop_timer_clear(&s->backoff.timer);
	loop_timer_clear(&s->retry);
	s->used = false;
}

bool
table_program_is_root(const struct mon_service *s)
{
	return (s->plan != NULL && s->plan->program != NULL &&
		s->plan->program->uid == 0);
}

void
table_fit_state(struct monitor *mon)
{
	unsigned services = 0;
	bool long_rates = false;
	uint64_t length, before;
	struct stat st;

	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		const struct mon_service *s = &mon->services[i];

		if (!s->used)
			continue;
		services++;
		long_rates =
		    long_rates || (s->plan != NULL &&
				      policy_rate_size(s->plan->is.rate_limit) >
					  STATE_HISTORY);
	}
	/* A name that goes leaves its history behind. */
	length = state_size(
	    table_slots_needed(mon), long_rates ? 2 * services + 8 : 0);
	before = fstat(mon->state_fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	/* What ended between two daemons stands in it, whatever its slot. */
	if (length <= before && before <= state_size(SLOTS_MAX, SERVICES_MAX))
		return;
	if (ftruncate(mon->state_fd, (off_t)length) < 0)
		log_errno("the state file cannot be made %llu bytes long",
		    (unsigned long long)length);
}
