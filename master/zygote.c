/*
 * What zygotes say, and what becomes of their sessions. Master only,
 * unprivileged. A channel that fails is replaced by the monitor, which also
 * says when a zygote has ended; one that breaks the catalogue gets no other.
 */
#include "master/zygote.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/accept.h"
#include "master/dispatch.h"
#include "master/ending.h"
#include "master/hear.h"
#include "master/pool.h"
#include "master/reconcile.h"
#include "master/report.h"
#include "master/resource.h"
#include "master/state.h"
#include "master/workers.h"
#include "master/zygote_end.h"
#include "master/zygotes.h"

#define RECEIVE_BATCH 64
#define DRAIN_MOST 65536

/* Out of memory: so long the channel is not read. */
#define REST_MS 50

static void zygote_ready(uv_poll_t *poll, int status, int events);
static int zygote_receive(struct zygote *z);

/* --- its end
 * ------------------------------------------------------------------ */

static void
zygote_freed(uv_handle_t *handle)
{
	struct zygote *z = handle->data;

	slot_table_unmap(z->table);
	free(z);
}

/* Every session that it had is over, by its table or by its own death. */
static void
zygote_end_sessions(struct zygote *z)
{
	struct session_end end;
	struct session *s;

	while ((s = TAILQ_FIRST(&z->sessions)) != NULL) {
		if (s->state == SESSION_UNDELIVERED) {
			dispatch_again(z->master, s);
			continue;
		}
		session_in_table(s, z->table, &end);
		if (end.how == ENDED_UNKNOWN) {
			end.how = ENDED_SIGNAL;
			end.value = SIGKILL;
		}
		/* It was not the worker that failed. */
		s->clearing = true;
		ending_session(z->master, s, &end);
	}
	zygote_reconcile(z);
}

void
zygote_gone(struct master *m, uint32_t instance)
{
	struct zygote *z = zygote_by_instance(m, instance);

	if (z == NULL)
		return;
	zygote_change(z, ZYGOTE_GOES);
	for (int i = 0; i < DRAIN_MOST && zygote_receive(z) == 0; i++)
		continue;
	zygote_lose(z, false);
	zygote_retire(z);
	zygote_end_sessions(z);
	TAILQ_REMOVE(&m->zygotes->all, z, link);
	uv_close((uv_handle_t *)&z->timer, zygote_freed);
}

void
zygote_silent(struct master *m, uint32_t instance)
{
	struct zygote *z = zygote_by_instance(m, instance);

	if (z != NULL)
		zygote_retire(z);
}

/* --- what it says
 * --------------------------------------------------------------- */

/* The session that a message is about; NULL when it is none of the books. */
static struct session *
zygote_session(struct zygote *z, uint32_t slot, uint64_t id)
{
	struct session *s = session_by_slot(z->master, slot);

	return (s != NULL && s->id == id ? s : NULL);
}

static bool
zygote_owns(const struct zygote *z, const struct session *s)
{
	return (s->zygote == z ||
		(s->state == SESSION_INHERITED && s->instance == z->instance));
}

/*
 * How a user's session ended, the monitor has said before the worker could
 * end; but this channel may have been read first.
 */
static bool
zygote_awaits_exit(struct zygote *z, const struct session *s)
{
	return (s->service->builtin && s->exit_how == ENDED_UNKNOWN &&
		(s->login_asks > 0 ||
		    state_login_user(z->master->state, s->slot)[0] != '\0'));
}

static int
zygote_ended(struct zygote *z, const struct msg_ended *msg)
{
	struct session *s = zygote_session(z, msg->slot, msg->session);
	struct session_end end = {.how = msg->how,
	    .value = msg->value,
	    .pid = msg->pid,
	    .killed = msg->killed,
	    .timed_out = msg->timed_out != 0,
	    .step = msg->step};

	if (s != NULL && zygote_awaits_exit(z, s)) {
		hear_monitor(z->master);
		s = zygote_session(z, msg->slot, msg->session);
	}
	if (s == NULL)
		return (0);
	if (!zygote_owns(z, s))
		return (ERR_VALUE);
	if (s->state == SESSION_UNDELIVERED) {
		dispatch_again(z->master, s);
		return (0);
	}
	/* Its worker had its connection: how it ended, nobody has seen. */
	if (s->pool_pid != 0 && end.how == ENDED_FAILED && end.value == ESRCH)
		end.how = ENDED_UNKNOWN;
	ending_session(z->master, s, &end);
	return (0);
}

