/*
 * The program zygote: its messages and its loop. See workers/common/program.h
 * for its privileges. Distrusts the master: a START that the catalogue or the
 * slot table contradicts closes its channel. Never waits for anybody but a
 * child that is uid 0 still, and never drops an ENDED: what the master's
 * queue has no room for is kept by slot number, and the slot table tells a
 * later master the rest.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "workers/common/program.h"
#include "workers/common/program_due.h"
#include "workers/common/program_log.h"
#include "workers/common/program_reap.h"

/* So long a session waits for what was left of its group to be counted. */
#define GROUP_NS (1000 * UINT64_C(1000000))

#define ALONE_MS 5000 /* without a master, before another zygote */
#define REST_MS 50    /* out of memory, before the master's next turn */

struct zygote {
	const struct program_ops *ops;
	struct role_self *start;
	struct ipc_channel master;
	struct slot_table *slots;
	struct program_table running;
	struct program_reaper reaper;
	struct program_spec spec;
	bool has_program, stopping;
	uint64_t alone_since; /* when the master's channel was lost; 0 never */
	uint64_t rest_until;  /* out of memory: no master's channel before */
	int signals;
	struct program_logs logs;
	struct rlimit files; /* as programs get it; 0 unknown */
	/* Whose session-timeout comes; whose group is being ended. */
	struct program_due timeouts, groups;
	/* Slots whose ENDED waits for room: a ring. */
	uint32_t pending[SLOTS_MAX];
	size_t pending_first, pending_count;
};

/* One a process; the pages of pending are touched only when it is used. */
static struct zygote zygote;

static void zygote_end(
    struct zygote *z, uint32_t number, enum ended how, int value);

/* Each session has a descriptor here; programs get the limit that there was. */
static void
zygote_raise_files(struct zygote *z)
{
	struct rlimit all;

	if (getrlimit(RLIMIT_NOFILE, &z->files) < 0)
		return;
	all = z->files;
	all.rlim_cur = all.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &all) < 0)
		log_errno("the limit of descriptors cannot be raised");
}

/* Its log is told: a session that waited for that is over. */
static void
zygote_log_over(uint32_t slot, enum ended how, int value)
{
	zygote_end(&zygote, slot, how, value);
}

