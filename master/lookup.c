/*
 * The queue to lookup. Master only, unprivileged. Distrusts both sides: a
 * worker has one question open at most, lookup's answers go to the worker that
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
#define LOOKUP_AHEAD 8 /* sent and not answered; a power of two */
#define ANSWER_MS 2000 /* of silence, from lookup or for a new one */
#define STALLED_MS 500 /* for a worker to take an answer */
#define RETRY_MS 50    /* out of memory, before the next try */

TAILQ_HEAD(question_list, session);

struct lookup {
	struct ipc_channel channel;
	uv_poll_t *poll; /* NULL while there is no lookup */
	bool polled;
	uv_timer_t timer;
	uv_timer_t stalled;
	uv_timer_t retry;
	struct question_list queue;
	unsigned queued;
	/* What lookup was sent, by its number; NULL when its worker left. */
	struct session *sent[LOOKUP_AHEAD];
	uint32_t first; /* the number that is answered now */
	uint32_t next;	/* of the next question; `first` when none is sent */
	bool held;	/* `answer` waits for room at the first one's worker */
	struct msg_lookup_answer answer;
};

static void lookup_next(struct master *m);
static void lookup_poll(struct master *m, bool on);
static void lookup_rest(struct master *m);
static void lookup_stalled(uv_timer_t *timer);
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

/* The one way to a question's next state. */
static void
lookup_question(struct session *s, enum question_state state)
{
	s->question.state = state;
}

/* Where the question of that number is. */
static struct session **
lookup_sent(struct lookup *l, uint32_t number)
{
	return (&l->sent[number % LOOKUP_AHEAD]);
}

/* Who gets what lookup says now: NULL when nobody does. */
static struct session *
lookup_first(struct lookup *l)
{
	return (l->first == l->next ? NULL : *lookup_sent(l, l->first));
}

/* --- answers
 * ------------------------------------------------------------------- */

/* The first of them is done with. */
static void
lookup_pop(struct master *m)
{
	struct lookup *l = m->lookup;

	*lookup_sent(l, l->first) = NULL;
	if (++l->first == l->next)
		uv_timer_stop(&l->timer);
	else
		uv_timer_again(&l->timer);
	lookup_next(m);
}

/* An answer without pieces. */
static void
lookup_done(struct session *s, enum lookup_outcome outcome)
{
	static struct msg_lookup_answer done;

	done.request = s->question.request;
	done.found = (uint8_t)outcome;
	lookup_question(s, QUESTION_NONE);
	/* A worker that this does not reach asks again, and gives up in time.
	 */
	(void)ipc_send(&s->worker.channel, MSG_LOOKUP_ANSWER, &done, NULL, 0);
}

/* To its worker; false when there is no room. */
static bool
lookup_pass(
    struct lookup *l, struct session *s, struct msg_lookup_answer *answer)
{
	int err;

	answer->request = s->question.request;
	answer->error = 0;
	err = ipc_send(&s->worker.channel, MSG_LOOKUP_ANSWER, answer, NULL, 0);
	if (err == ERR_AGAIN || err == ERR_SHORT)
		return (false);
	if (err == 0 && answer->more) {
		lookup_question(s, QUESTION_BEGUN);
		return (true);
	}
	lookup_question(s, QUESTION_NONE);
	*lookup_sent(l, l->first) = NULL;
	return (true);
}

/* Without room at the worker lookup is not read until there is. */
static void
lookup_hold(
    struct master *m, struct session *s, const struct msg_lookup_answer *answer)
{
	struct lookup *l = m->lookup;

	l->answer = *answer;
	l->held = true;
	lookup_poll(m, false);
	watch_change(&m->watcher, &s->worker.watch, EPOLLIN | EPOLLOUT);
	uv_timer_start(&l->stalled, lookup_stalled, STALLED_MS, 0);
}

/* What was held has been passed on, or is nobody's now. */
static void
lookup_unhold(struct master *m, struct session *s)
{
	struct lookup *l = m->lookup;

	l->held = false;
	uv_timer_stop(&l->stalled);
	watch_change(&m->watcher, &s->worker.watch, EPOLLIN);
	lookup_poll(m, true);
}

static void
lookup_release(struct master *m, struct session *s)
{
	lookup_unhold(m, s);
	if (!m->lookup->answer.more)
		lookup_pop(m);
}

static void
lookup_stalled(uv_timer_t *timer)
{
	struct master *m = timer->data;
	struct session *s = lookup_first(m->lookup);

	if (s == NULL)
		return;
	/* The worker does not read. What it has is what it gets; the others
	 * wait no longer. */
	*lookup_sent(m->lookup, m->lookup->first) = NULL;
	lookup_done(s, LOOKUP_FOUND);
	lookup_release(m, s);
}

void
lookup_writable(struct master *m, struct session *s)
{
	struct lookup *l = m->lookup;
	struct session *first = lookup_first(l);

	if (l->held && first != NULL && first == s &&
	    lookup_pass(l, first, &l->answer))
		lookup_release(m, first);
}

/* --- lookup's side
 * ---------------------------------------------------------------- */

static void
lookup_closed(uv_handle_t *handle)
{
	free(handle);
}

/*
 * The question that a lookup died or hung with is put to one more; half an
 * answer is none.
 */
