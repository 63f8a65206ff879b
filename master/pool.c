/*
 * The pool of idle workers of one zygote. Master only, unprivileged. An idle
 * worker has nothing to say but that it ends.
 */
#include "master/pool.h"

#include <sys/socket.h>

#include <stdlib.h>

#include "lib/err.h"
#include "master/workers.h"

struct pooled {
	struct zygote *zygote;
	unsigned at; /* in the zygote's pool */
	struct watch watch;
	struct ipc_channel channel;
	int32_t pid;
};

/* end: it gets no connection, and is to know. */
static void
pool_remove(struct pooled *p, bool end)
{
	struct zygote *z = p->zygote;
	struct pooled *last = z->pool[--z->pooled];

	last->at = p->at;
	z->pool[p->at] = last;
	watch_remove(&z->master->watcher, &p->watch);
	/* The zygote has a copy, so that a close is no end to it. */
	if (end && p->channel.fd >= 0)
		(void)shutdown(p->channel.fd, SHUT_WR);
	ipc_channel_close(&p->channel);
	free(p);
}

/* It ended, or it was taken over: either way it gets no connection. */
static void
pool_ready(struct watch *w, uint32_t events)
{
	(void)events;
	pool_remove(CONTAINER_OF(w, struct pooled, watch), true);
}

/*
 * A zygote that lost a POOL_TAKEN with its channel tells a worker again that
 * has its connection already.
 */
static bool
pool_is_taken(const struct zygote *z, int32_t pid)
{
	const struct session *s;

	TAILQ_FOREACH (s, &z->sessions, link) {
		if (s->pool_pid == pid)
			return (true);
	}
	return (false);
}

int
pool_add(struct zygote *z, struct ipc_in *in)
{
	struct pooled *p;

	if (z->rejoined && pool_is_taken(z, in->msg.pooled.pid))
		return (0);
	if (z->retired) {
		(void)shutdown(in->fds[0], SHUT_WR);
		return (0);
	}
	if (z->pooled >= POOL_MAX)
		return (ERR_FULL);
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		(void)shutdown(in->fds[0], SHUT_WR);
		return (0);
	}
	p->zygote = z;
	p->pid = in->msg.pooled.pid;
	ipc_channel_init(
	    &p->channel, in->fds[0], ROLE_MASTER, ROLE_WORKER, ST_IDLE);
	if (watch_add(&z->master->watcher, &p->watch, p->channel.fd, EPOLLIN,
		pool_ready) != 0) {
		(void)shutdown(p->channel.fd, SHUT_WR);
		free(p);
		return (0);
	}
	in->fds[0] = -1;
	p->at = z->pooled;
	z->pool[z->pooled++] = p;
	return (0);
}

/* That worker has this session, or is about to. */
static int
pool_tell_taken(struct zygote *z, const struct session *s, int32_t pid)
{
	struct msg_pool_taken taken = {.pid = pid,
	    .slot = s->slot,
	    .session = s->id,
	    .peer = s->peer,
	    .local = s->local};

	return (ipc_send(&z->channel, MSG_POOL_TAKEN, &taken, NULL, 0));
}

int
pool_take_again(struct zygote *z, const struct session *s)
{
	return (pool_tell_taken(z, s, s->pool_pid));
}

int
pool_start_session(struct zygote *z, struct session *s, bool *delivered)
{
	struct msg_assign assign = {
	    .session = s->id, .peer = s->peer, .local = s->local};
	struct pooled *p;
	int err;

	if (z->pooled == 0)
		return (ERR_NOT_FOUND);
	p = z->pool[z->pooled - 1];
	err = pool_tell_taken(z, s, p->pid);
	if (err != 0)
		return (err);
	/*
	 * From here on it is the zygote's session. If the worker has just
	 * ended, the zygote says so, and the connection goes elsewhere.
	 */
	err = ipc_send(&p->channel, MSG_ASSIGN, &assign, &s->connection, 1);
	if (err == 0) {
		workers_attach(z->master, s, p->channel.fd, &p->watch);
		p->channel.fd = -1;
	}
	*delivered = err == 0;
	s->pool_pid = p->pid;
	pool_remove(p, true);
	return (0);
}

void
pool_close(struct zygote *z)
{
	while (z->pooled > 0)
		pool_remove(z->pool[z->pooled - 1], true);
}

void
pool_forget(struct zygote *z)
{
	while (z->pooled > 0)
		pool_remove(z->pool[z->pooled - 1], false);
}
