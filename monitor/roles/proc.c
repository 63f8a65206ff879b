/*
 * Starting, watching and replacing the roles. Monitor (root): the child of a
 * fork execs the role's program with nothing but its channel, and the role
 * seals itself by the SEAL message before it reads anything else.
 */
#include <sys/socket.h>
#include <sys/wait.h>

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
#include "monitor/logins/loginproc.h"
#include "monitor/notify.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "monitor/roles/answer.h"
#include "monitor/roles/child.h"
#include "monitor/roles/hidepid.h"
#include "monitor/roles/images.h"
#include "monitor/roles/outbox.h"
#include "monitor/roles/predecessor.h"
#include "monitor/roles/proc.h"
#include "lib/ptable.h"
#include "monitor/roles/reserve.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/end.h"
#include "monitor/sessions/table.h"
#include "monitor/states.h"
#include "monitor/stop.h"
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
    {ROLE_ENDER, "ender", UID_ENDER, false, false},
    {ROLE_PLANNER, "planner", UID_COUNT, false, false},
};

#define ROLE_SPECS (sizeof(role_specs) / sizeof(role_specs[0]))
#define SLOW_ROLE_NS (2ull * SECOND)
#define OUTBOX_LOOK_NS (10ull * MILLISECOND)
#define SHORT_TRIES 5
#define SHORT_MS 10
#define MESSAGES_A_TURN 32
#define LAST_MESSAGES 65536 /* more than a channel holds */

/*
 * What to start, or false. A program that is not ours needs the root and the
 * limits that the monitor started with.
 */
static bool
spec_find(enum role role, enum service_kind kind, struct role_spec *spec)
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
		spec->empty_root = spec->many_fds = traits->builtin;
	}
	return (role == ROLE_LOGREADER || role == ROLE_ZYGOTE);
}

struct proc *
proc_find(struct monitor *mon, enum role role, enum service_kind kind)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->role == role && p->state != PROC_STOPPING &&
		    !p->killed && p->job == NULL &&
		    (role != ROLE_LOGREADER || p->kind == kind))
			return (p);
	}
	return (NULL);
}

struct proc *
proc_find_up(struct monitor *mon, enum role role, enum service_kind kind)
{
	struct proc *p = proc_find(mon, role, kind);

	return (p != NULL && p->state == PROC_UP ? p : NULL);
}

bool
proc_is_needed(struct monitor *mon, enum role role, enum service_kind kind)
{
	if (role == ROLE_AUDIT || role == ROLE_MASTER)
		return (true);
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (!table_service_runs(s))
			continue;
		if (role == ROLE_LOOKUP && service_traits(s->kind)->lookup)
			return (true);
		if (role == ROLE_LOGREADER && service_reader(s->kind) == kind)
			return (true);
	}
	return (false);
}

/* In the child: nothing of the monitor's but the channel goes over. */
static void
child_exec(struct monitor *mon, const struct role_spec *spec,
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
proc_level(const struct monitor *mon, enum role role)
{
	if (mon->rootless || (role == ROLE_PLANNER && !caps_can_close()))
		return (SANDBOX_ROOTLESS);
	if (role == ROLE_PLANNER)
		return (SANDBOX_LANDLOCK_OPTIONAL);
	return ((enum sandbox_level)mon->plan->is.sandbox_level);
}

static int
proc_seal(struct monitor *mon, const struct role_spec *spec, struct proc *p)
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
	seal.level = (uint8_t)proc_level(mon, p->role);
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
	if (p->role == ROLE_ENDER && !mon->rootless)
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

/* ---- ends --------------------------------------------------------------- */

static struct backoff *
proc_backoff(struct monitor *mon, enum role role, enum service_kind kind,
    struct mon_service *service)
{
	if (service != NULL)
		return (&service->backoff);
	return (&mon->backoffs[role][kind >= SERVICE_COUNT ? 0 : kind]);
}

static void
proc_restart_due(void *arg)
{
	const struct backoff *b = arg;
	struct monitor *mon = table_monitor();

	if (mon->stopping)
		return;
	if (b->role == ROLE_ZYGOTE) {
		if (table_service_runs(b->service) &&
		    b->service->zygote == NULL)
			proc_start(mon, b->role, b->service->kind, b->service);
	} else if (proc_is_needed(mon, b->role, b->kind) &&
		   proc_find(mon, b->role, b->kind) == NULL) {
		proc_start(mon, b->role, b->kind, NULL);
	}
}

/* Start it again: at once the first time, later and later after that. */
static void
proc_restart(struct monitor *mon, enum role role, enum service_kind kind,
    struct mon_service *service)
{
	struct backoff *b = proc_backoff(mon, role, kind, service);
	uint64_t delay = 0;

	if (mon->stopping)
		return;
	if (time_boot_ns() - b->started > 10ull * SECOND)
		b->fails = 0;
	if (b->fails > 0)
		delay = (100ull * MILLISECOND)
			<< (b->fails > 7 ? 7 : b->fails - 1);
	if (delay > 10ull * SECOND)
		delay = 10ull * SECOND;
	b->fails++;
	b->role = role;
	b->kind = kind;
	b->service = service;
	loop_timer_in(&b->timer, delay, proc_restart_due, b);
	if (service != NULL && states_tell(mon))
		notify_bound(mon);
}

static void
proc_free(struct monitor *mon, struct proc *p)
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
	table_slots_drop(mon, p);
	free(p);
}

