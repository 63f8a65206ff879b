/*
 * Channels between the roles. Monitor (root): it makes each pair, hands the two
 * ends over and closes its own copies, so that an end's death is seen only by
 * the other end. And what the master is told of services and listeners.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/authentication.h"
#include "monitor/notify.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/table.h"
#include "monitor/sshd.h"
#include "monitor/states.h"

/* Workers forked ahead of time: one may take its connection while the next is
 * being forked. */
#define POOL 2

/* What one of two roles is sent together with its end of a pair. */
struct wire_end {
	struct proc *p;
	enum msg_type type;
	const void *msg;
	int extra; /* one more descriptor behind the channel's, or -1 */
};

/*
 * Two roles, one pair. If the first is just dying, there is nothing to give to
 * the second. Without descriptors, `weaker` is killed, and gets its channel
 * when it has been started again; NULL: whoever asked asks again.
 */
static void
wire_pair(struct monitor *mon, const struct wire_end *first,
    const struct wire_end *second, struct proc *weaker)
{
	const struct wire_end *ends[2] = {first, second};
	int pair[2], err = 0;

	if (proc_pair(pair) != 0) {
		log_info("no channel between %s and %s: %s",
		    role_name(first->p->role), role_name(second->p->role),
		    strerror(errno));
		report_short(mon, ROLE_MONITOR, errno, "no channel");
		if (weaker != NULL)
			proc_kill(mon, weaker,
			    "the monitor has no descriptors left for its "
			    "channel");
		return;
	}
	for (int i = 0; err == 0 && i < 2; i++) {
		int fds[2] = {pair[i], ends[i]->extra};

		err = proc_send(mon, ends[i]->p, ends[i]->type, ends[i]->msg,
		    fds, ends[i]->extra >= 0 ? 2 : 1);
	}
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

void
wire_audit(struct monitor *mon, struct proc *p)
{
	struct proc *audit = proc_find_up(mon, ROLE_AUDIT, SERVICE_COUNT);
	struct msg_audit_source source = {
	    .role = (uint8_t)p->role, .number = (uint32_t)p->pid};
	struct msg_audit_channel channel = {0};

	if (audit == NULL)
		return;
	wire_pair(mon, &(struct wire_end){audit, MSG_AUDIT_SOURCE, &source, -1},
	    &(struct wire_end){p, MSG_AUDIT_CHANNEL, &channel, -1}, p);
}

/*
 * What the zygote's programs write to their standard error goes by this pair;
 * the zygote makes a socket for each connection and hands its end over.
 */
void
wire_log(struct monitor *mon, struct proc *reader, struct proc *zygote)
{
	struct msg_log_source m = {
	    .kind = (uint8_t)zygote->kind, .instance = zygote->instance};
	struct msg_log_channel channel = {0};
	const struct plan_service *c =
	    zygote->service != NULL ? zygote->service->plan : NULL;

	if (service_traits(zygote->kind)->by == BY_WORKER)
		return;
	snprintf(m.service, sizeof(m.service), "%s", zygote->seal.service);
	m.decide = !sshd_by_pam();
	if (c != NULL) {
		m.root_login = c->is.root_login;
		m.log_unknown = c->is.log_unknown;
		m.packets = c->is.packets;
	}
	wire_pair(mon,
	    &(struct wire_end){zygote, MSG_LOG_CHANNEL, &channel, -1},
	    &(struct wire_end){reader, MSG_LOG_SOURCE, &m, -1}, reader);
}

/*
 * The channel between a zygote and the master. The zygote first: if it is just
 * ending, there is nothing to give the master but its end, which follows. A
 * zygote told to finish still takes a new master's channel.
 */
void
wire_zygote(struct monitor *mon, struct proc *z, bool asked)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	struct msg_master_channel m = {0};
	struct msg_zygote told = {
	    .instance = z->instance, .retired = z->state != PROC_UP};

	if (master == NULL || z->service == NULL)
		return;
	told.service = z->service->number;
	if (service_traits(z->kind)->by == BY_WORKER && z->state == PROC_UP)
		m.pool = POOL;
	wire_pair(mon, &(struct wire_end){z, MSG_MASTER_CHANNEL, &m, -1},
	    &(struct wire_end){master, MSG_ZYGOTE, &told, z->slots_read_fd},
	    asked ? NULL : master);
}

/* finger's flags, to who keeps them. */
void
wire_finger_options(struct monitor *mon, struct proc *p)
{
	const struct plan_service *s = plan_find(mon->plan, "finger");
	struct msg_finger_options o = {0};

	if (s != NULL) {
		o.list_users = s->is.list_users;
		o.show_details = s->is.show_details;
	}
	proc_send(mon, p, MSG_FINGER_OPTIONS, &o, NULL, 0);
}

