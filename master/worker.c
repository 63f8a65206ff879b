/*
 * Workers' messages. Master only, unprivileged. Distrusts every one of them.
 */
#include "master/worker.h"

#include <sys/socket.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/login.h"
#include "master/lookup.h"
#include "master/report.h"

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
	uv_prepare_t prepare;
	uv_timer_t timer;
} unwatched;

/* A worker has few things to say; more in a row is let wait. */
#define WORKER_MESSAGES 8

static void
worker_message(struct master *m, struct session *s, const struct ipc_in *in)
{
	switch (in->type) {
	case MSG_TRAFFIC:
		s->bytes_in = in->msg.traffic.bytes_in;
		s->bytes_out = in->msg.traffic.bytes_out;
		break;
	case MSG_STATS:
		s->bytes_in = in->msg.stats.bytes_in;
		s->bytes_out = in->msg.stats.bytes_out;
		s->why = in->msg.stats.why;
		s->finished = true;
		fd_close(&s->copy); /* or the peer would wait for ours */
		/* The last that it says: its end is the zygote's to tell. */
		watch_remove(&m->watcher, &s->watch);
		break;
	case MSG_VIOLATION:
		s->violation = in->msg.violation.syscall;
		break;
	case MSG_LOGIN_ASK:
		unwatched.asked = uv_now(&m->loop);
		login_ask(m, s, in->msg.login_ask.late != 0);
		break;
	case MSG_LOOKUP_ASK:
		unwatched.asked = uv_now(&m->loop);
		lookup_ask(m, s, &in->msg.lookup_ask);
		break;
	default:
		break; /* the permit table lets nothing else through */
	}
}

/* Not every worker has every question: what its service never asks. */
static int
worker_check(const struct session *s, enum msg_type type)
{
	const struct service_traits *traits = service_traits(s->service->kind);

	if ((type == MSG_LOGIN_ASK && traits->logins == 0) ||
	    (type == MSG_LOOKUP_ASK && !traits->lookup))
		return (ERR_SENDER);
	return (0);
}

/* 0 when there may be more. */
static int
worker_receive(struct master *m, struct session *s)
{
	struct ipc_in in;
	int err = ipc_recv_now(&s->channel, &in);

	if (err == 0) {
		err = worker_check(s, in.type);
		if (err == 0)
			worker_message(m, s, &in);
		ipc_in_close(&in);
	}
	if (err == 0)
		return (0);
	if (err == ERR_AGAIN)
		return (err);
	if (ipc_error_is_breach(err)) {
		log_info("the worker of session %llu of %s broke the message "
			 "catalogue: %s",
		    (unsigned long long)s->id, s->service->name, err_text(err));
		report_breach(m, s);
		/* The zygote has a copy, so that a close is no end to it. */
		(void)shutdown(s->channel.fd, SHUT_WR);
	}
	lookup_cancel(m, s);
	session_close_channel(m, s);
	return (err);
}

static void
worker_ready(struct watch *w, uint32_t events)
{
	struct session *s = CONTAINER_OF(w, struct session, watch);

	if ((events & EPOLLOUT) != 0)
		lookup_writable(s->master, s);
	/* One at a time: what is left makes it ready again. */
	if ((events & ~(uint32_t)EPOLLOUT) != 0)
		worker_receive(s->master, s);
}

void
worker_detach(struct master *m, struct session *s)
{
	watch_remove(&m->watcher, &s->watch);
	if (!s->unwatched)
		return;
	s->unwatched = false;
	TAILQ_REMOVE(&unwatched.list, s, unwatched_link);
}

static void
worker_watch_all(struct master *m)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&unwatched.list)) != NULL) {
		s->unwatched = false;
		TAILQ_REMOVE(&unwatched.list, s, unwatched_link);
		if (watch_add(&m->watcher, &s->watch, s->channel.fd, EPOLLIN,
			worker_ready) != 0)
			log_errno("the worker of session %llu cannot be heard",
			    (unsigned long long)s->id);
	}
}

static void
worker_watch_timer(uv_timer_t *timer)
{
	worker_watch_all(timer->data);
}

static void
worker_count(struct master *m)
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
worker_is_quiet(const struct master *m)
{
	if (unwatched.now + unwatched.before < LOAD_WORKERS)
		return (false);
	return (unwatched.asked == 0 ||
		uv_now(&m->loop) - unwatched.asked >= ASKING_MS);
}

static void
worker_prepare(uv_prepare_t *prepare)
{
	if (TAILQ_EMPTY(&unwatched.list))
		return;
	if (!worker_is_quiet(prepare->data))
		worker_watch_all(prepare->data);
	else if (!uv_is_active((uv_handle_t *)&unwatched.timer))
		uv_timer_start(
		    &unwatched.timer, worker_watch_timer, UNWATCHED_MS, 0);
}

int
worker_init(struct master *m)
{
	TAILQ_INIT(&unwatched.list);
	unwatched.prepare.data = unwatched.timer.data = m;
	if (uv_prepare_init(&m->loop, &unwatched.prepare) != 0 ||
	    uv_timer_init(&m->loop, &unwatched.timer) != 0 ||
	    uv_prepare_start(&unwatched.prepare, worker_prepare) != 0)
		return (ERR_SYSTEM);
	return (0);
}

void
worker_attach(struct master *m, struct session *s, int fd, struct watch *from)
{
	session_close_channel(m, s);
	s->channel.fd = fd;
	s->channel.self = ROLE_MASTER;
	s->channel.peer = ROLE_WORKER;
	s->channel.state = ST_UP;
	if (from != NULL &&
	    watch_move(&m->watcher, from, &s->watch, worker_ready) == 0)
		return;
	s->unwatched = true;
	TAILQ_INSERT_TAIL(&unwatched.list, s, unwatched_link);
	worker_count(m);
}

void
worker_drain(struct master *m, struct session *s)
{
	for (int i = 0; i < WORKER_MESSAGES && s->channel.fd >= 0; i++) {
		if (s->finished || worker_receive(m, s) != 0)
			return;
	}
}
