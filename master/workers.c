/*
 * The channels to workers, and when each is watched. Master only,
 * unprivileged. What is read from them is worker.c's.
 */
#include "master/workers.h"

#include "lib/err.h"
#include "lib/log.h"

/*
 * Under load most workers end before they have asked anything, and then their
 * channels need no watching: what they said is read when the zygote tells the
 * end. So while as many as this start in a window, watching waits a little.
 */
#define LOAD_WINDOW_MS 16
#define LOAD_WORKERS 8
#define UNWATCHED_MS 8

/*
 * Not where workers do ask: for a while after a question they are heard at
 * once, or 16 peers at a time would wait for the timer in turn.
 */
#define ASKING_MS 1000

TAILQ_HEAD(unwatched_list, session);

static struct {
	struct unwatched_list list;
	uint64_t window;      /* uv_now() / LOAD_WINDOW_MS */
	unsigned now, before; /* workers of this window, and of the last */
	uint64_t asked;	      /* uv_now() of the last question; 0 never */
	void (*ready)(struct watch *w, uint32_t events);
	uv_prepare_t prepare;
	uv_timer_t timer;
} unwatched;

void
workers_detach(struct master *m, struct session *s)
{
	watch_remove(&m->watcher, &s->worker.watch);
	if (!s->worker.unwatched)
		return;
	s->worker.unwatched = false;
	TAILQ_REMOVE(&unwatched.list, s, worker.unwatched_link);
}

void
workers_close(struct master *m, struct session *s)
{
	workers_detach(m, s);
	ipc_channel_close(&s->worker.channel);
}

static void
workers_watch_all(struct master *m)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&unwatched.list)) != NULL) {
		s->worker.unwatched = false;
		TAILQ_REMOVE(&unwatched.list, s, worker.unwatched_link);
		if (watch_add(&m->watcher, &s->worker.watch,
			s->worker.channel.fd, EPOLLIN, unwatched.ready) != 0)
			log_errno("cannot read from the worker of session %llu",
			    (unsigned long long)s->id);
	}
}

static void
workers_watch_timer(uv_timer_t *timer)
{
	workers_watch_all(timer->data);
}

static void
workers_count(struct master *m)
{
	uint64_t window = uv_now(&m->loop) / LOAD_WINDOW_MS;

	if (window != unwatched.window) {
		unwatched.before =
		    window == unwatched.window + 1 ? unwatched.now : 0;
		unwatched.now = 0;
		unwatched.window = window;
	}
	unwatched.now++;
}

/* Whether a worker that starts now is likely to end without a question. */
static bool
workers_is_quiet(const struct master *m)
{
	if (unwatched.now + unwatched.before < LOAD_WORKERS)
		return (false);
	return (unwatched.asked == 0 ||
		uv_now(&m->loop) - unwatched.asked >= ASKING_MS);
}

static void
workers_prepare(uv_prepare_t *prepare)
{
	if (TAILQ_EMPTY(&unwatched.list))
		return;
	if (!workers_is_quiet(prepare->data))
		workers_watch_all(prepare->data);
	else if (!uv_is_active((uv_handle_t *)&unwatched.timer))
		uv_timer_start(
		    &unwatched.timer, workers_watch_timer, UNWATCHED_MS, 0);
}

int
workers_init(struct master *m, void (*ready)(struct watch *w, uint32_t events))
{
	unwatched.ready = ready;
	TAILQ_INIT(&unwatched.list);
	unwatched.prepare.data = unwatched.timer.data = m;
	if (uv_prepare_init(&m->loop, &unwatched.prepare) != 0 ||
	    uv_timer_init(&m->loop, &unwatched.timer) != 0 ||
	    uv_prepare_start(&unwatched.prepare, workers_prepare) != 0)
		return (ERR_SYSTEM);
	return (0);
}

void
workers_asked(struct master *m)
{
	unwatched.asked = uv_now(&m->loop);
}

void
workers_attach(struct master *m, struct session *s, int fd, struct watch *from)
{
	workers_close(m, s);
	ipc_channel_init(
	    &s->worker.channel, fd, ROLE_MASTER, ROLE_WORKER, ST_UP);
	if (from != NULL && watch_move(&m->watcher, from, &s->worker.watch,
				unwatched.ready) == 0)
		return;
	s->worker.unwatched = true;
	TAILQ_INSERT_TAIL(&unwatched.list, s, worker.unwatched_link);
	workers_count(m);
}