/* Before "ready" a person may wait, and audit may be the one that failed. */
static void
proc_tell_failed_start(
    const struct monitor *mon, const struct proc *p, int status)
{
	if (mon->log_fd != 2)
		fprintf(stderr,
		    "portreeved: %s ended before it was ready (%s %d)\n",
		    role_name(p->role),
		    WIFSIGNALED(status) ? "signal" : "exit status",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
}

/* Whoever started it knows what its end means. */
static void
proc_job_over(struct monitor *mon, struct proc *p, int status)
{
	const struct proc_job *job = p->job;
	void *arg = p->job_arg;

	proc_free(mon, p);
	job->over(mon, status, arg);
	if (mon->stopping)
		stop_step(mon);
}

static void
proc_ended(struct monitor *mon, struct proc *p, int status)
{
	struct mon_service *service = p->service;
	enum role role = p->role;
	enum service_kind kind = p->kind;
	bool current = service != NULL && service->zygote == p;
	bool expected =
	    p->state == PROC_STOPPING ||
	    (p->retired && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	bool never_up = p->state == PROC_STARTING;

	/* What it still had to say: why it failed, for one. */
	p->reaped = true;
	answer_drain(mon, p, LAST_MESSAGES);
	if (p->job != NULL) {
		proc_job_over(mon, p, status);
		return;
	}
	/*
	 * At a stop that keeps them its sessions go on, in the books as well.
	 * Else nobody has ended one whose slot was written a moment too late.
	 */
	if (role == ROLE_ZYGOTE &&
	    !(mon->stopping && expected && mon->plan->is.keep_sessions)) {
		end_orphans(mon, p);
	}
	if (!expected)
		report_role_restarted(mon, p, status);
	if (!expected && never_up && !mon->announced)
		proc_tell_failed_start(mon, p, status);
	if (role == ROLE_AUDIT)
		report_detach(mon);
	if (role == ROLE_MASTER)
		mon->accepting = false;
	proc_free(mon, p);
	if (mon->stopping) {
		stop_step(mon);
		return;
	}
	if (never_up && !mon->announced) {
		table_start_failed(mon, role, service);
		return;
	}
	/* The master may have waited for it; the others need not. */
	if (never_up)
		wire_configured(mon);
	if (role == ROLE_ZYGOTE) {
		if (current && table_service_runs(service))
			proc_restart(mon, role, kind, service);
		table_service_release(mon, service);
	} else if (!expected && proc_is_needed(mon, role, kind)) {
		proc_restart(mon, role, kind, NULL);
	}
}

void
proc_reap(struct monitor *mon)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct proc *p, *found = NULL;

		TAILQ_FOREACH (p, &mon->procs, next) {
			if (p->pid == pid)
				found = p;
		}
		if (found != NULL)
			proc_ended(mon, found, status);
		else
			loginproc_reaped(mon, pid, status);
	}
}

