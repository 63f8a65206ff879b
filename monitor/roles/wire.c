/*
 * Channels between the roles. Monitor (root): it makes each pair, hands the
 * two ends over and closes its own copies, so that an end's death is seen by
 * the other end alone.
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
#include "monitor/logins/logins.h"
#include "monitor/plan.h"
#include "monitor/program.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/adopt.h"
#include "monitor/sessions/table.h"
#include "monitor/states.h"
#include "monitor/waiting.h"

/* Workers forked ahead of time: one may take its connection while the next is
 * being forked. */
#define POOL 2

/* Two roles, one pair: fds[0] goes to a with ma, fds[1] to b with mb. */
struct wire_end {
	struct proc *p;
	enum msg_type type;
	const void *msg;
	int extra; /* one more descriptor behind the channel's, or -1 */
};

static void
wire_pair(
    struct monitor *mon, const struct wire_end *a, const struct wire_end *b)
{
	const struct wire_end *ends[2] = {a, b};
	int pair[2];

	if (proc_pair(pair) != 0) {
		log_info("no channel between %s and %s: %s",
		    role_name(a->p->role), role_name(b->p->role),
		    strerror(errno));
		report_short(mon, ROLE_MONITOR, errno, "no channel");
		/* A zygote has sessions; all others can be started again. */
		proc_kill(mon, b->p->role == ROLE_ZYGOTE ? a->p : b->p,
		    "the monitor has no descriptors left for its channel");
		return;
	}
	for (int i = 0; i < 2; i++) {
		int fds[2] = {pair[i], ends[i]->extra};

		proc_send(mon, ends[i]->p, ends[i]->type, ends[i]->msg, fds,
		    ends[i]->extra >= 0 ? 2 : 1);
	}
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

void
wire_to_master(struct monitor *mon, enum msg_type type, const void *msg)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);

	if (master != NULL)
		proc_send(mon, master, type, msg, NULL, 0);
}

/* ---- audit -------------------------------------------------------------- */

static void
wire_audit(struct monitor *mon, struct proc *audit, struct proc *p)
{
	struct msg_audit_source source = {
	    .role = (uint8_t)p->role, .number = (uint32_t)p->pid};
	struct msg_audit_channel channel = {0};

	wire_pair(mon, &(struct wire_end){audit, MSG_AUDIT_SOURCE, &source, -1},
	    &(struct wire_end){p, MSG_AUDIT_CHANNEL, &channel, -1});
}

static bool
writes_events(const struct proc *p)
{
	return (p->role == ROLE_MASTER || p->role == ROLE_LOGREADER);
}

static void
audit_ready(struct monitor *mon, struct proc *audit)
{
	struct proc *p;

	report_attach(mon, audit);
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (writes_events(p) && p->state == PROC_UP)
			wire_audit(mon, audit, p);
	}
}

/* ---- the log reader ------------------------------------------------------ */

/*
 * What the zygote's programs write to their standard error goes by this pair;
 * the zygote makes a socket for each connection and hands its end over.
 */
static void
wire_log(struct monitor *mon, struct proc *reader, struct proc *zygote)
{
	struct msg_log_source m = {
	    .kind = (uint8_t)zygote->kind, .instance = zygote->instance};
	struct msg_log_channel channel = {0};
	const struct plan_service *c =
	    zygote->service != NULL ? zygote->service->plan : NULL;

	if (service_traits(zygote->kind)->builtin)
		return;
	snprintf(m.service, sizeof(m.service), "%s", zygote->seal.service);
	m.decide = !logins_by_pam(mon);
	if (c != NULL) {
		m.root_login = c->is.root_login;
		m.log_unknown = c->is.log_unknown;
		m.packets = c->is.packets;
	}
	wire_pair(mon,
	    &(struct wire_end){zygote, MSG_LOG_CHANNEL, &channel, -1},
	    &(struct wire_end){reader, MSG_LOG_SOURCE, &m, -1});
}

