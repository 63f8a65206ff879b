/*
 * What zygotes say, and what becomes of their sessions. Master only,
 * unprivileged. A zygote that breaks the catalogue loses its channel; it ends
 * then, and the monitor starts another.
 */
#include "master/zygote.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/dispatch.h"
#include "master/monitor.h"
#include "master/pool.h"
#include "master/report.h"
#include "master/state.h"
#include "master/worker.h"
#include "master/zygote_private.h"

#define RECEIVE_BATCH 64
#define DRAIN_MOST 65536

/*
 * Between a zygote's end and that of its sessions in the books. When the
 * monitor dies the zygotes go too, and their programs stay for the next
 * daemon: the master, which goes as well, must not close them.
 */
#define LOST_MS 250

int
zygotes_init(struct master *m)
{
	m->zygotes = calloc(1, sizeof(*m->zygotes));
	if (m->zygotes == NULL)
		return (ERR_NO_MEMORY);
	TAILQ_INIT(&m->zygotes->all);
	return (0);
}

uint32_t
zygote_instance(const struct zygote *z)
{
	return (z->instance);
}

const struct slot_table *
zygote_table(const struct zygote *z)
{
	return (z->table);
}

void
zygote_add_session(struct zygote *z, struct session *s)
{
	TAILQ_INSERT_TAIL(&z->sessions, s, link);
}

void
zygote_remove_session(struct zygote *z, struct session *s)
{
	TAILQ_REMOVE(&z->sessions, s, link);
}

/* --- its end
 * ------------------------------------------------------------------ */

static void
zygote_closed(uv_handle_t *handle)
{
	struct zygote *z = handle->data;

	if (--z->handles == 0)
		free(z);
}

static void
zygote_free(struct zygote *z)
{
	TAILQ_REMOVE(&z->master->zygotes->all, z, link);
	slot_table_unmap(z->table);
	z->table = NULL;
	uv_close((uv_handle_t *)&z->lost_timer, zygote_closed);
}