static int
zygote_returned(struct zygote *z, struct ipc_in *in)
{
	const struct msg_returned *msg = &in->msg.returned;
	struct session *s = zygote_session(z, msg->slot, msg->session);

	/* It starts nothing any more; the monitor brings another. */
	if (msg->error == 0)
		zygote_retire(z);
	if (s == NULL)
		return (0);
	if (!zygote_owns(z, s))
		return (ERR_VALUE);
	workers_close(z->master, s);
	fd_close(&s->connection);
	fd_close(&s->copy);
	s->pool_pid = 0;
	s->connection = in->fds[0];
	in->fds[0] = -1;
	if (msg->error != 0 && s->holds_listener)
		dispatch_undo(z->master, s, msg->error, (enum step)msg->step);
	else if (msg->error != 0)
		accept_undo(z->master, s, msg->error, (enum step)msg->step);
	else
		dispatch_again(z->master, s);
	return (0);
}

static int
zygote_worker_channel(struct zygote *z, struct ipc_in *in)
{
	const struct msg_worker_channel *msg = &in->msg.worker_channel;
	struct session *s = zygote_session(z, msg->slot, msg->session);
	struct msg_dismiss dismiss = {.end_ = 0};
	bool new;

	if (s == NULL)
		return (0);
	if (!zygote_owns(z, s))
		return (ERR_VALUE);
	new = s->worker.channel.fd < 0;
	workers_attach(z->master, s, in->fds[0], NULL);
	in->fds[0] = -1;
	/* Its first master may have died before it gave the connection. */
	if (new)
		(void)ipc_send(
		    &s->worker.channel, MSG_DISMISS, &dismiss, NULL, 0);
	return (0);
}

static void
zygote_attached(struct zygote *z)
{
	struct service *sv = z->service;

	zygote_change(z, ZYGOTE_ATTACHES);
	zygote_reconcile(z);
	if (z->state != ZYGOTE_SETTLING)
		return;
	zygote_reconcile_own(z);
	if (z->state != ZYGOTE_SETTLING)
		return;
	zygote_change(z, ZYGOTE_SETTLES);
	if (sv == NULL)
		return;
	dispatch_held(z->master, sv);
	service_unblock(z->master, sv, BLOCK_ZYGOTE);
}

/*
 * Its descriptors found no room here. Of a worker forked ahead that is one
 * worker less; a connection that was to come back is lost.
 */
static int
zygote_cut(struct zygote *z, const struct ipc_in *in)
{
	struct session_end end = {
	    .how = ENDED_FAILED, .value = EMFILE, .step = STEP_RECEIVE};
	struct session *s;

	resource_short(z->master, NULL, EMFILE);
	if (in->type != MSG_RETURNED)
		return (0);
	zygote_retire(z);
	s = zygote_session(z, in->msg.returned.slot, in->msg.returned.session);
	if (s != NULL && zygote_owns(z, s))
		ending_session(z->master, s, &end);
	return (0);
}

static int
zygote_message(struct zygote *z, struct ipc_in *in)
{
	switch (in->type) {
	case MSG_ATTACHED:
		if (in->msg.attached.instance != z->instance)
			return (ERR_VALUE);
		zygote_attached(z);
		return (0);
	case MSG_RETIRED:
		zygote_retire(z);
		return (0);
	case MSG_WORKER_CHANNEL:
		return (zygote_worker_channel(z, in));
	case MSG_POOLED:
		return (pool_add(z, in));
	case MSG_ENDED:
		return (zygote_ended(z, &in->msg.ended));
	case MSG_RETURNED:
		return (zygote_returned(z, in));
	default:
		return (ERR_TYPE);
	}
}

static void
zygote_rested(uv_timer_t *timer)
{
	struct zygote *z = timer->data;

	z->rests = false;
	uv_poll_start(
	    z->poll, UV_READABLE | (z->full ? UV_WRITABLE : 0), zygote_ready);
}

static void
zygote_rest(struct zygote *z)
{
	resource_short(z->master, NULL, errno);
	z->rests = true;
	uv_poll_stop(z->poll);
	uv_timer_start(&z->timer, zygote_rested, REST_MS, 0);
}

/* One message; its error, if any, has been dealt with. */
static int
zygote_receive(struct zygote *z)
{
	struct ipc_in in;
	int err;

	if (z->poll == NULL)
		return (ERR_CLOSED);
	err = ipc_recv_now(&z->channel, &in);
	if (err == 0) {
		err = zygote_message(z, &in);
		ipc_in_close(&in);
	} else if (err == ERR_SHORT && in.type != MSG_COUNT) {
		err = zygote_cut(z, &in);
	}
	if (err == 0 || err == ERR_AGAIN)
		return (err);
	if (err == ERR_SHORT && z->state != ZYGOTE_GONE) {
		zygote_rest(z);
		return (err);
	}
	if (err != ERR_CLOSED)
		log_info(
		    "the channel to zygote %u: %s", z->instance, err_text(err));
	zygote_lose(z, ipc_error_is_breach(err) || err == ERR_FULL);
	return (err);
}

/*
 * As many messages as came the last time and one more: what is left makes the
 * channel readable again, and no call is spent on finding it empty.
 */