void
proc_kill(struct monitor *mon, struct proc *p, const char *reason)
{
	(void)mon;
	if (p->killed || p->reaped)
		return;
	p->killed = true;
	snprintf(p->reason, sizeof(p->reason), "%s", reason);
	log_info(
	    "%s (pid %d): %s: killed", role_name(p->role), (int)p->pid, reason);
	kill(p->pid, SIGKILL);
}

void
proc_lost(struct proc *p)
{
	loop_unwatch(&p->watch);
	outbox_clear(p);
	ipc_channel_close(&p->ch);
	/* One that has its orders and outlives us is not to be broken off. */
	if (!p->reaped && (p->job == NULL || !p->job->outlives))
		kill(p->pid, SIGKILL);
}

int
proc_pair(int pair[2])
{
	int err;

	reserve_use();
	err = fd_seqpacket_pair(pair);
	for (int i = 0; err != 0 && i < SHORT_TRIES; i++) {
		time_rest(SHORT_MS);
		err = fd_seqpacket_pair(pair);
	}
	reserve_keep();
	return (err);
}

/* Whoever holds messages back too long is killed; it is looked at again. */
static void
proc_outbox_due(void *arg)
{
	struct proc *p = arg;
	int err;

	if (!outbox_holds(p) || p->killed)
		return;
	if (time_boot_ns() - p->outbox_since >= SLOW_ROLE_NS) {
		proc_kill(table_monitor(), p, "does not read");
		return;
	}
	err = outbox_flush(p);
	if (err != 0)
		outbox_clear(p);
	if (err != 0 && err != ERR_CLOSED)
		proc_kill(table_monitor(), p, err_text(err));
	loop_timer_in(&p->outbox_timer, OUTBOX_LOOK_NS, proc_outbox_due, p);
}

int
proc_send(struct monitor *mon, struct proc *p, enum msg_type type,
    const void *msg, const int *fds, size_t nfds)
{
	int err = outbox_send(p, type, msg, fds, nfds);

	if (err == 0 && outbox_holds(p) && !p->outbox_timer.linked)
		loop_timer_in(
		    &p->outbox_timer, OUTBOX_LOOK_NS, proc_outbox_due, p);
	if (err == 0 || err == ERR_CLOSED) /* dying: SIGCHLD tells the rest */
		return (err);
	if (err == ERR_SHORT) {
		report_short(mon, ROLE_MONITOR, errno,
		    "cannot send a message to a role");
		/* A zygote has sessions, and goes on as it was told before. */
		if (p->role != ROLE_ZYGOTE)
			proc_kill(mon, p,
			    "the monitor is out of memory or descriptors, and "
			    "could not send it everything");
		return (err);
	}
	log_info("cannot send %s to %s: %s", msg_name(type), role_name(p->role),
	    err_text(err));
	proc_kill(mon, p, err_text(err));
	return (err);
}

void
proc_stop(struct monitor *mon, struct proc *p, bool keep_sessions)
{
	struct msg_stop stop = {.keep_sessions = keep_sessions};

	if (p->state == PROC_STOPPING)
		return;
	/* Not sealed yet: it knows nothing that it could finish. */
	if (p->ch.state == ST_NEW || p->state == PROC_STARTING)
		kill(p->pid, SIGKILL);
	else
		proc_send(mon, p, MSG_STOP, &stop, NULL, 0);
	p->state = PROC_STOPPING;
}

void
proc_retire(struct monitor *mon, struct proc *p)
{
	if (p->service != NULL && p->service->zygote == p)
		p->service->zygote = NULL;
	p->retired = true;
	proc_stop(mon, p, true);
}

/* ---- starts ------------------------------------------------------------- */

static void
proc_readable(void *arg, int revents)
{
	struct proc *p = arg;

	if ((revents & POLLOUT) != 0)
		(void)outbox_flush(p);
	if ((revents & ~POLLOUT) != 0)
		answer_drain(table_monitor(), p, MESSAGES_A_TURN);
}

