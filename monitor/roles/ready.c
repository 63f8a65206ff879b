/*
 * A role is up: what it is told, and who is told of it. Monitor (root).
 */
#include <unistd.h>

#include "lib/fd.h"
#include "monitor/logins/logins.h"
#include "monitor/plan.h"
#include "monitor/program.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/ready.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/adopt.h"
#include "monitor/sessions/table.h"
#include "monitor/waiting.h"

static void
ready_sink(struct monitor *mon, struct proc *audit)
{
	struct msg_audit_source source = {.role = ROLE_MONITOR};
	int pair[2];

	if (proc_pair(pair) != 0) {
		/* Another gets what is kept here. */
		proc_kill(mon, audit,
		    "the monitor has no descriptors left for "
		    "its channel");
		return;
	}
	if (proc_send(mon, audit, MSG_AUDIT_SOURCE, &source, &pair[1], 1) == 0)
		report_attach(mon, pair[0]);
	else
		fd_close(&pair[0]);
	fd_close(&pair[1]);
}

static bool
ready_writes_events(const struct proc *p)
{
	return (p->role == ROLE_MASTER || p->role == ROLE_LOGREADER);
}

static void
ready_audit(struct monitor *mon, struct proc *audit)
{
	struct proc *p;

	ready_sink(mon, audit);
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (ready_writes_events(p) && p->state == PROC_UP)
			wire_audit(mon, p);
	}
}

static void
ready_logreader(struct monitor *mon, struct proc *reader)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == ROLE_ZYGOTE &&
		    service_reader(p->kind) == reader->kind && proc_serves(p))
			wire_log(mon, reader, p);
	}
}

/* A built-in service's own statements, for its workers. */
static void
ready_options(struct monitor *mon, struct proc *z)
{
	if (service_traits(z->kind)->lookup)
		wire_finger_options(mon, z);
	if (z->service->plan->options != NULL)
		proc_send(mon, z, MSG_LOGIN_OPTIONS, z->service->plan->options,
		    NULL, 0);
}

static void
ready_zygote(struct monitor *mon, struct proc *z)
{
	struct proc *reader =
	    proc_find_up(mon, ROLE_LOGREADER, service_reader(z->kind));
	struct msg_slots slots = {0};

	if (z->service == NULL || z->service->plan == NULL)
		return;
	if (proc_send(mon, z, MSG_SLOTS, &slots, &z->slots_fd, 1) < 0)
		return;
	if (service_traits(z->kind)->by == BY_WORKER) {
		ready_options(mon, z);
	} else if (program_send(mon, z) < 0) {
		proc_kill(mon, z, "cannot send its program");
		return;
	}
	if (reader != NULL)
		wire_log(mon, reader, z);
	wire_zygote(mon, z, false);
	waiting_look(mon, z->service);
}

static void
ready_master(struct monitor *mon, struct proc *master)
{
	struct msg_state state = {0};
	struct msg_control control = {.group = mon->control_group,
	    .owner = mon->rootless ? geteuid() : mon->ids[UID_MASTER].uid};
	struct listener *l;
	struct proc *p;

	wire_audit(mon, master);
	table_fit_state(mon);
	proc_send(mon, master, MSG_STATE, &state, &mon->state_fd, 1);
	proc_send(mon, master, MSG_CONTROL, &control, &mon->control_fd, 1);
	wire_services(mon);
	wire_forget_states(mon);
	TAILQ_FOREACH (l, &mon->listeners, next)
		l->told = false;
	wire_tell_listeners(mon);
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == ROLE_ZYGOTE && proc_serves(p))
			wire_zygote(mon, p, false);
	}
	wire_lookup(mon);
	adopt_tell_master(mon);
	logins_tell_master(mon);
}

void
ready_role(struct monitor *mon, struct proc *p)
{
	switch (p->role) {
	case ROLE_AUDIT:
		ready_audit(mon, p);
		break;
	case ROLE_MASTER:
		ready_master(mon, p);
		break;
	case ROLE_ZYGOTE:
		ready_zygote(mon, p);
		wire_states(mon);
		break;
	case ROLE_LOGREADER:
		wire_audit(mon, p);
		ready_logreader(mon, p);
		break;
	case ROLE_LOOKUP:
		wire_finger_options(mon, p);
		wire_lookup(mon);
		break;
	default:
		break;
	}
	wire_configured(mon);
}
