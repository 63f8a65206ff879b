/*
 * The loop of a built-in service's zygote, and the monitor's messages. Runs
 * sealed, as the service's own user. Believes the monitor; a breach of the
 * catalogue by it, or its end, ends the zygote at once (its workers go on).
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <alloca.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "workers/common/engine.h"
#include "workers/common/lean.h"

/* How long nothing may come before the pool is refilled. */
#define POOL_IDLE_MS 2

static struct engine *engine;

/* Zygotes hold a descriptor a worker: as many as the host lets them have. */
static uint32_t
zygote_raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return (ENGINE_SPARE_FDS);
	if (r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &r) < 0)
			getrlimit(RLIMIT_NOFILE, &r);
	}
	if (r.rlim_cur > ROSTER_MAX)
		return (ROSTER_MAX);
	return (r.rlim_cur > (rlim_t)2 * ENGINE_SPARE_FDS
		    ? (uint32_t)r.rlim_cur - ENGINE_SPARE_FDS
		    : ENGINE_SPARE_FDS);
}

/* Memory that no fork copies: a worker knows nothing of the others. */
static void *
zygote_private_map(size_t size, int share)
{
	void *p = mmap(
	    NULL, size, PROT_READ | PROT_WRITE, share | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return (NULL);
	if (madvise(p, size, MADV_DONTFORK) < 0) {
		munmap(p, size);
		return (NULL);
	}
	return (p);
}

int
zygote_open(const struct zygote_ops *ops)
{
	sigset_t set;

	engine = zygote_private_map(sizeof(*engine), MAP_PRIVATE);
	if (engine == NULL)
		return (ERR_SYSTEM);
	engine->ops = ops;
	engine->page_size = (size_t)sysconf(_SC_PAGESIZE);
	engine->pool.pages =
	    zygote_private_map(ENGINE_POOL_MAX * engine->page_size, MAP_SHARED);
	if (engine->pool.pages == NULL)
		return (ERR_SYSTEM);
	engine->master.fd = -1;
	roster_init(&engine->roster);
	engine->live_max = zygote_raise_descriptors();
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return (ERR_SYSTEM);
	engine->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (engine->signals < 0)
		return (ERR_SYSTEM);
	if (ops->prepare != NULL)
		ops->prepare();
	lean_begin();
	return (0);
}

/* A violation is reported on the worker's channel, at the same number in each.
 */
static int
zygote_name_violation_channel(void)
{
	struct msg_violation violation = {.syscall = 0};
	uint8_t message[SANDBOX_MESSAGE_MAX];
	int n = msg_encode(MSG_VIOLATION, &violation, message, sizeof(message));

	if (n < 0)
		return (n);
	return (sandbox_set_violation_message(WORKER_MASTER_FD, message,
	    (size_t)n, (size_t)n - sizeof(violation.syscall)));
}

int
zygote_run(const struct zygote_ops *ops, char **argv)
{
	struct role_self start;

	role_receive(&start, ROLE_ZYGOTE, argv);
	if (zygote_open(ops) != 0)
		role_fail(&start,
		    "the zygote cannot be set up: %s; raise "
		    "its limits of memory and descriptors",
		    strerror(errno));
	if (zygote_name_violation_channel() != 0)
		role_fail(
		    &start, "the sandbox did not accept the violation message");
	role_seal(&start);
	return (zygote_serve(&start));
}

static void
zygote_map_slots(struct engine *e, struct ipc_in *in)
{
	struct slot_table *slots = slot_table_map(in->fds[0], 1);

	if (slots == NULL) {
		log_errno("the slot table cannot be mapped");
		engine_change(e, ENGINE_FINISHED);
		e->status = 1;
		return;
	}
	slot_table_unmap(e->slots);
	e->slots = slots;
}

static void
zygote_obey_stop(struct engine *e)
{
	engine_fork_no_more(e);
	engine_change(e, ENGINE_STOPPING);
}

static void
zygote_handle_monitor(struct engine *e, struct ipc_in *in)
{
	switch (in->type) {
	case MSG_SLOTS:
		zygote_map_slots(e, in);
		break;
	case MSG_MASTER_CHANNEL:
		engine_attach(e, in->fds[0], in->msg.master_channel.pool);
		in->nfds = 0;
		break;
	case MSG_STOP:
		zygote_obey_stop(e);
		break;
	default:
		if (e->ops->option != NULL && e->ops->option(in) == 0)
			break;
		log_warn("the monitor sent %s, which is not for this service",
		    msg_name(in->type));
		engine_change(e, ENGINE_FINISHED);
		e->status = 1;
		break;
	}
	ipc_in_close(in);
}

static void
zygote_read_monitor(struct engine *e)
{
	int err = role_hear(&e->monitor, &e->in);

	if (err == 0)
		zygote_handle_monitor(e, &e->in);
	if (err == 0 || err == ERR_AGAIN)
		return;
	engine_change(e, ENGINE_FINISHED);
}

/*
 * Whether those who live are all idle, and there is no master to let them go:
 * they go with this zygote, whose copy is their channels' last end.
 */
static bool
zygote_only_idle_are_left(const struct engine *e)
{
	if (e->state < ENGINE_STOPPING || e->master.fd >= 0 ||
	    e->roster.live > e->roster.idle)
		return (false);
	for (uint32_t i = 0; i < e->roster.high; i++) {
		const struct roster_worker *w = &e->roster.workers[i];

		/* The order that it serves went down with a channel. */
		if (w->state == ROSTER_IDLE &&
		    engine_page(e, w->page)->assigned != 0)
			return (false);
	}
	return (true);
}

/*
 * A retired zygote is done when no worker is left and the master knows it. Its
 * side of the channel is shut first, so that no START is lost in it: the
 * master's sending fails from then on, and what it sent before is returned.
 */
static void
zygote_finish_if_done(struct engine *e)
{
	if (!engine_is_retired(e) || e->state == ENGINE_FINISHED ||
	    (e->roster.live > 0 && !zygote_only_idle_are_left(e)))
		return;
	if (e->master.fd < 0) {
		if (e->state == ENGINE_STOPPING ||
		    roster_queue_first(&e->roster) == NULL)
			engine_change(e, ENGINE_FINISHED);
		return;
	}
	if (engine_wants_out(e) || engine_rests(e))
		return;
	shutdown(e->master.fd, SHUT_RD);
	while (engine_wants_in(e) && !engine_read_master(e))
		continue;
	if (!engine_wants_out(e))
		engine_change(e, ENGINE_FINISHED);
}

/*
 * Without a master for long: it closed the channel for what it holds to be our
 * fault, or the channel failed. The monitor replaces a zygote that retires;
 * this one has its sessions to the end, and nobody to tell of them.
 */
static void
zygote_retire_unheard(struct engine *e)
{
	if (e->alone_since == 0 || engine_is_retired(e) ||
	    time_boot_ns() - e->alone_since < ENGINE_ALONE_MS * 1000000ull)
		return;
	log_info("no channel to a master for %d ms: retiring", ENGINE_ALONE_MS);
	engine_retire(e, false);
	engine_change(e, ENGINE_STOPPING);
}

static int
zygote_wait_ms(const struct engine *e)
{
	if (engine_rests(e) || e->reap_again)
		return (ENGINE_REST_MS);
	if (e->alone_since != 0 && !engine_is_retired(e))
		return (ENGINE_ALONE_MS / 4);
	if (!engine_pool_wanted(e))
		return (-1);
	/*
	 * One is being served at the most: one peer after the other comes, and
	 * the next is likely at once. A lull among many says less, so it must
	 * last.
	 */
	if (e->pool.filling || e->roster.live <= e->roster.idle + 1)
		return (0);
	return (POOL_IDLE_MS);
}

static void
zygote_turn(struct engine *e)
{
	struct pollfd p[3] = {{.fd = e->monitor.fd, .events = POLLIN},
	    {.fd = e->signals, .events = POLLIN}, {.fd = -1}};
	struct signalfd_siginfo info;
	bool at_end = true, again = e->reap_again;
	int n;

	if (engine_wants_in(e))
		p[2].events = POLLIN;
	if (engine_wants_out(e))
		p[2].events |= POLLOUT;
	if (p[2].events != 0 && !engine_rests(e))
		p[2].fd = e->master.fd;
	n = poll(p, 3, zygote_wait_ms(e));
	role_poll_failed(n);
	e->pool.filling = n == 0 && !again && engine_pool_wanted(e);
	if (e->pool.filling)
		engine_pool_refill(e);
	if (n < 0 || (n == 0 && !again))
		return;
	if (p[0].revents != 0)
		zygote_read_monitor(e);
	if (p[2].revents != 0 && p[2].fd == e->master.fd) {
		if (engine_wants_in(e))
			at_end = engine_read_master(e);
		/* Last, as it may rest, and nothing is read then. */
		if ((p[2].revents & POLLOUT) != 0)
			engine_flush_ready(e);
	}
	/* After the master's POOL_TAKEN, so that ends are known as sessions. */
	if ((p[1].revents != 0 || again) && (at_end || e->roster.idle == 0) &&
	    (read(e->signals, &info, sizeof(info)) == sizeof(info) || again))
		engine_reap(e);
}

/* Not inlined: its frame begins where the stack has been moved to. */
static __attribute__((noinline)) int
zygote_serve_on(struct engine *e)
{
	while (e->state != ENGINE_FINISHED) {
		zygote_turn(e);
		zygote_retire_unheard(e);
		zygote_finish_if_done(e);
	}
	return (e->status);
}

/*
 * Each page that a worker writes is a copy of the zygote's. What it writes of
 * the stack begins here, so the rest of this page is passed over, and the next
 * one holds it all.
 */
int
zygote_serve(struct role_self *s)
{
	struct engine *e = engine;
	size_t past = (uintptr_t)__builtin_frame_address(0) % e->page_size;
	/* cppcheck-suppress allocaCalled */
	volatile char *over = alloca(past + 1);

	over[0] = 0;
	e->monitor = s->monitor;
	e->instance = s->seal.instance;
	return (zygote_serve_on(e));
}