static struct proc *
proc_new(struct monitor *mon, enum role role, enum service_kind kind,
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
	if (role == ROLE_ZYGOTE) {
		p->instance = mon->next_instance++;
		if (table_slots_make(mon, p) < 0) {
			table_slots_drop(mon, p);
			free(p);
			return (NULL);
		}
	}
	return (p);
}

/* The channel, the fork, the watch. */
static int
proc_launch(struct monitor *mon, const struct role_spec *spec, struct proc *p)
{
	struct ptable_row row;
	int pair[2];

	if (fd_seqpacket_pair(pair) < 0)
		return (ERR_SYSTEM);
	p->pid = fork();
	if (p->pid == 0)
		child_exec(mon, spec, p, pair[1]);
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
	p->watch = loop_watch(pair[0], POLLIN, proc_readable, p);
	return (p->watch == NULL ? ERR_NO_MEMORY : 0);
}

/* NULL with errno when there is no room for it now. */
static struct proc *
proc_begin(struct monitor *mon, const struct role_spec *spec,
    enum service_kind kind, struct mon_service *service)
{
	struct proc *p;
	int error;

	reserve_use();
	p = proc_new(mon, spec->role, kind, service);
	if (p != NULL && proc_launch(mon, spec, p) == 0) {
		reserve_keep();
		p->started = time_boot_ns();
		TAILQ_INSERT_TAIL(&mon->procs, p, next);
		return (p);
	}
	error = errno;
	log_info("cannot start %s: %s", role_name(spec->role), strerror(error));
	report_short(mon, spec->role, error, "cannot start a role");
	if (p != NULL && p->pid > 0)
		kill(p->pid, SIGKILL);
	if (p != NULL) {
		loop_unwatch(&p->watch);
		ipc_channel_close(&p->ch);
		table_slots_drop(mon, p);
		free(p);
	}
	reserve_keep();
	errno = error;
	return (NULL);
}

struct proc *
proc_start(struct monitor *mon, enum role role, enum service_kind kind,
    struct mon_service *service)
{
	struct role_spec spec;
	struct backoff *b = proc_backoff(mon, role, kind, service);
	struct proc *p;

	if (!spec_find(role, kind, &spec))
		return (NULL);
	b->started = time_boot_ns();
	p = proc_begin(mon, &spec, kind, service);
	if (p == NULL) {
		proc_restart(mon, role, kind, service);
		return (NULL);
	}
	p->again = b->fails > 0;
	predecessor_note(mon);
	if (service != NULL)
		service->zygote = p;
	if (proc_seal(mon, &spec, p) < 0)
		proc_kill(mon, p, "cannot be sent SEAL");
	return (p);
}

static void
proc_job_late(void *arg)
{
	proc_kill(table_monitor(), arg, "timed out");
}

struct proc *
proc_start_job(
    struct monitor *mon, enum role role, const struct proc_job *job, void *arg)
{
	struct role_spec spec;
	struct proc *p;

	if (!spec_find(role, SERVICE_COUNT, &spec))
		return (NULL);
	p = proc_begin(mon, &spec, SERVICE_COUNT, NULL);
	if (p == NULL)
		return (NULL);
	p->job = job;
	p->job_arg = arg;
	predecessor_note(mon);
	loop_timer_in(&p->job_timer, job->time, proc_job_late, p);
	if (proc_seal(mon, &spec, p) < 0)
		proc_kill(mon, p, "cannot be sent SEAL");
	return (p);
}

static void
start_if_needed(struct monitor *mon, enum role role, enum service_kind kind)
{
	if (proc_is_needed(mon, role, kind) &&
	    proc_find(mon, role, kind) == NULL)
		proc_start(mon, role, kind, NULL);
}

void
proc_start_needed(struct monitor *mon)
{
	for (size_t i = 0; i < ROLE_SPECS; i++)
		start_if_needed(mon, role_specs[i].role, SERVICE_COUNT);
	for (int kind = 0; kind < SERVICE_COUNT; kind++)
		start_if_needed(mon, ROLE_LOGREADER, (enum service_kind)kind);
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (table_service_runs(s) && s->zygote == NULL)
			proc_start(mon, ROLE_ZYGOTE, s->kind, s);
	}
}
