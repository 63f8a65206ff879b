/*
 * Forking: a worker on order with its connection, or ahead of time without
 * one. The first part runs in the zygote; worker_main() and what it calls in
 * the worker, whose first acts leave it two descriptors and no right to fork.
 * Nothing of the zygote's own memory (struct engine) exists in the worker.
 *
 * Most of what a short-lived worker costs are the pages that it writes or meets
 * for the first time, each a fault of the kernel's. So its way is one of few
 * pages: constants are made on the stack, and the fork is the system call.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "workers/common/engine.h"

/*
 * A worker's: a login's channel and terminal come to its five. The kernel
 * also counts by this what a process has sent and nobody has taken yet, over
 * all processes of its user: one that was taken over could otherwise fill
 * queues with descriptors, until its zygote can pass none to the master.
 */
#define WORKER_FDS_MAX 16

struct engine_page *
engine_page(const struct engine *e, uint8_t number)
{
	return ((struct engine_page *)(void *)(e->pool.pages +
					       number * e->page_size));
}

/*
 * fork() without the C library's part: no handler of a library's has anything
 * to do in a process of one thread. What the library keeps of a thread's number
 * stays the zygote's, which it needs only for locks among threads.
 */
static pid_t
spawn_fork_bare(void)
{
	return ((pid_t)syscall(
	    SYS_clone, (unsigned long)SIGCHLD, 0ul, 0ul, 0ul, 0ul));
}

/* Nothing of the zygote's stays open, and no process can be made any more. */
static void
worker_confine(int connection, int master)
{
	const struct rlimit none = {0, 0};
	const struct rlimit few = {WORKER_FDS_MAX, WORKER_FDS_MAX};
	int ok = 1;

	if (connection < 0)
		close(WORKER_CONNECTION_FD);
	else
		ok = dup2(connection, WORKER_CONNECTION_FD) >= 0;
	ok = ok && dup2(master, WORKER_MASTER_FD) >= 0;
	ok = ok && close_range(WORKER_MASTER_FD + 1, ~0u, 0) == 0;
	/* The log is no stranger's: it takes what it is given as it is. */
	ok = ok && dup2(STDIN_FILENO, STDERR_FILENO) >= 0;
	ok = ok && setrlimit(RLIMIT_NPROC, &none) == 0;
	ok = ok && setrlimit(RLIMIT_NOFILE, &few) == 0;
	if (!ok)
		_exit(1);
	role_retitle_worker();
}

/* Serve, say what moved, and end: no exit handler of the zygote's runs. */
static void __attribute__((noreturn))
worker_serve(struct worker *w, int (*serve)(struct worker *))
{
	struct msg_stats stats = {.end_ = 0};
	int status = serve(w);

	/* The peer need not wait for our books and for the end of a process. */
	if (w->connection >= 0)
		close(w->connection);
	stats.bytes_in = w->bytes_in;
	stats.bytes_out = w->bytes_out;
	stats.why = (uint8_t)w->why;
	ipc_send(&w->master, MSG_STATS, &stats, NULL, 0);
	_exit(status);
}

/*
 * A worker forked ahead waits here, for its connection or for the end. Apart,
 * so that the message is not on the stack as long as the connection lasts.
 */
static void __attribute__((noinline))
spawn_pooled_wait(struct worker *w, struct engine_page *page)
{
	struct ipc_in in;

	if (ipc_recv(&w->master, &in) != 0 || in.type != MSG_ASSIGN)
		_exit(0); /* dismissed */
	atomic_store(&page->assigned, 1);
	w->session = in.msg.assign.session;
	w->peer = in.msg.assign.peer;
	w->local = in.msg.assign.local;
	w->connection = in.fds[0];
	w->began = time_boot_ns();
}

static void __attribute__((noreturn)) pooled_main(struct worker *w,
    int (*serve)(struct worker *), int master, struct engine_page *page)
{
	worker_confine(-1, master);
	w->master.fd = WORKER_MASTER_FD;
	spawn_pooled_wait(w, page);
	worker_serve(w, serve);
}

/* Too many live, and have for a while: sessions that last, not a peak. */
static bool
spawn_is_crowded(struct engine *e)
{
	uint64_t now;

	if (e->roster.live < ENGINE_LIVE_MAX) {
		e->crowded_since = 0;
		return (false);
	}
	now = time_boot_ns();
	if (e->crowded_since == 0)
		e->crowded_since = now;
	return (now - e->crowded_since >= ENGINE_CROWDED_MS * 1000000ull);
}

static void
spawn_count_fork(struct engine *e)
{
	e->pool.failed = false;
	if (++e->forks >= ENGINE_FORKS_MAX || spawn_is_crowded(e))
		engine_retire(e, false);
}