static void
logreader_ready(struct monitor *mon, struct proc *reader)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == ROLE_ZYGOTE &&
		    service_reader(p->kind) == reader->kind &&
		    p->state != PROC_STARTING && !p->killed)
			wire_log(mon, reader, p);
	}
}

/* ---- zygotes ------------------------------------------------------------- */

static void
wire_zygote(struct monitor *mon, struct proc *master, struct proc *z)
{
	struct msg_master_channel m = {0};
	struct msg_zygote told = {
	    .instance = z->instance, .retired = z->retired};

	if (z->service == NULL)
		return;
	told.service = z->service->number;
	if (service_traits(z->kind)->builtin && !z->retired)
		m.pool = POOL;
	/* A zygote told to finish still takes a new master's channel. */
	wire_pair(mon,
	    &(struct wire_end){master, MSG_ZYGOTE, &told, z->slots_read_fd},
	    &(struct wire_end){z, MSG_MASTER_CHANNEL, &m, -1});
}

/*
 * The master's channel to it broke. The zygote first: if it is just ending,
 * there is nothing to give the master but its end, which follows. What fails
 * is not the zygote's fault; the master asks again.
 */
void
wire_zygote_again(struct monitor *mon, struct proc *z)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	struct msg_master_channel m = {0};
	struct msg_zygote told = {
	    .instance = z->instance, .retired = z->retired};
	int pair[2], fds[2];

	if (master == NULL || z->service == NULL)
		return;
	if (proc_pair(pair) != 0) {
		log_info("no channel between master and zygote: %s",
		    strerror(errno));
		report_short(mon, ROLE_MONITOR, errno, "no channel");
		return;
	}
	told.service = z->service->number;
	if (service_traits(z->kind)->builtin && !z->retired)
		m.pool = POOL;
	fds[0] = pair[0];
	fds[1] = z->slots_read_fd;
	if (proc_send(mon, z, MSG_MASTER_CHANNEL, &m, &pair[1], 1) == 0)
		proc_send(mon, master, MSG_ZYGOTE, &told, fds, 2);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

/* finger's flags, to who keeps them. */
static void
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

/* A built-in service's own statements, for its workers. */
static void
wire_options(struct monitor *mon, struct proc *z)
{
	if (service_traits(z->kind)->lookup)
		wire_finger_options(mon, z);
	if (z->service->plan->options != NULL)
		proc_send(mon, z, MSG_LOGIN_OPTIONS, z->service->plan->options,
		    NULL, 0);
}

static void
zygote_ready(struct monitor *mon, struct proc *z)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	struct proc *reader =
	    proc_find_up(mon, ROLE_LOGREADER, service_reader(z->kind));
	struct msg_slots slots = {0};
	char reason[REASON_MAX];

	if (z->service == NULL || z->service->plan == NULL)
		return;
	if (proc_send(mon, z, MSG_SLOTS, &slots, &z->slots_fd, 1) < 0)
		return;
	if (service_traits(z->kind)->builtin) {
		wire_options(mon, z);
	} else if (program_send(mon, z, reason) < 0) {
		if (reason[0] != '\0')
			waiting_stop(mon, z->service, reason);
		else
			proc_kill(mon, z, "cannot send its program");
		return;
	}
	if (reader != NULL)
		wire_log(mon, reader, z);
	if (master != NULL)
		wire_zygote(mon, master, z);
	waiting_look(mon, z->service);
}

/* ---- the master -----------------------------------------------------------
 */

static void
wire_lookup(struct monitor *mon, struct proc *master, struct proc *lookup)
{
	struct msg_lookup told = {0};
	struct msg_master_channel channel = {0};

	wire_pair(mon, &(struct wire_end){master, MSG_LOOKUP, &told, -1},
	    &(struct wire_end){lookup, MSG_MASTER_CHANNEL, &channel, -1});
}

