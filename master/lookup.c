/*
 * The queue to lookup. Master only, unprivileged. Distrusts both sides: a
 * worker has one question open at most, lookup's pieces go to the worker that
 * asked and to nobody else, and neither can keep the other waiting for long.
 */
#include "master/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "master/ask.h"
#include "master/resource.h"

#define QUEUE_MAX 256
#define ANSWER_MS 2000 /* of silence, from lookup or for a new one */
#define STALLED_MS 500 /* for a worker to take a piece */
#define RETRY_MS 50    /* out of memory, before the next try */

TAILQ_HEAD(ask_list, session);

struct lookup {
	struct ipc_channel channel;
	uv_poll_t *poll; /* NULL while there is no lookup */
	bool polled;
	uv_timer_t timer;
	uv_timer_t stalled;
	uv_timer_t retry;
	struct ask_list queue;
	unsigned queued;
	struct session *current; /* whose answer comes; NULL when it left */
	bool asked;		 /* lookup has a question */
	bool again;		 /* it was asked once before */
	uint32_t request;	 /* the master's own number of it */
	bool has_piece;		 /* waits for room at the worker */
	struct msg_lookup_piece piece;
};

static void lookup_next(struct master *m);
static void lookup_poll(struct master *m, bool on);
static void lookup_rest(struct master *m);
static void lookup_timeout(uv_timer_t *timer);

int
lookup_init(struct master *m)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return (ERR_NO_MEMORY);
	m->lookup = l;
	l->channel.fd = -1;
	TAILQ_INIT(&l->queue);
	l->timer.data = l->stalled.data = l->retry.data = m;
	uv_timer_init(&m->loop, &l->retry);
	uv_timer_init(&m->loop, &l->timer);
	uv_timer_init(&m->loop, &l->stalled);
	return (0);
}

/* --- answers
 * ------------------------------------------------------------------- */

static void
lookup_done(struct session *s, enum lookup_outcome outcome)
{
	struct msg_lookup_done done = {
	    .request = s->ask_request, .found = (uint8_t)outcome};

	s->ask = ASK_NONE;
	/* A worker that this does not reach asks again, and gives up in time.
	 */
	(void)ipc_send(&s->channel, MSG_LOOKUP_DONE, &done, NULL, 0);
}

/* The question being answered is settled, as far as its worker goes. */
static void
lookup_settle(struct master *m, enum lookup_outcome outcome)
{
	struct lookup *l = m->lookup;
	struct session *s = l->current;

	l->current = NULL;
	if (l->has_piece) {
		l->has_piece = false;
		uv_timer_stop(&l->stalled);
		lookup_poll(m, true);
		if (s != NULL)
			watch_change(&m->watcher, &s->watch, EPOLLIN);
	}
	if (s != NULL)
		lookup_done(s, outcome);
}

static void
lookup_stalled(uv_timer_t *timer)
{
	struct master *m = timer->data;

	/* The worker does not read. What it has is what it gets; the others
	 * wait no longer. */
	lookup_settle(m, LOOKUP_FOUND);
}

/* One piece to the worker; without room, lookup is not read until there is. */
static void
lookup_forward(struct master *m)
{
	struct lookup *l = m->lookup;
	struct session *s = l->current;
	int err;

	if (s == NULL)
		return;
	l->piece.request = s->ask_request;
	err = ipc_send(&s->channel, MSG_LOOKUP_PIECE, &l->piece, NULL, 0);
	if ((err == ERR_AGAIN || err == ERR_SHORT) && !l->has_piece) {
		l->has_piece = true;
		lookup_poll(m, false);
		watch_change(&m->watcher, &s->watch, EPOLLIN | EPOLLOUT);
		uv_timer_start(&l->stalled, lookup_stalled, STALLED_MS, 0);
	}
	if (err == 0)
		s->ask_pieces = true;
	if (err != 0 && err != ERR_AGAIN && err != ERR_SHORT)
		lookup_settle(m, LOOKUP_FOUND);
}

void
lookup_writable(struct master *m, struct session *s)
{
	struct lookup *l = m->lookup;

	if (l->current != s || !l->has_piece)
		return;
	if (ipc_send(&s->channel, MSG_LOOKUP_PIECE, &l->piece, NULL, 0) ==
	    ERR_AGAIN)
		return;
	s->ask_pieces = true;
	l->has_piece = false;
	uv_timer_stop(&l->stalled);
	watch_change(&m->watcher, &s->watch, EPOLLIN);
	lookup_poll(m, true);
}

