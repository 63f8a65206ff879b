/*
 * The pool of idle workers of one zygote. Master only, unprivileged. An idle
 * worker has nothing to say but that it ends.
 */
#include <sys/socket.h>

#include <stdlib.h>

#include "lib/err.h"
#include "master/pool.h"
#include "master/worker.h"

#define POOL_MAX 64 /* MSG_MASTER_CHANNEL's most */

struct pooled {
	TAILQ_ENTRY(pooled) link;
	struct zygote *zygote;
	struct watch watch;
	struct ipc_channel channel;
	int32_t pid;
};

static void
pool_remove(struct pooled *p)
{
	TAILQ_REMOVE(&p->zygote->pool, p, link);
	p->zygote->pooled--;
	watch_remove(&p->zygote->master->watcher, &p->watch);
	ipc_channel_close(&p->channel);
	free(p);
}

/* It ended, or it was taken over: either way it gets no connection. */
static void
pool_ready(struct watch *w, uint32_t events)
{
	(void)events;
	pool_remove(CONTAINER_OF(w, struct pooled, watch));
}

int
pool_add(struct zygote *z, struct ipc_in *in)
{
	struct pooled *p;

	if (z->retired)
		return (0);
	if (z->pooled >= POOL_MAX)
		return (ERR_FULL);
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return (0); /* it is closed with the message, and ends */
	p->zygote = z;
	p->pid = in->msg.pooled.pid;
	p->channel.fd = in->fds[0];
	p->channel.self = ROLE_MASTER;
	p->channel.peer = ROLE_WORKER;
	p->channel.state = ST_IDLE;
	if (watch_add(&z->master->watcher, &p->watch, p->channel.fd, EPOLLIN,
		pool_ready) != 0) {
		free(p);
		return (0);
	}
	in->fds[0] = -1;
	TAILQ_INSERT_TAIL(&z->pool, p, link);
	z->pooled++;
	return (0);
}

int
pool_start_session(struct zygote *z, struct session *s)
{
	struct msg_pool_taken taken = {.slot = s->slot, .session = s->id,
	    .peer = s->peer, .local = s->local};
	struct msg_assign assign = {.session = s->id, .peer = s->peer,
	    .local = s->local};
	struct pooled *p = TAILQ_FIRST(&z->pool);
	int err;

	if (p == NULL)
		return (ERR_NOT_FOUND);
	taken.pid = p->pid;
	err = ipc_send(&z->channel, MSG_POOL_TAKEN, &taken, NULL, 0);
	if (err != 0)
		return (err);
	/*
	 * From here on it is the zygote's session. If the worker has just
	 * ended, the zygote says so, and the connection goes elsewhere.
	 */
	err = ipc_send(&p->channel, MSG_ASSIGN, &assign, &s->connection, 1);
	if (err == 0) {
		worker_attach(z->master, s, p->channel.fd, &p->watch);
		p->channel.fd = -1;
	} else {
		/* The zygote has a copy, so that a close is no end to it. */
		(void)shutdown(p->channel.fd, SHUT_RDWR);
	}
	s->undelivered = err != 0;
	pool_remove(p);
	return (0);
}

void
pool_close(struct zygote *z)
{
	struct pooled *p;

	while ((p = TAILQ_FIRST(&z->pool)) != NULL)
		pool_remove(p);
}