static void
zygote_receive_batch(struct zygote *z)
{
	unsigned n = 0;

	while (n < z->batch && zygote_receive(z) == 0)
		n++;
	if (n < z->batch)
		z->batch = n > 0 ? n : 1;
	else if (z->batch < RECEIVE_BATCH)
		z->batch++;
}

static void
zygote_ready(uv_poll_t *poll, int status, int events)
{
	struct zygote *z = poll->data;

	if (z->poll != poll)
		return;
	if (status != 0) {
		/*
		 * It ended with messages unread; libuv has stopped the handle.
		 * What it had said is heard to the end.
		 */
		while (zygote_receive(z) == 0)
			continue;
		if (!z->rests)
			zygote_lose(z, false);
		return;
	}
	if ((events & UV_READABLE) != 0)
		zygote_receive_batch(z);
	if (z->poll == NULL || (events & UV_WRITABLE) == 0)
		return;
	zygote_want_room(z, false);
	if (z->service != NULL)
		dispatch_held(z->master, z->service);
}

void
zygotes_drain(struct master *m)
{
	struct zygote *z, *next;

	for (z = TAILQ_FIRST(&m->zygotes->all); z != NULL; z = next) {
		next = TAILQ_NEXT(z, link);
		for (int i = 0; i < DRAIN_MOST && zygote_receive(z) == 0; i++)
			continue;
	}
}

/* --- a new one
 * -------------------------------------------------------------------- */

/* Its channel from now on; the old one's last words have been heard. */
static int
zygote_join(struct zygote *z, int fd, enum zygote_event event)
{
	uv_poll_t *poll = malloc(sizeof(*poll));

	if (poll == NULL || uv_poll_init(&z->master->loop, poll, fd) != 0) {
		free(poll);
		return (ERR_NO_MEMORY);
	}
	poll->data = z;
	z->ready = zygote_ready;
	z->poll = poll;
	ipc_channel_init(&z->channel, fd, ROLE_MASTER, ROLE_ZYGOTE, ST_UP);
	if (uv_poll_start(poll, UV_READABLE, zygote_ready) != 0) {
		z->channel.fd = -1;
		zygote_hang_up(z);
		return (ERR_SYSTEM);
	}
	zygote_change(z, event);
	return (0);
}

static struct zygote *
zygote_make(struct master *m, const struct msg_zygote *msg, int table)
{
	struct zygote *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return (NULL);
	z->table = slot_table_map(table, 0);
	if (z->table == NULL) {
		free(z);
		return (NULL);
	}
	z->channel.fd = -1;
	z->batch = 1;
	z->timer.data = z;
	uv_timer_init(&m->loop, &z->timer);
	z->master = m;
	z->instance = msg->instance;
	z->retired = msg->retired != 0;
	zygote_change(z, ZYGOTE_BEGINS);
	TAILQ_INIT(&z->sessions);
	TAILQ_INSERT_TAIL(&m->zygotes->all, z, link);
	return (z);
}

/* Another channel to one that is known: both sides say what they have. */
static void
zygote_rejoin(struct zygote *z, const struct msg_zygote *msg, int channel)
{
	if (msg->retired)
		zygote_retire(z);
	for (int i = 0; i < DRAIN_MOST && zygote_receive(z) == 0; i++)
		continue;
	if (z->poll != NULL)
		zygote_change(z, ZYGOTE_LOSES);
	zygote_hang_up(z);
	pool_forget(z);
	z->rejoined = true;
	if (z->service != NULL)
		service_block(z->master, z->service, BLOCK_ZYGOTE);
	if (z->state != ZYGOTE_BROKEN &&
	    zygote_join(z, channel, ZYGOTE_REJOINS) == 0) {
		uv_timer_stop(&z->timer);
		return;
	}
	fd_close(&channel);
	zygote_await(z);
}

int
zygote_add(
    struct master *m, const struct msg_zygote *msg, int channel, int table)
{
	struct service *sv = service_by_number(m, msg->service);
	struct zygote *z = zygote_by_instance(m, msg->instance);

	if (z != NULL) {
		fd_close(&table);
		zygote_rejoin(z, msg, channel);
		return (0);
	}
	if (sv != NULL || msg->retired)
		z = zygote_make(m, msg, table);
	fd_close(&table);
	if (z == NULL) {
		fd_close(&channel);
		return (sv == NULL && !msg->retired ? ERR_NOT_FOUND
						    : ERR_NO_MEMORY);
	}
	if (zygote_join(z, channel, ZYGOTE_JOINS) != 0) {
		fd_close(&channel);
		zygote_await(z);
	}
	if (sv == NULL || z->retired)
		return (0);
	if (sv->zygote != NULL)
		zygote_retire(sv->zygote);
	z->service = sv;
	sv->zygote = z;
	if (z->poll == NULL)
		return (0);
	dispatch_held(m, sv);
	service_unblock(m, sv, BLOCK_ZYGOTE);
	return (0);
}