/* --- lookup's side
 * ---------------------------------------------------------------- */

static void
lookup_closed(uv_handle_t *handle)
{
	free(handle);
}

/* Its channel is of no use: what was asked is asked once more, by the next. */
static void
lookup_detach(struct master *m)
{
	struct lookup *l = m->lookup;

	if (l->poll == NULL)
		return;
	uv_close((uv_handle_t *)l->poll, lookup_closed);
	l->poll = NULL;
	l->polled = false;
	ipc_channel_close(&l->channel);
	l->asked = false;
	if (l->current != NULL && (l->again || l->current->ask_pieces)) {
		/* Half an answer is none. */
		resource_short_of(m, ROLE_LOOKUP, NULL, EPIPE);
		lookup_settle(m, LOOKUP_LATER);
		l->again = false;
	} else {
		l->again = l->current != NULL;
	}
	uv_timer_start(&l->timer, lookup_timeout, ANSWER_MS, 0);
}

/* The monitor brings another channel, or, if it hangs, another lookup. */
static void
lookup_lose(struct master *m, bool hangs)
{
	lookup_detach(m);
	(void)ask_lookup(m, hangs);
}

/* Silence. What hangs in a lookup does not come back. */
static void
lookup_timeout(uv_timer_t *timer)
{
	struct master *m = timer->data;
	struct lookup *l = m->lookup;
	struct session *s;

	if (l->poll != NULL) {
		log_info("lookup does not answer; waiting for another one");
		lookup_lose(m, true);
		return;
	}
	/* No lookup came: everybody who waits is told that it is not known. */
	(void)ask_lookup(m, false);
	if (l->current != NULL || l->queued > 0)
		resource_short_of(m, ROLE_LOOKUP, NULL, ETIMEDOUT);
	lookup_settle(m, LOOKUP_LATER);
	l->again = false;
	while ((s = TAILQ_FIRST(&l->queue)) != NULL) {
		TAILQ_REMOVE(&l->queue, s, ask_link);
		l->queued--;
		lookup_done(s, LOOKUP_LATER);
	}
}

/* 0 when there may be more. */
static int
lookup_message(struct master *m, const struct ipc_in *in)
{
	struct lookup *l = m->lookup;

	switch (in->type) {
	case MSG_LOOKUP_PIECE:
		if (in->msg.lookup_piece.request != l->request)
			return (ERR_VALUE);
		uv_timer_again(&l->timer);
		l->piece = in->msg.lookup_piece;
		lookup_forward(m);
		return (0);
	case MSG_LOOKUP_DONE:
		if (in->msg.lookup_done.request != l->request)
			return (ERR_VALUE);
		uv_timer_stop(&l->timer);
		l->asked = l->again = false;
		if (in->msg.lookup_done.error != 0)
			resource_short_of(m, ROLE_LOOKUP, NULL,
			    (int)in->msg.lookup_done.error);
		lookup_settle(
		    m, (enum lookup_outcome)in->msg.lookup_done.found);
		lookup_next(m);
		return (0);
	default:
		return (ERR_TYPE);
	}
}

static void
lookup_ready(uv_poll_t *poll, int status, int events)
{
	struct master *m = poll->data;
	struct lookup *l = m->lookup;
	struct ipc_in in;
	int err = 0;

	(void)status;
	(void)events;
	while (err == 0 && l->poll == poll && !l->has_piece) {
		err = ipc_recv_now(&l->channel, &in);
		if (err == 0) {
			err = lookup_message(m, &in);
			ipc_in_close(&in);
		}
	}
	if (err == 0 || err == ERR_AGAIN)
		return;
	if (err == ERR_SHORT) {
		lookup_rest(m);
		return;
	}
	if (err != ERR_CLOSED)
		log_info("the channel to lookup: %s", err_text(err));
	lookup_lose(m, err != ERR_CLOSED && err != ERR_SYSTEM);
}

static void
lookup_rested(uv_timer_t *timer)
{
	struct master *m = timer->data;

	if (!m->lookup->has_piece)
		lookup_poll(m, true);
	lookup_next(m);
}

/* Out of memory: neither read nor asked for a moment. */
static void
lookup_rest(struct master *m)
{
	resource_short(m, NULL, errno);
	lookup_poll(m, false);
	uv_timer_start(&m->lookup->retry, lookup_rested, RETRY_MS, 0);
}