void
engine_failed(struct engine *e, uint32_t slot, uint64_t session, enum step step,
    int error)
{
	struct roster_worker *w;

	if (slot_reserve(e->slots, slot) == 0)
		slot_fail(e->slots, slot, step, error);
	w = roster_add(&e->roster, 0, ROSTER_SERVING);
	if (w == NULL)
		return; /* the slot tells it */
	w->slot = slot;
	w->session = session;
	w->how = ENDED_FAILED;
	w->step = (uint8_t)step;
	w->value = error > 255 ? 255 : error;
	roster_unlink(&e->roster, w);
	roster_queue(&e->roster, w);
	engine_flush(e);
}

void
engine_start(
    struct engine *e, const struct msg_start *start, int fds[3], int *error)
{
	int (*serve)(struct worker *) = e->ops->serve;
	struct worker worker = {.connection = WORKER_CONNECTION_FD,
	    .master = {WORKER_MASTER_FD, ROLE_WORKER, ROLE_MASTER, ST_UP},
	    .session = start->session,
	    .began = time_boot_ns(),
	    .peer = start->peer,
	    .local = start->local};
	int connection = fds[0], master = fds[1];
	struct roster_worker *w;
	pid_t pid;

	slot_claim(
	    e->slots, start->slot, start->session, &start->peer, worker.began);
	pid = spawn_fork_bare();
	if (pid == 0) {
		worker_confine(connection, master);
		worker_serve(&worker, serve);
	}
	if (pid < 0) {
		*error = errno;
		slot_fail(e->slots, start->slot, STEP_FORK, *error);
		return;
	}
	slot_started(e->slots, start->slot, pid);
	w = roster_add(&e->roster, pid, ROSTER_SERVING);
	if (w == NULL)
		bug("the roster is full after %u forks", e->forks);
	w->slot = start->slot;
	w->session = start->session;
	w->fd = fds[2];
	w->announced = 1;
	fds[2] = -1;
	spawn_count_fork(e);
}

bool
engine_pool_wanted(const struct engine *e)
{
	return (!engine_is_retired(e) && !e->pool.failed && e->slots != NULL &&
		e->master.fd >= 0 && e->roster.idle < e->pool.size &&
		e->roster.live < e->live_max);
}

static uint8_t
spawn_free_page(struct engine *e)
{
	for (uint8_t i = 0; i < ENGINE_POOL_MAX; i++) {
		if (!e->pool.page_used[i])
			return (i);
	}
	return (ROSTER_NO_PAGE);
}

/* The page is the one memory of the zygote's that its worker inherits. */
static pid_t
spawn_fork_pooled(struct engine *e, const int pair[2], uint8_t number)
{
	int (*serve)(struct worker *) = e->ops->serve;
	struct engine_page *page = engine_page(e, number);
	struct worker worker = {.connection = -1,
	    .master = {pair[1], ROLE_WORKER, ROLE_MASTER, ST_IDLE}};
	int master = pair[1];
	size_t size = e->page_size;
	pid_t pid;

	atomic_store(&page->assigned, 0);
	if (madvise(page, size, MADV_DOFORK) < 0)
		return (-1);
	pid = spawn_fork_bare();
	if (pid == 0)
		pooled_main(&worker, serve, master, page);
	/* The next fork would have it, too: there is none. */
	if (madvise(page, size, MADV_DONTFORK) < 0) {
		log_errno("a page of the pool stays shared; retiring");
		engine_retire(e, false);
	}
	return (pid);
}

/* Nobody waits for it; whoever comes is served by a fork on order. */
static void
spawn_pool_failed(struct engine *e)
{
	if (!e->pool.told)
		log_errno("cannot fork a worker ahead of time");
	e->pool.told = e->pool.failed = true;
}

void
engine_pool_refill(struct engine *e)
{
	uint8_t number = spawn_free_page(e);
	struct roster_worker *w;
	uint32_t i;
	uint64_t before = time_boot_ns();
	int pair[2];
	pid_t pid;

	if (number == ROSTER_NO_PAGE) {
		e->pool.failed = true;
		return;
	}
	if (fd_seqpacket_pair(pair) != 0) {
		spawn_pool_failed(e);
		return;
	}
	pid = spawn_fork_pooled(e, pair, number);
	fd_close(&pair[1]);
	if (pid < 0) {
		spawn_pool_failed(e);
		fd_close(&pair[0]);
		return;
	}
	e->pool.told = false;
	w = roster_add(&e->roster, pid, ROSTER_IDLE);
	if (w == NULL)
		bug("the roster is full after %u forks", e->forks);
	w->fd = pair[0];
	w->forked = before;
	w->page = number;
	e->pool.page_used[number] = true;
	i = (uint32_t)(w - e->roster.workers);
	if (!e->due.announce || e->due.announce_from > i)
		e->due.announce_from = i;
	e->due.announce = true;
	spawn_count_fork(e);
	engine_flush(e);
}