static void
lookup_blame(struct master *m, struct session *s)
{
	struct lookup *l = m->lookup;

	if (l->held)
		lookup_unhold(m, s);
	if (s->question.state != QUESTION_BEGUN && s->question.lost++ == 0)
		return;
	*lookup_sent(l, l->first) = NULL;
	resource_short_of(m, ROLE_LOOKUP, NULL, EPIPE);
	lookup_done(s, LOOKUP_LATER);
}

/* Its channel is of no use: what was sent is sent once more, to the next. */
static void
lookup_detach(struct master *m)
{
	struct lookup *l = m->lookup;
	struct session *s = lookup_first(l);

	if (l->poll == NULL)
		return;
	uv_close((uv_handle_t *)l->poll, lookup_closed);
	l->poll = NULL;
	l->polled = false;
	ipc_channel_close(&l->channel);
	if (s != NULL)
		lookup_blame(m, s);
	for (uint32_t i = l->next; i != l->first; i--) {
		s = *lookup_sent(l, i - 1);
		if (s == NULL)
			continue;
		lookup_question(s, QUESTION_QUEUED);
		TAILQ_INSERT_HEAD(&l->queue, s, question.link);
		l->queued++;
	}
	l->first = l->next;
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
	if (l->queued > 0)
		resource_short_of(m, ROLE_LOOKUP, NULL, ETIMEDOUT);
	while ((s = TAILQ_FIRST(&l->queue)) != NULL) {
		TAILQ_REMOVE(&l->queue, s, question.link);
		l->queued--;
		lookup_done(s, LOOKUP_LATER);
	}
}

static int
lookup_message(struct master *m, struct ipc_in *in)
{
	struct msg_lookup_answer *answer = &in->msg.lookup_answer;
	struct lookup *l = m->lookup;
	struct session *s = lookup_first(l);

	if (in->type != MSG_LOOKUP_ANSWER)
		return (ERR_TYPE);
	if (l->first == l->next || answer->request != l->first)
		return (ERR_VALUE);
	uv_timer_again(&l->timer);
	if (answer->error != 0)
		resource_short_of(m, ROLE_LOOKUP, NULL, (int)answer->error);
	if (s != NULL && !lookup_pass(l, s, answer))
		lookup_hold(m, s, answer);
	else if (!answer->more)
		lookup_pop(m);
	return (0);
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
	while (err == 0 && l->poll == poll && !l->held) {
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

	if (!m->lookup->held)
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
	struct msg_lookup_ask ask = {.request = l->next,
	    .what = s->question.what,
	    .details = s->question.details};
	int err;

	memcpy(ask.name, s->question.name, sizeof(ask.name));
	err = ipc_send(&l->channel, MSG_LOOKUP_ASK, &ask, NULL, 0);
	if (err != 0)
		return (err);
	TAILQ_REMOVE(&l->queue, s, question.link);
	l->queued--;
	lookup_question(s, QUESTION_SENT);
	*lookup_sent(l, l->next) = s;
	/* Repeating, so that uv_timer_again() may put it off. */
	if (l->first == l->next++)
		uv_timer_start(&l->timer, lookup_timeout, ANSWER_MS, ANSWER_MS);
	return (0);
}

/* Ask what waits, as far as it may be sent ahead. */
static void
lookup_next(struct master *m)
{
	struct lookup *l = m->lookup;
	struct session *s;
	int err = 0;

	while (err == 0 && l->poll != NULL &&
	       l->next - l->first < LOOKUP_AHEAD &&
	       (s = TAILQ_FIRST(&l->queue)) != NULL)
		err = lookup_send(m, s);
	if (err == ERR_AGAIN || err == ERR_SHORT)
		lookup_rest(m);
	else if (err != 0)
		lookup_lose(m, false);
	if (l->poll == NULL && l->queued > 0 &&
	    !uv_is_active((uv_handle_t *)&l->timer))
		uv_timer_start(&l->timer, lookup_timeout, ANSWER_MS, 0);
}

void
lookup_ask(
    struct master *m, struct session *s, const struct msg_lookup_ask *ask)
{
	struct lookup *l = m->lookup;

	/* Asked again, since an answer was long in coming: as one question. */
	s->question.request = ask->request;
	if (s->question.state != QUESTION_NONE)
		return;
	s->question.what = ask->what;
	s->question.details = ask->details;
	s->question.lost = 0;
	memcpy(s->question.name, ask->name, sizeof(s->question.name));
	if (l->queued >= QUEUE_MAX) {
		resource_short_of(m, ROLE_LOOKUP, NULL, EAGAIN);
		lookup_done(s, LOOKUP_LATER);
		return;
	}
	lookup_question(s, QUESTION_QUEUED);
	TAILQ_INSERT_TAIL(&l->queue, s, question.link);
	l->queued++;
	lookup_next(m);
}

/* Lookup goes on answering; nobody listens. */
static void
lookup_leave(struct master *m, struct session *s)
{
	struct lookup *l = m->lookup;
	bool held = l->held && lookup_first(l) == s;

	for (uint32_t i = l->first; i != l->next; i++) {
		if (*lookup_sent(l, i) == s)
			*lookup_sent(l, i) = NULL;
	}
	if (held)
		lookup_release(m, s);
}

void
lookup_cancel(struct master *m, struct session *s)
{
	struct lookup *l = m->lookup;
	enum question_state state = s->question.state;

	lookup_question(s, QUESTION_NONE);
	if (state == QUESTION_QUEUED) {
		TAILQ_REMOVE(&l->queue, s, question.link);
		l->queued--;
	} else if (state != QUESTION_NONE) {
		lookup_leave(m, s);
	}
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