static void
tell_service(struct monitor *mon, struct proc *master, struct mon_service *s)
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
	if (service_traits(s->kind)->builtin)
		m.pool = POOL;
	proc_send(mon, master, MSG_SERVICE, &m, NULL, 0);
	if (!s->configured)
		proc_send(mon, master, MSG_SERVICE_GONE, &gone, NULL, 0);
}

void
wire_lookup_again(struct monitor *mon)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	struct proc *lookup = proc_find_up(mon, ROLE_LOOKUP, SERVICE_COUNT);

	if (master != NULL && lookup != NULL)
		wire_lookup(mon, master, lookup);
}

void
wire_services(struct monitor *mon)
{
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	struct proc *lookup = proc_find_up(mon, ROLE_LOOKUP, SERVICE_COUNT);

	table_fit_state(mon);
	for (unsigned i = 0; master != NULL && i < SERVICES_MAX; i++) {
		if (mon->services[i].used)
			tell_service(mon, master, &mon->services[i]);
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
		    .foreign = l->foreign,
		    .address = l->address};

		if (l->told || l->fd < 0)
			continue;
		if (l->service != NULL)
			m.service = l->service->number;
		snprintf(m.name, sizeof(m.name), "%s", l->name);
		if (proc_send(mon, master, MSG_LISTENER, &m, &l->fd, 1) == 0)
			l->told = true;
	}
	states_tell(mon);
}

void
wire_listener_gone(struct monitor *mon, struct listener *l)
{
	struct msg_listener_gone m = {.id = l->id};

	l->told = false;
	wire_to_master(mon, MSG_LISTENER_GONE, &m);
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
		if (p->state == PROC_STARTING && !p->killed && !p->again &&
		    p->job == NULL)
			return;
	}
	proc_send(mon, master, MSG_CONFIGURED, &m, NULL, 0);
}

static void
master_ready(struct monitor *mon, struct proc *master)
{
	struct proc *audit = proc_find_up(mon, ROLE_AUDIT, SERVICE_COUNT);
	struct proc *lookup = proc_find_up(mon, ROLE_LOOKUP, SERVICE_COUNT);
	struct msg_state state = {0};
	struct msg_control control = {.group = mon->control_group,
	    .owner = mon->rootless ? geteuid() : mon->ids[UID_MASTER].uid};
	struct listener *l;
	struct proc *p;

	if (audit != NULL)
		wire_audit(mon, audit, master);
	table_fit_state(mon);
	proc_send(mon, master, MSG_STATE, &state, &mon->state_fd, 1);
	proc_send(mon, master, MSG_CONTROL, &control, &mon->control_fd, 1);
	wire_services(mon);
	states_forget(mon);
	TAILQ_FOREACH (l, &mon->listeners, next)
		l->told = false;
	wire_tell_listeners(mon);
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == ROLE_ZYGOTE && p->state != PROC_STARTING &&
		    !p->killed)
			wire_zygote(mon, master, p);
	}
	if (lookup != NULL)
		wire_lookup(mon, master, lookup);
	adopt_tell_master(mon);
	logins_tell_master(mon);
}

void
wire_ready(struct monitor *mon, struct proc *p)
{
	struct proc *audit = proc_find_up(mon, ROLE_AUDIT, SERVICE_COUNT);
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);

	switch (p->role) {
	case ROLE_AUDIT:
		audit_ready(mon, p);
		break;
	case ROLE_MASTER:
		master_ready(mon, p);
		break;
	case ROLE_ZYGOTE:
		zygote_ready(mon, p);
		states_tell(mon);
		break;
	case ROLE_LOGREADER:
		if (audit != NULL)
			wire_audit(mon, audit, p);
		logreader_ready(mon, p);
		break;
	case ROLE_LOOKUP:
		wire_finger_options(mon, p);
		if (master != NULL)
			wire_lookup(mon, master, p);
		break;
	default:
		break;
	}
	wire_configured(mon);
}