/* Every session that it had is over, by its table or by its own death. */
static void
zygote_end_sessions(struct zygote *z)
{
	struct session_end end;
	struct session *s;

	while ((s = TAILQ_FIRST(&z->sessions)) != NULL) {
		if (s->undelivered) {
			s->undelivered = false;
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
		session_end(z->master, s, &end);
	}
	zygote_reconcile(z);
}

static void
zygote_lost(uv_timer_t *timer)
{
	struct zygote *z = timer->data;

	zygote_end_sessions(z);
	zygote_free(z);
}

void
zygote_retire(struct zygote *z)
{
	struct service *sv = z->service;

	z->retired = true;
	pool_close(z);
	if (sv == NULL)
		return;
	z->service = NULL;
	sv->zygote = NULL;
	service_block(z->master, sv, BLOCK_ZYGOTE);
	service_release(z->master, sv);
}

void
zygote_lose(struct master *m, struct zygote *z)
{
	(void)m;
	if (z->lost)
		return;
	z->lost = true;
	zygote_retire(z);
	uv_close((uv_handle_t *)&z->poll, zygote_closed);
	ipc_channel_close(&z->channel);
	uv_timer_start(&z->lost_timer, zygote_lost, LOST_MS, 0);
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
	return (s->zygote == z || (s->zygote == NULL && s->inherited &&
				      s->instance == z->instance));
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
	struct session_end end = {
	    .how = msg->how,
	    .value = msg->value,
	    .pid = msg->pid,
	    .killed = msg->killed,
	    .timed_out = msg->timed_out != 0};

	if (s != NULL && zygote_awaits_exit(z, s)) {
		monitor_hear(z->master);
		s = zygote_session(z, msg->slot, msg->session);
	}
	if (s == NULL)
		return (0);
	if (!zygote_owns(z, s))
		return (ERR_VALUE);
	if (s->undelivered) {
		s->undelivered = false;
		dispatch_again(z->master, s);
		return (0);
	}
	session_end(z->master, s, &end);
	return (0);
}

static int
zygote_returned(struct zygote *z, struct ipc_in *in)
{
	const struct msg_returned *msg = &in->msg.returned;
	struct session *s = zygote_session(z, msg->slot, msg->session);

	/* It starts nothing any more; the monitor brings another. */
	zygote_retire(z);
	if (s == NULL)
		return (0);
	if (!zygote_owns(z, s))
		return (ERR_VALUE);
	session_close_channel(z->master, s);
	fd_close(&s->connection);
	fd_close(&s->copy);
	s->connection = in->fds[0];
	in->fds[0] = -1;
	s->inherited = false;
	dispatch_again(z->master, s);
	return (0);
}

static int
zygote_worker_channel(struct zygote *z, struct ipc_in *in)
{
	const struct msg_worker_channel *msg = &in->msg.worker_channel;
	struct session *s = zygote_session(z, msg->slot, msg->session);

	if (s == NULL)
		return (0);
	if (!zygote_owns(z, s))
		return (ERR_VALUE);
	worker_attach(z->master, s, in->fds[0], NULL);
	in->fds[0] = -1;
	return (0);
}

static int
zygote_message(struct zygote *z, struct ipc_in *in)
{
	switch (in->type) {
	case MSG_ATTACHED:
		if (in->msg.attached.instance != z->instance)
			return (ERR_VALUE);
		z->attached = true;
		zygote_reconcile(z);
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

/* One message; its error, if any, has been dealt with. */
static int
zygote_receive(struct zygote *z)
{
	struct ipc_in in;
	int err = ipc_recv_now(&z->channel, &in);

	if (err == 0) {
		err = zygote_message(z, &in);
		ipc_in_close(&in);
	}
	if (err == 0 || err == ERR_AGAIN)
		return (err);
	if (err != ERR_CLOSED)
		log_warn("zygote %u broke the message catalogue: %s",
		    z->instance, err_text(err));
	zygote_lose(z->master, z);
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

	while (n < z->batch && !z->lost && zygote_receive(z) == 0)
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

	if (status != 0) {
		/*
		 * It ended with messages unread; libuv has stopped the handle.
		 * What it had said is heard to the end.
		 */
		while (!z->lost && zygote_receive(z) == 0)
			continue;
		if (!z->lost)
			zygote_lose(z->master, z);
		return;
	}
	if ((events & UV_READABLE) != 0)
		zygote_receive_batch(z);
	if (z->lost || (events & UV_WRITABLE) == 0)
		return;
	zygote_want_room(z, false);
	if (z->service != NULL)
		dispatch_held(z->master, z->service);
}

void
zygote_want_room(struct zygote *z, bool want)
{
	if (z->lost || z->full == want)
		return;
	z->full = want;
	uv_poll_start(
	    &z->poll, UV_READABLE | (want ? UV_WRITABLE : 0), zygote_ready);
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

static struct zygote *
zygote_make(
    struct master *m, const struct msg_zygote *msg, int channel, int table)
{
	struct zygote *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return (NULL);
	z->table = slot_table_map(table, 0);
	if (z->table == NULL ||
	    uv_poll_init(&m->loop, &z->poll, channel) != 0) {
		slot_table_unmap(z->table);
		free(z);
		return (NULL);
	}
	z->handles = 2;
	z->batch = 1;
	z->poll.data = z->lost_timer.data = z;
	uv_timer_init(&m->loop, &z->lost_timer);
	z->master = m;
	z->instance = msg->instance;
	z->retired = msg->retired != 0;
	ipc_channel_init(&z->channel, channel, ROLE_MASTER, ROLE_ZYGOTE, ST_UP);
	TAILQ_INIT(&z->sessions);
	return (z);
}

int
zygote_add(
    struct master *m, const struct msg_zygote *msg, int channel, int table)
{
	struct service *sv = service_by_number(m, msg->service);
	struct zygote *z = NULL;

	if (sv != NULL || msg->retired)
		z = zygote_make(m, msg, channel, table);
	fd_close(&table);
	if (z == NULL) {
		fd_close(&channel);
		return (sv == NULL && !msg->retired ? ERR_NOT_FOUND
						    : ERR_NO_MEMORY);
	}
	TAILQ_INSERT_TAIL(&m->zygotes->all, z, link);
	uv_poll_start(&z->poll, UV_READABLE, zygote_ready);
	if (sv == NULL || z->retired)
		return (0);
	if (sv->zygote != NULL)
		zygote_retire(sv->zygote);
	z->service = sv;
	sv->zygote = z;
	dispatch_held(m, sv);
	service_unblock(m, sv, BLOCK_ZYGOTE);
	return (0);
}