static void
wire_service(struct monitor *mon, struct proc *master, struct mon_service *s)
{
	struct msg_service m = {.number = s->number,
	    .kind = (uint8_t)s->kind,
	    .connection_limit = 1,
	    .rate_limit = 1};
	struct msg_service_gone gone = {.number = s->number};

	snprintf(m.name, sizeof(m.name), "%s", s->name);
	if (s->plan != NULL) {
		m.connection_limit = s->plan->is.connection_limit;
		m.rate_limit = s->plan->is.rate_limit;
	}
	if (service_traits(s->kind)->by == BY_WORKER)
		m.pool = POOL;
	proc_send(mon, master, MSG_SERVICE, &m, NULL, 0);
	if (s->plan != NULL) {
		s->plan->protection.number = s->number;
		proc_send(
		    mon, master, MSG_PROTECTION, &s->plan->protection, NULL, 0);
	}
	if (!s->configured)
		proc_send(mon, master, MSG_SERVICE_GONE, &gone, NULL, 0);
}

void
wire_lookup(struct monitor *mon)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	struct proc *lookup = proc_find_up(mon, ROLE_LOOKUP, SERVICE_COUNT);
	struct msg_lookup told = {0};
	struct msg_master_channel channel = {0};

	if (master == NULL || lookup == NULL)
		return;
	wire_pair(mon, &(struct wire_end){master, MSG_LOOKUP, &told, -1},
	    &(struct wire_end){lookup, MSG_MASTER_CHANNEL, &channel, -1},
	    lookup);
}

void
wire_tacplus(struct monitor *mon, struct proc *p)
{
	const struct msg_tacplus_listener listener = {.end_ = 0};
	int fd = authentication_listener();

	for (unsigned i = 0; i < mon->plan->asked_count; i++) {
		const struct msg_plan_asked *m = &mon->plan->asked[i];
		struct msg_tacplus_server server = {
		    .address = m->address, .timeout = m->timeout};

		if (m->kind != PLAN_ASKED_TACPLUS)
			continue;
		memcpy(server.secret, m->secret, sizeof(server.secret));
		proc_send(mon, p, MSG_TACPLUS_SERVER, &server, NULL, 0);
		explicit_bzero(&server, sizeof(server));
	}
	proc_send(mon, p, MSG_TACPLUS_LISTENER, &listener, &fd, 1);
}

void
wire_services(struct monitor *mon)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	struct proc *lookup = proc_find_up(mon, ROLE_LOOKUP, SERVICE_COUNT);

	table_fit_state(mon);
	for (unsigned i = 0; master != NULL && i < SERVICES_MAX; i++) {
		if (mon->services[i].used)
			wire_service(mon, master, &mon->services[i]);
	}
	if (lookup != NULL)
		wire_finger_options(mon, lookup);
}

void
wire_tell_listeners(struct monitor *mon)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	struct listener *l;

	if (master == NULL)
		return;
	TAILQ_FOREACH (l, &mon->listeners, next) {
		struct msg_listener m = {.id = l->id,
		    .service = SERVICES_MAX,
		    .datagram = l->datagram,
		    .wait = l->wait,
		    .foreign = l->origin != LISTENER_OURS,
		    .address = l->address};

		if (l->told || l->fd < 0)
			continue;
		if (l->service != NULL)
			m.service = l->service->number;
		snprintf(m.name, sizeof(m.name), "%s", l->name);
		if (proc_send(mon, master, MSG_LISTENER, &m, &l->fd, 1) == 0)
			l->told = true;
	}
	wire_states(mon);
}

void
wire_listener_gone(struct monitor *mon, struct listener *l)
{
	struct msg_listener_gone m = {.id = l->id};

	l->told = false;
	proc_to_master(mon, MSG_LISTENER_GONE, &m);
}

void
wire_configured(struct monitor *mon)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	struct msg_configured m = {.generation = mon->generation};
	struct proc *p;

	if (master == NULL)
		return;
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->state == PROC_STARTING && !p->again && p->job == NULL)
			return;
	}
	proc_send(mon, master, MSG_CONFIGURED, &m, NULL, 0);
}

static bool
wire_state(struct monitor *mon, struct mon_service *s)
{
	struct msg_service_state m = {.number = s->number};
	bool changed = false;
	struct mon_state now;

	for (int f = 0; f < FAMILY_COUNT; f++) {
		states_of(mon, s, f, &now);
		if (addr_equal(&now.address, &s->told[f].address) &&
		    strcmp(now.text, s->told[f].text) == 0)
			continue;
		s->told[f] = now;
		m.family = (uint8_t)f;
		m.address = now.address;
		memcpy(m.state, now.text, sizeof(m.state));
		proc_to_master(mon, MSG_SERVICE_STATE, &m);
		changed = true;
	}
	return (changed);
}

void
wire_states(struct monitor *mon)
{
	bool changed = false;

	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (!s->used || !s->configured)
			memset(s->told, 0, sizeof(s->told));
		else if (wire_state(mon, s))
			changed = true;
	}
	if (changed)
		notify_changed(mon);
}

void
wire_forget_states(struct monitor *mon)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++)
		memset(mon->services[i].told, 0, sizeof(mon->services[i].told));
}
