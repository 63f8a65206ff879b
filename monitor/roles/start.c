/*
 * Starting the roles, and starting them again. Monitor (root): the child of a
 * fork execs the role's program with nothing but its channel, and the role
 * seals itself by the SEAL message before it reads anything else.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/ptable.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "monitor/roles/child.h"
#include "monitor/roles/hidepid.h"
#include "monitor/roles/images.h"
#include "monitor/roles/outbox.h"
#include "monitor/roles/predecessor.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/reserve.h"
#include "monitor/roles/start.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/slots.h"
#include "monitor/sessions/table.h"
#include "sandbox/caps.h"
#include "sandbox/sandbox.h"

/*
 * The one table: which program a role is, as whom, how many descriptors. What
 * there is for a kind of service stands in lib/service.def.
 */
struct role_spec {
	enum role role;
	const char *program;
	enum role_uid uid; /* UID_COUNT: stays the monitor's */
	bool empty_root;
	bool many_fds; /* as many as the hard limit allows */
};

static const struct role_spec role_specs[] = {
    {ROLE_AUDIT, "audit", UID_AUDIT, false, false},
    {ROLE_MASTER, "master", UID_MASTER, true, true},
    {ROLE_LOOKUP, "lookup", UID_LOOKUP, false, false},
    {ROLE_TACPLUS, "tacplus", UID_TACPLUS, true, false},
    {ROLE_ENDER, "ender", UID_ENDER, false, false},
    {ROLE_PLANNER, "planner", UID_COUNT, false, false},
    /* It takes its user's uid, which only it has asked for. */
    {ROLE_KEYS, "keys", UID_COUNT, false, false},
};

#define ROLE_SPECS (sizeof(role_specs) / sizeof(role_specs[0]))
#define BACKOFF_NS (100ull * MILLISECOND)
#define BACKOFF_MOST_NS (10ull * SECOND)

/*
 * What to start, or false. A program that is not ours needs the root and the
 * limits that the monitor started with.
 */
static bool
start_find_spec(enum role role, enum service_kind kind, struct role_spec *spec)
{
	const struct service_traits *traits = service_traits(kind);

	for (size_t i = 0; i < ROLE_SPECS; i++) {
		if (role_specs[i].role != role)
			continue;
		*spec = role_specs[i];
		return (true);
	}
	*spec = (struct role_spec){.role = role, .uid = UID_COUNT};
	if (role == ROLE_LOGREADER) {
		spec->program = "logreader";
		spec->uid = (enum role_uid)((int)UID_READERS + (int)kind);
		spec->empty_root = spec->many_fds = true;
	} else {
		spec->program = traits->program;
		if (traits->account != NULL)
			spec->uid =
			    (enum role_uid)((int)UID_SERVICES + (int)kind);
		spec->empty_root = spec->many_fds = traits->by == BY_WORKER;
	}
	return (role == ROLE_LOGREADER || role == ROLE_ZYGOTE);
}

bool
start_is_needed(struct monitor *mon, enum role role, enum service_kind kind)
{
	if (role == ROLE_AUDIT || role == ROLE_MASTER)
		return (true);
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (!table_service_runs(s))
			continue;
		if (role == ROLE_LOOKUP && service_traits(s->kind)->lookup)
			return (true);
		if (role == ROLE_TACPLUS &&
		    strstr(s->plan->is.order, "tacplus") != NULL)
			return (true);
		if (role == ROLE_LOGREADER && service_reader(s->kind) == kind)
			return (true);
	}
	return (false);
}