static void
lookup_poll(struct master *m, bool on)
{
	struct lookup *l = m->lookup;

	if (l->poll == NULL || l->polled == on)
		return;
	l->polled = on;
	if (on)
		uv_poll_start(l->poll, UV_READABLE, lookup_ready);
	else
		uv_poll_stop(l->poll);
}

/* --- questions
 * --------------------------------------------------------------------- */

static int
lookup_send(struct master *m, struct session *s)
{
	struct lookup *l = m->lookup;
	struct msg_lookup_ask ask = {
	    .what = s->ask_what, .details = s->ask_details};
	int err;

	ask.request = ++l->request;
	memcpy(ask.name, s->ask_name, sizeof(ask.name));
	err = ipc_send(&l->channel, MSG_LOOKUP_ASK, &ask, NULL, 0);
	if (err != 0)
		return (err);
	s->ask_pieces = false;
	l->asked = true;
	/* Repeating, so that uv_timer_again() may put it off. */
	uv_timer_start(&l->timer, lookup_timeout, ANSWER_MS, ANSWER_MS);
	return (0);
}

/* Ask the next question, if lookup is free. */
static void
lookup_next(struct master *m)
{
	struct lookup *l = m->lookup;
	struct session *s;
	int err;

	if (l->asked)
		return;
	if (l->current == NULL) {
		s = TAILQ_FIRST(&l->queue);
		if (s == NULL)
			return;
		if (l->poll == NULL) {
			if (!uv_is_active((uv_handle_t *)&l->timer))
				uv_timer_start(
				    &l->timer, lookup_timeout, ANSWER_MS, 0);
			return;
		}
		TAILQ_REMOVE(&l->queue, s, ask_link);
		l->queued--;
		s->ask = ASK_SENT;
		l->current = s;
	}
	if (l->poll == NULL)
		return;
	err = lookup_send(m, l->current);
	if (err == ERR_AGAIN || err == ERR_SHORT)
		lookup_rest(m);
	else if (err != 0)
		lookup_lose(m, false);
}

void
lookup_ask(
    struct master *m, struct session *s, const struct msg_lookup_ask *ask)
{
	struct lookup *l = m->lookup;

	/* Asked again, since an answer was long in coming: as one question. */
	s->ask_request = ask->request;
	if (s->ask != ASK_NONE)
		return;
	s->ask_what = ask->what;
	s->ask_details = ask->details;
	memcpy(s->ask_name, ask->name, sizeof(s->ask_name));
	if (l->queued >= QUEUE_MAX) {
		resource_short_of(m, ROLE_LOOKUP, NULL, EAGAIN);
		lookup_done(s, LOOKUP_LATER);
		return;
	}
	s->ask = ASK_QUEUED;
	TAILQ_INSERT_TAIL(&l->queue, s, ask_link);
	l->queued++;
	lookup_next(m);
}

void
lookup_cancel(struct master *m, struct session *s)
{
	struct lookup *l = m->lookup;

	if (s->ask == ASK_NONE)
		return;
	if (s->ask == ASK_QUEUED) {
		TAILQ_REMOVE(&l->queue, s, ask_link);
		l->queued--;
	} else if (l->current == s) {
		/* Lookup goes on answering; nobody listens. */
		l->current = NULL;
		if (l->has_piece) {
			l->has_piece = false;
			uv_timer_stop(&l->stalled);
			lookup_poll(m, true);
		}
	}
	s->ask = ASK_NONE;
}

void
lookup_attach(struct master *m, int fd)
{
	struct lookup *l = m->lookup;

	lookup_detach(m);
	l->poll = malloc(sizeof(*l->poll));
	if (l->poll == NULL || uv_poll_init(&m->loop, l->poll, fd) != 0) {
		log_warn("no memory for the channel to lookup");
		free(l->poll);
		l->poll = NULL;
		close(fd);
		/* It is asked for again when this is over. */
		uv_timer_start(&l->timer, lookup_timeout, ANSWER_MS, 0);
		return;
	}
	l->poll->data = m;
	ipc_channel_init(&l->channel, fd, ROLE_MASTER, ROLE_LOOKUP, ST_UP);
	lookup_poll(m, true);
	uv_timer_stop(&l->timer);
	lookup_next(m);
}