void
program_zygote_prepare(struct role_self *s, const struct program_ops *ops)
{
	struct zygote *z = &zygote;
	sigset_t set;

	memset(z, 0, offsetof(struct zygote, timeouts));
	z->timeouts.first = z->timeouts.last = 0;
	z->groups.first = z->groups.last = 0;
	z->pending_first = z->pending_count = 0;
	z->ops = ops;
	z->start = s;
	program_logs_init(&z->logs, ops->whole_group, zygote_log_over);
	zygote_raise_files(z);
	ipc_channel_init(&z->master, -1, ROLE_ZYGOTE, ROLE_MASTER, ST_UP);

	/* Programs inherit ignored signals, so none is ignored here. */
	for (int n = 1; n < NSIG; n++)
		signal(n, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		role_fail(s, "cannot block SIGCHLD: %s", strerror(errno));
	z->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (z->signals < 0)
		role_fail(
		    s, "cannot watch for ended programs: %s", strerror(errno));
	if (program_reaper_open(&z->reaper) < 0)
		role_fail(
		    s, "cannot watch for ended programs: %s", strerror(errno));
	if (program_spawn_prepare() < 0)
		role_fail(s, "out of memory for programs: %s", strerror(errno));
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		role_fail(s, "cannot become a subreaper: %s", strerror(errno));
}

/* --- telling the master --------------------------------------------------- */

static int
zygote_send_ended(struct zygote *z, uint32_t number)
{
	const struct slot *slot = &z->slots->slots[number];
	struct msg_ended ended = {.slot = number,
	    .session = slot->session,
	    .pid = slot->pid,
	    .how = slot->how,
	    .value = slot->value,
	    .killed = slot->killed,
	    .timed_out = slot->timed_out != 0,
	    .step = (uint8_t)slot->step};

	return (ipc_send(&z->master, MSG_ENDED, &ended, NULL, 0));
}

/* The master's channel is let alone for a moment. */
static void
zygote_rest(struct zygote *z)
{
	z->rest_until = time_boot_ns() + REST_MS * 1000000ull;
}

static void
zygote_drop_master(struct zygote *z)
{
	if (z->master.fd >= 0)
		z->alone_since = time_boot_ns();
	ipc_channel_close(&z->master);
	z->pending_count = 0; /* the next master reads the slot table */
}

static void
zygote_flush(struct zygote *z)
{
	while (z->pending_count > 0 && z->master.fd >= 0) {
		int err = zygote_send_ended(z, z->pending[z->pending_first]);

		if (err == ERR_SHORT)
			zygote_rest(z);
		if (err == ERR_AGAIN || err == ERR_SHORT)
			return;
		if (err != 0) {
			zygote_drop_master(z);
			return;
		}
		z->pending_first = (z->pending_first + 1) % SLOTS_MAX;
		z->pending_count--;
	}
}

/* poll() says that there is room: where there is none, no spinning. */
static void
zygote_flush_ready(struct zygote *z)
{
	size_t before = z->pending_count;

	zygote_flush(z);
	if (z->pending_count == before)
		zygote_rest(z);
}

/* Close a session's books and tell it, now or when there is room. */
static void
zygote_end(struct zygote *z, uint32_t number, enum ended how, int value)
{
	slot_end(z->slots, number, how, value);
	if (z->master.fd < 0)
		return;
	z->pending[(z->pending_first + z->pending_count) % SLOTS_MAX] = number;
	z->pending_count++;
	zygote_flush(z);
}

/* --- starting and ending programs ------------------------------------------
 */

/* A connection without a program. */
static void
zygote_fail(struct zygote *z, uint32_t number, struct program_failure why)
{
	z->slots->slots[number].step = (uint8_t)why.step;
	zygote_end(z, number, ENDED_FAILED, why.error > 255 ? EIO : why.error);
}

/* A process id, or 0 and *why: there is no program. */
static pid_t
zygote_spawn(struct zygote *z, const struct msg_start *m, int connection,
    uint32_t *log, struct program_failure *why)
{
	struct slot *slot = &z->slots->slots[m->slot];
	struct program_room *room = program_spawn_room();
	int writer = -1;
	int64_t number;
	pid_t pid;

	if (room == NULL)
		return (0);
	program_environment(&z->spec, z->ops->peer_environment, &m->peer,
	    &m->local, program_spawn_env(room));
	number =
	    program_log_open(&z->logs, m->slot, m->session, &m->peer, &writer);
	if (number < 0) {
		*why = (struct program_failure){STEP_LOG, errno};
		return (0);
	}
	pid = program_spawn(room, &z->spec, connection, writer, z->ops->exec,
	    m->slot, &slot->pid);
	fd_close(&writer);
	if (pid < 0) {
		*why = program_spawn_failure(m->slot);
		program_log_drop(&z->logs, (uint32_t)number);
		return (0);
	}
	*log = (uint32_t)number;
	return (pid);
}

/*
 * Give a connection back: this zygote retires (error 0), or has no process or
 * no room for it now.
 */
static int
zygote_return(struct zygote *z, struct ipc_in *in, struct program_failure why)
{
	struct msg_returned m = {.slot = in->msg.start.slot,
	    .session = in->msg.start.session,
	    .error = why.error > 255 ? EIO : why.error,
	    .step = (uint8_t)why.step};

	return (ipc_send_wait(&z->master, MSG_RETURNED, &m, in->fds, in->nfds));
}

/* One that cannot even be passed is lost, and reported as failed. */
static int
zygote_refuse(struct zygote *z, struct ipc_in *in, struct program_failure why)
{
	int err;

	slot_fail(z->slots, in->msg.start.slot, why.step, why.error);
	err = zygote_return(z, in, why);
	if (err == ERR_SHORT) {
		zygote_fail(z, in->msg.start.slot, why);
		err = 0;
	}
	return (err);
}

static int
zygote_start(struct zygote *z, struct ipc_in *in)
{
	const struct msg_start *m = &in->msg.start;
	uint64_t now = time_boot_ns();
	struct program_failure why = {STEP_MEMORY, ENOMEM};
	uint32_t log = 0;
	pid_t pid = 0;

	slot_claim(z->slots, m->slot, m->session, &m->peer, now);
	if (program_table_reserve(&z->running) == 0)
		pid = zygote_spawn(z, m, in->fds[0], &log, &why);
	if (pid == 0)
		return (zygote_refuse(z, in, why));
	slot_started(z->slots, m->slot, pid);
	program_reaper_hold(
	    &z->reaper, program_table_add(&z->running, pid, m->slot, log));
	if (z->spec.msg.timeout != 0)
		program_due_add(&z->timeouts, m->slot,
		    now + z->spec.msg.timeout * UINT64_C(1000000000));
	program_log_start(&z->logs, log, pid, now);
	return (0);
}

static void
zygote_over(struct zygote *z, struct program_run *run)
{
	struct program_run was = *run;
	struct program_failure why = program_spawn_failure(was.slot);
	struct slot *slot = &z->slots->slots[was.slot];

	program_due_remove(&z->timeouts, was.slot);
	program_due_remove(&z->groups, was.slot);
	program_reaper_drop(&z->reaper, run);
	program_table_remove(&z->running, run);
	if (was.how == ENDED_EXITED && why.error != 0) {
		was.how = ENDED_FAILED;
		was.value = (uint8_t)(why.error > 255 ? EIO : why.error);
		slot->step = (uint8_t)why.step;
	}
	slot->killed =
	    was.killed > UINT16_MAX ? UINT16_MAX : (uint16_t)was.killed;
	slot->timed_out = was.timed_out;
	if (program_log_end(&z->logs, was.log, (enum ended)was.how, was.value,
		time_boot_ns()))
		zygote_end(z, was.slot, (enum ended)was.how, was.value);
}

/* Its leader has ended, and the rest of its group was killed. */
static void
zygote_await_group(struct zygote *z, struct program_run *run)
{
	program_reaper_drop(&z->reaper, run);
	program_due_remove(&z->timeouts, run->slot);
	program_due_add(&z->groups, run->slot, time_boot_ns() + GROUP_NS);
}

/* One that has ended; with 0 any. As program_reap(). */
static int
zygote_reap(struct zygote *z, int32_t pid)
{
	enum reap_mode mode = REAP_LEADER_KILLS;
	struct program_run *over, *ended;
	int taken;

	if (z->ops->whole_group)
		mode = REAP_WHOLE_GROUP;
	else if (z->spec.msg.detach)
		mode = REAP_LEADER_ONLY;
	taken = program_reap(&z->running, mode, pid, &ended, &over);
	if (taken <= 0)
		return (taken);
	if (over != NULL)
		zygote_over(z, over);
	else if (ended != NULL)
		zygote_await_group(z, ended);
	return (taken);
}

static void
zygote_reap_leaders(struct zygote *z)
{
	int32_t pid;

	while ((pid = program_reaper_next(&z->reaper)) != 0 &&
	       zygote_reap(z, pid) > 0)
		continue;
}

/* Of several children that end at a time, it is told of one. */
static void
zygote_hear_signal(struct zygote *z)
{
	struct signalfd_siginfo si;

	if (read(z->signals, &si, sizeof(si)) != sizeof(si))
		return;
	z->reaper.due = true;
	if (program_table_find(&z->running, (int32_t)si.ssi_pid) == NULL)
		(void)zygote_reap(z, (int32_t)si.ssi_pid);
}

/* Whether a session waits for what is left of its group. */
static bool
zygote_awaits(const struct zygote *z)
{
	return (z->groups.first != 0);
}

/* What this process has computed for; the machine may be slow for others. */
static uint64_t
zygote_cpu_ns(void)
{
	struct timespec t = {.tv_sec = 0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (
	    (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec);
}

static void
zygote_look_for_ended(struct zygote *z)
{
	uint64_t before;
	int taken;

	if (!z->reaper.due || !program_reaper_may_look(
				  &z->reaper, zygote_awaits(z), time_boot_ns()))
		return;
	before = zygote_cpu_ns();
	do
		taken = zygote_reap(z, 0);
	while (taken > 0);
	program_reaper_looked(
	    &z->reaper, zygote_cpu_ns() - before, time_boot_ns());
	/* No SIGCHLD will tell of it again. */
	z->reaper.due = taken < 0;
}

/* The run of a slot, while its leader's number is in the table. */
static struct program_run *
zygote_run(struct zygote *z, uint32_t slot)
{
	return (program_table_find(&z->running, z->slots->slots[slot].pid));
}

static void
zygote_serve_due(struct zygote *z)
{
	uint64_t now = time_boot_ns();
	struct program_run *run;
	uint32_t slot;

	while (program_due_take(&z->timeouts, now, &slot)) {
		run = zygote_run(z, slot);
		if (run == NULL || run->leader_gone)
			continue;
		run->timed_out = true;
		kill(-run->pid, SIGKILL);
	}
	while (program_due_take(&z->groups, now, &slot)) {
		run = zygote_run(z, slot);
		if (run == NULL)
			continue;
		if (z->ops->whole_group && !program_group_is_over(run))
			program_due_add(&z->groups, slot, now + GROUP_NS);
		else
			zygote_over(z, run);
	}
}

/* --- the master's messages ------------------------------------------------ */

static int
zygote_take_start(struct zygote *z, struct ipc_in *in)
{
	const struct msg_start *m = &in->msg.start;

	if (in->type != MSG_START)
		return (ERR_TYPE);
	if (in->nfds != 1)
		return (ERR_FDS);
	if (z->slots == NULL || !z->has_program)
		return (ERR_STATE);
	if (slot_reserve(z->slots, m->slot) != 0)
		return (zygote_return(
		    z, in, (struct program_failure){STEP_SLOT, errno}));
	if (atomic_load_explicit(&z->slots->slots[m->slot].use,
		memory_order_relaxed) == SLOT_RUNNING)
		return (ERR_VALUE);
	if (z->stopping)
		return (zygote_return(
		    z, in, (struct program_failure){STEP_NONE, 0}));
	return (zygote_start(z, in));
}

/*
 * Out of memory, or of a place for the connection, which is lost then: its
 * session is reported as failed.
 */
static void
zygote_take_cut(struct zygote *z, const struct ipc_in *in)
{
	const struct msg_start *m = &in->msg.start;
	int error = errno;

	if (in->type != MSG_START || z->slots == NULL) {
		zygote_rest(z);
		return;
	}
	if (slot_reserve(z->slots, m->slot) != 0) {
		struct msg_ended ended = {.slot = m->slot,
		    .session = m->session,
		    .how = ENDED_FAILED,
		    .value = error,
		    .step = STEP_RECEIVE};

		(void)ipc_send_wait(&z->master, MSG_ENDED, &ended, NULL, 0);
		return;
	}
	slot_claim(z->slots, m->slot, m->session, &m->peer, time_boot_ns());
	zygote_fail(z, m->slot, (struct program_failure){STEP_RECEIVE, error});
}

/*
 * One message, then poll() again: mostly there is but one, and a second look
 * would cost as much as the poll. False when there was none.
 */
static bool
zygote_serve_master(struct zygote *z)
{
	struct ipc_in in;
	int err = ipc_recv_now(&z->master, &in);

	if (err == ERR_AGAIN)
		return (false);
	if (err == ERR_SHORT) {
		zygote_take_cut(z, &in);
		return (false);
	}
	if (err == 0) {
		err = zygote_take_start(z, &in);
		ipc_in_close(&in);
	}
	if (err == 0)
		return (true);
	if (err != ERR_CLOSED)
		log_info("the master's channel is closed: %s: %s",
		    msg_name(in.type), err_text(err));
	zygote_drop_master(z);
	return (false);
}

/* --- the monitor's messages ------------------------------------------------
 */

static void
zygote_take_slots(struct zygote *z, int fd)
{
	const struct msg_seal *seal = &z->start->seal;
	struct slot_table *t;

	if (z->slots != NULL)
		die("the monitor sent a second slot table");
	t = slot_table_map(fd, 1);
	if (t == NULL)
		role_fail(
		    z->start, "cannot map the slot table: %s", strerror(errno));
	t->instance = seal->instance;
	t->kind = seal->kind;
	t->zygote = getpid();
	memcpy(t->service, seal->service, sizeof(t->service));
	t->magic = SLOT_TABLE_MAGIC;
	z->slots = t;
}

static void
zygote_take_program(struct zygote *z, struct ipc_in *in)
{
	if (program_spec_set(&z->spec, &in->msg.program) != 0)
		role_fail(z->start, "the program, its arguments or its "
				    "environment are too long");
	z->spec.files = z->files;
	z->has_program = true;
}

static void
zygote_take_master(struct zygote *z, struct ipc_in *in)
{
	struct msg_attached attached = {.instance = z->start->seal.instance};

	/* What the old one ordered is still an order. */
	while (zygote_serve_master(z))
		continue;
	zygote_drop_master(z);
	z->alone_since = z->rest_until = 0;
	ipc_channel_init(
	    &z->master, in->fds[0], ROLE_ZYGOTE, ROLE_MASTER, ST_UP);
	in->nfds = 0; /* kept */
	if (ipc_send_wait(&z->master, MSG_ATTACHED, &attached, NULL, 0) != 0)
		zygote_drop_master(z);
}

static void
zygote_take_log(struct zygote *z, struct ipc_in *in)
{
	program_logs_attach(&z->logs, in->fds[0], time_boot_ns());
	in->nfds = 0; /* kept */
}

/* What the logreader has told; a breach of its is the monitor's to answer. */
static void
zygote_serve_logs(struct zygote *z)
{
	struct msg_log_breach breach = {.end_ = 0};

	if (program_logs_hear(&z->logs) == 0)
		return;
	if (ipc_send_wait(
		&z->start->monitor, MSG_LOG_BREACH, &breach, NULL, 0) != 0)
		log_info("cannot send LOG_BREACH to the monitor");
}

/* false: there is no monitor to go on with. */
static bool
zygote_serve_monitor(struct zygote *z)
{
	struct ipc_in in;
	int err = role_hear(&z->start->monitor, &in);

	if (err != 0)
		return (err == ERR_AGAIN);
	switch (in.type) {
	case MSG_SLOTS:
		zygote_take_slots(z, in.fds[0]);
		break;
	case MSG_PROGRAM:
		zygote_take_program(z, &in);
		break;
	case MSG_MASTER_CHANNEL:
		zygote_take_master(z, &in);
		break;
	case MSG_LOG_CHANNEL:
		zygote_take_log(z, &in);
		break;
	case MSG_STOP:
		z->stopping = true;
		break;
	default:
		log_warn("%s is not for this zygote", msg_name(in.type));
		ipc_in_close(&in);
		return (false);
	}
	ipc_in_close(&in);
	return (true);
}

/* --- the loop ------------------------------------------------------------- */

/*
 * Without a master for long: it closed the channel for what it holds to be our
 * fault, or the channel failed. The monitor replaces a zygote that retires;
 * this one has its programs to the end.
 */
static void
zygote_retire_if_alone(struct zygote *z)
{
	struct msg_retiring retiring = {.crashed = 0};

	if (z->alone_since == 0 || z->stopping ||
	    time_boot_ns() - z->alone_since < ALONE_MS * 1000000ull)
		return;
	log_info("no channel to a master for %d ms: retiring", ALONE_MS);
	z->stopping = true;
	if (ipc_send_wait(
		&z->start->monitor, MSG_RETIRING, &retiring, NULL, 0) != 0)
		log_info("cannot send RETIRING to the monitor");
}

/*
 * Told to finish, with no program left and nothing to tell. Its side of the
 * channel is shut first, so that no START is lost in it: the master's sending
 * fails from then on, and what it sent before is returned.
 */
static bool
zygote_is_done(struct zygote *z)
{
	if (!z->stopping || z->running.count > 0 || z->pending_count > 0 ||
	    !program_logs_idle(&z->logs))
		return (false);
	if (z->master.fd >= 0)
		shutdown(z->master.fd, SHUT_RD);
	while (zygote_serve_master(z))
		continue;
	return (true);
}

static int
program_is_sooner(int a, int b)
{
	return (b >= 0 && (a < 0 || b < a) ? b : a);
}

/* ms until a program's time is over; -1 for ever. */
static int
zygote_due_timeout(const struct zygote *z)
{
	uint64_t now;

	if (z->timeouts.first == 0 && z->groups.first == 0)
		return (-1);
	now = time_boot_ns();
	return (program_is_sooner(program_due_timeout(&z->timeouts, now),
	    program_due_timeout(&z->groups, now)));
}

/* ms until there is something to do of its own accord; -1 for ever. */
static int
zygote_timeout(const struct zygote *z)
{
	int alone = z->alone_since != 0 && !z->stopping ? ALONE_MS / 4 : -1;
	int logs = -1, look = -1;

	if (z->logs.queued > 0)
		logs = program_logs_timeout(&z->logs, time_boot_ns());
	if (z->reaper.due)
		look = program_reaper_timeout(
		    &z->reaper, zygote_awaits(z), time_boot_ns());
	return (program_is_sooner(program_is_sooner(alone, logs),
	    program_is_sooner(look, zygote_due_timeout(z))));
}

static int
zygote_poll(const struct zygote *z, struct pollfd *p)
{
	p[0] = (struct pollfd){.fd = z->signals, .events = POLLIN};
	p[1] = (struct pollfd){.fd = z->start->monitor.fd, .events = POLLIN};
	p[2] = (struct pollfd){.fd = z->master.fd, .events = POLLIN};
	p[3] = (struct pollfd){.fd = z->logs.reader.fd, .events = POLLIN};
	p[4] = (struct pollfd){.fd = z->reaper.epoll, .events = POLLIN};
	if (z->pending_count > 0)
		p[2].events |= POLLOUT;
	if (z->logs.full)
		p[3].events |= POLLOUT;
	if (time_boot_ns() < z->rest_until) {
		p[2].fd = -1;
		return (poll(p, 5, REST_MS));
	}
	return (poll(p, 5, zygote_timeout(z)));
}

int
program_zygote_serve(struct role_self *s)
{
	struct zygote *z = &zygote;
	struct pollfd p[5];

	if (fd_set_nonblock(s->monitor.fd, 1) != 0)
		return (1);
	while (!zygote_is_done(z)) {
		role_poll_failed(zygote_poll(z, p));
		zygote_retire_if_alone(z);
		if (p[1].revents != 0 && !zygote_serve_monitor(z))
			return (1);
		if (p[4].revents != 0)
			zygote_reap_leaders(z);
		if (p[0].revents != 0)
			zygote_hear_signal(z);
		zygote_look_for_ended(z);
		zygote_serve_due(z);
		if ((p[2].revents & POLLOUT) != 0)
			zygote_flush_ready(z);
		if ((p[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			zygote_serve_master(z);
		if ((p[3].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			zygote_serve_logs(z);
		if (z->logs.queued > 0)
			program_logs_flush(&z->logs, time_boot_ns());
		/* What was sent before the STOP is returned. */
		while (z->stopping && zygote_serve_master(z))
			continue;
	}
	return (0);
}