/* In the child: nothing of the monitor's but the channel goes over. */
static void
start_exec(struct monitor *mon, const struct role_spec *spec,
    const struct proc *p, int channel)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char *env[] = {path, NULL};
	char title[96];
	char *argv[] = {title, NULL};
	int null, keep;

	child_signals();
	/* A terminal's ^C and hang-up are the monitor's to obey, not theirs. */
	setsid();
	snprintf(title, sizeof(title), "portreeve: %s%s%s", role_name(p->role),
	    p->service != NULL ? " " : "",
	    p->service != NULL ? p->service->name : "");
	/* What is written down may wait for who is being served. */
	if (p->role == ROLE_AUDIT)
		sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
	/* Out of the way of 0 to 3 first. */
	keep = fcntl(channel, F_DUPFD_CLOEXEC, 10);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (keep < 0 || null < 0)
		_exit(127);
	child_place(null, 0);
	child_place(p->role == ROLE_AUDIT && mon->foreground ? 2 : null, 1);
	child_place(mon->log_fd >= 0 ? mon->log_fd : null, 2);
	child_place(keep, 3);
	if (close_range(4, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(127);
	if (!spec->many_fds)
		child_files_restore();
	images_exec(spec->program, argv, env);
	log_errno("cannot run %s/%s", mon->libexec, spec->program);
	_exit(127);
}

/*
 * As the plan in force says; an ordinary user's, as it can. The first planner
 * brings that plan: what is missing here is then said of the other roles.
 */
static enum sandbox_level
start_level(const struct monitor *mon, enum role role)
{
	if (mon->rootless || (role == ROLE_PLANNER && !caps_can_close()))
		return (SANDBOX_ROOTLESS);
	if (role == ROLE_PLANNER)
		return (SANDBOX_LANDLOCK_OPTIONAL);
	return ((enum sandbox_level)mon->plan->is.sandbox_level);
}

static int
start_seal(struct monitor *mon, const struct role_spec *spec, struct proc *p)
{
	struct msg_seal seal = {.kind = (uint8_t)p->kind,
	    .foreground = mon->foreground,
	    .verbose = mon->verbose,
	    .uid = UINT32_MAX,
	    .gid = UINT32_MAX,
	    .group = UINT32_MAX,
	    .instance = p->instance,
	    .parent = p->job != NULL && p->job->outlives ? 0 : getpid()};
	int profile = sandbox_profile_for(p->role, p->kind);

	if (profile < 0)
		return (profile);
	seal.profile = (uint8_t)profile;
	seal.level = (uint8_t)start_level(mon, p->role);
	if (mon->plan != NULL)
		seal.session_sandbox = mon->plan->is.session_sandbox;
	if (!mon->rootless && spec->uid < UID_COUNT) {
		seal.uid = mon->ids[spec->uid].uid;
		seal.gid = mon->ids[spec->uid].gid;
		/* Whose processes it may name, for the next monitor. */
		if (p->slots_fd >= 0 &&
		    fchown(p->slots_fd, seal.uid, (gid_t)-1) < 0)
			return (ERR_SYSTEM);
	}
	/* It is to see each uid that a process has. */
	if ((p->role == ROLE_ENDER || p->role == ROLE_PLANNER) &&
	    !mon->rootless)
		seal.group = hidepid_group();
	if (p->service != NULL) {
		snprintf(
		    seal.service, sizeof(seal.service), "%s", p->service->name);
		seal.program_root = table_program_is_root(p->service);
	}
	if (spec->empty_root)
		snprintf(
		    seal.root, sizeof(seal.root), "%.240s/empty", mon->run_dir);
	p->seal = seal;
	return (proc_send(mon, p, MSG_SEAL, &seal, NULL, 0));
}

static struct backoff *
start_backoff(struct monitor *mon, enum role role, enum service_kind kind,
    struct mon_service *service)
{
	if (service != NULL)
		return (&service->backoff);
	return (&mon->backoffs[role][kind >= SERVICE_COUNT ? 0 : kind]);
}

static void
start_due(void *arg)
{
	const struct backoff *b = arg;
	struct monitor *mon = table_monitor();

	if (monitor_is_stopping(mon))
		return;
	if (b->role == ROLE_ZYGOTE) {
		if (table_service_runs(b->service) &&
		    b->service->zygote == NULL)
			start_role(mon, b->role, b->service->kind, b->service);
	} else if (start_is_needed(mon, b->role, b->kind) &&
		   proc_find(mon, b->role, b->kind) == NULL) {
		start_role(mon, b->role, b->kind, NULL);
	}
}

void
start_again(struct monitor *mon, enum role role, enum service_kind kind,
    struct mon_service *service)
{
	struct backoff *b = start_backoff(mon, role, kind, service);
	uint64_t delay = 0;

	if (monitor_is_stopping(mon))
		return;
	if (time_boot_ns() - b->started > 10ull * SECOND)
		b->fails = 0;
	if (b->fails > 0)
		delay = BACKOFF_NS << (b->fails > 7 ? 7 : b->fails - 1);
	if (delay > BACKOFF_MOST_NS)
		delay = BACKOFF_MOST_NS;
	b->fails++;
	b->role = role;
	b->kind = kind;
	b->service = service;
	loop_timer_in(&b->timer, delay, start_due, b);
	if (service != NULL)
		wire_states(mon);
}

void
start_undo(struct monitor *mon, struct proc *p)
{
	TAILQ_REMOVE(&mon->procs, p, next);
	predecessor_note(mon);
	if (p->service != NULL && p->service->zygote == p)
		p->service->zygote = NULL;
	loop_timer_clear(&p->job_timer);
	loop_timer_clear(&p->outbox_timer);
	outbox_clear(p);
	loop_unwatch(&p->watch);
	ipc_channel_close(&p->ch);
	slots_drop(mon, p);
	free(p);
}

static struct proc *
start_new(struct monitor *mon, enum role role, enum service_kind kind,
    struct mon_service *service)
{
	struct proc *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return (NULL);
	p->role = role;
	p->kind = kind;
	p->service = service;
	p->pid = -1;
	p->ch.fd = p->slots_fd = p->slots_read_fd = -1;
	STAILQ_INIT(&p->outbox);
	TAILQ_INSERT_TAIL(&mon->procs, p, next);
	if (role != ROLE_ZYGOTE)
		return (p);
	p->instance = mon->next_instance++;
	if (slots_make(mon, p) == 0)
		return (p);
	start_undo(mon, p);
	return (NULL);
}

/* The channel, the fork, the watch. */
static int
start_launch(struct monitor *mon, const struct role_spec *spec, struct proc *p)
{
	struct ptable_row row;
	int pair[2];

	if (fd_seqpacket_pair(pair) < 0)
		return (ERR_SYSTEM);
	p->pid = fork();
	if (p->pid == 0)
		start_exec(mon, spec, p, pair[1]);
	close(pair[1]);
	if (p->pid < 0) {
		close(pair[0]);
		return (ERR_SYSTEM);
	}
	if (p->slots != NULL)
		p->slots->zygote = p->pid;
	if (ptable_read_one(p->pid, &row) == 0)
		p->pid_start = row.start;
	fd_set_nonblock(pair[0], 1);
	ipc_channel_init(&p->ch, pair[0], ROLE_MONITOR, p->role, ST_NEW);
	p->watch = loop_watch(pair[0], POLLIN, mon->hear, p);
	return (p->watch == NULL ? ERR_NO_MEMORY : 0);
}

/* NULL with errno when there is no room for it now. */
static struct proc *
start_begin(struct monitor *mon, const struct role_spec *spec,
    enum service_kind kind, struct mon_service *service)
{
	struct proc *p;
	int error;

	reserve_use();
	p = start_new(mon, spec->role, kind, service);
	if (p != NULL && start_launch(mon, spec, p) == 0) {
		reserve_keep();
		p->started = time_boot_ns();
		return (p);
	}
	error = errno;
	log_info("cannot start %s: %s", role_name(spec->role), strerror(error));
	report_short(mon, spec->role, error, "cannot start a role");
	if (p != NULL && p->pid > 0)
		kill(p->pid, SIGKILL);
	if (p != NULL)
		start_undo(mon, p);
	reserve_keep();
	errno = error;
	return (NULL);
}

struct proc *
start_role(struct monitor *mon, enum role role, enum service_kind kind,
    struct mon_service *service)
{
	struct role_spec spec;
	struct backoff *b = start_backoff(mon, role, kind, service);
	struct proc *p;

	if (!start_find_spec(role, kind, &spec))
		return (NULL);
	b->started = time_boot_ns();
	p = start_begin(mon, &spec, kind, service);
	if (p == NULL) {
		start_again(mon, role, kind, service);
		return (NULL);
	}
	p->again = b->fails > 0;
	predecessor_note(mon);
	if (service != NULL)
		service->zygote = p;
	if (start_seal(mon, &spec, p) < 0)
		proc_kill(mon, p, "cannot be sent SEAL");
	else if (role == ROLE_TACPLUS)
		wire_tacplus(mon, p);
	return (p);
}

static void
start_job_late(void *arg)
{
	proc_kill(table_monitor(), arg, "timed out");
}

struct proc *
start_job(
    struct monitor *mon, enum role role, const struct proc_job *job, void *arg)
{
	struct role_spec spec;
	struct proc *p;

	if (!start_find_spec(role, SERVICE_COUNT, &spec))
		return (NULL);
	p = start_begin(mon, &spec, SERVICE_COUNT, NULL);
	if (p == NULL)
		return (NULL);
	p->job = job;
	p->job_arg = arg;
	predecessor_note(mon);
	loop_timer_in(&p->job_timer, job->time, start_job_late, p);
	if (start_seal(mon, &spec, p) < 0)
		proc_kill(mon, p, "cannot be sent SEAL");
	return (p);
}

static void
start_if_needed(struct monitor *mon, enum role role, enum service_kind kind)
{
	if (start_is_needed(mon, role, kind) &&
	    proc_find(mon, role, kind) == NULL)
		start_role(mon, role, kind, NULL);
}

void
start_needed(struct monitor *mon)
{
	for (size_t i = 0; i < ROLE_SPECS; i++)
		start_if_needed(mon, role_specs[i].role, SERVICE_COUNT);
	for (int kind = 0; kind < SERVICE_COUNT; kind++)
		start_if_needed(mon, ROLE_LOGREADER, (enum service_kind)kind);
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (table_service_runs(s) && s->zygote == NULL)
			start_role(mon, ROLE_ZYGOTE, s->kind, s);
	}
}
