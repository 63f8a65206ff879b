/*
 * The zygote's channel to the master: the orders that come by it, and what is
 * due to it, in order: ATTACHED, the channels of live workers, ends, and the
 * connections that a retired zygote gives back. A master may die at any
 * moment; what it is owed waits here, bounded by the roster, for the next.
 * Believes the master in what it orders; a breach closes the channel.
 */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "workers/common/engine.h"

bool
engine_wants_out(const struct engine *e)
{
	return (e->master.fd >= 0 && e->slots != NULL &&
		(e->due.attached || e->due.announce || e->due.returned ||
		    e->due.retired || e->roster.queue_head != ROSTER_NONE));
}

bool
engine_rests(const struct engine *e)
{
	return (e->rest_until != 0 && time_boot_ns() < e->rest_until);
}

static void
attach_rest(struct engine *e)
{
	e->rest_until = time_boot_ns() + ENGINE_REST_MS * 1000000ull;
}

bool
engine_wants_in(const struct engine *e)
{
	return (e->master.fd >= 0 && e->slots != NULL && !e->due.returned &&
		!engine_rests(e) &&
		(engine_is_retired(e) || e->roster.live < e->live_max));
}

void
engine_detach(struct engine *e)
{
	if (e->master.fd >= 0)
		e->alone_since = time_boot_ns();
	ipc_channel_close(&e->master);
	e->due.attached = false;
	e->due.announce = false;
}

/* A channel's news are kept for the next one: it has none of them yet. */
static void
attach_unannounce_workers(struct engine *e)
{
	for (uint32_t i = 0; i < e->roster.high; i++)
		e->roster.workers[i].announced = 0;
	e->due.announce_from = 0;
	e->due.announce = true;
	e->due.retired = engine_is_retired(e);
}

void
engine_attach(struct engine *e, int fd, uint32_t pool)
{
	/* The old one is dead; what it ordered before is still an order. */
	while (engine_wants_in(e) && !engine_read_master(e))
		continue;
	engine_detach(e);
	ipc_channel_init(&e->master, fd, ROLE_ZYGOTE, ROLE_MASTER, ST_UP);
	e->alone_since = e->rest_until = 0;
	e->pool.size = pool > ENGINE_POOL_MAX ? ENGINE_POOL_MAX : pool;
	e->due.attached = true;
	attach_unannounce_workers(e);
	engine_flush(e);
}

/* Send to the master; an end of the channel is not an error of ours. */
static int
attach_tell(struct engine *e, enum msg_type type, const void *msg,
    const int *fds, size_t nfds)
{
	int err = ipc_send(&e->master, type, msg, fds, nfds);

	e->told += err == 0;
	if (err == ERR_SHORT) {
		attach_rest(e);
	} else if (err != 0 && err != ERR_AGAIN) {
		if (err != ERR_CLOSED)
			log_info("%s to the master failed: %s", msg_name(type),
			    err_text(err));
		engine_detach(e);
	}
	return (err);
}

static int
attach_announce_worker(struct engine *e, struct roster_worker *w)
{
	int err = 0;

	if (w->announced || w->fd < 0)
		return (0);
	if (w->state == ROSTER_IDLE) {
		struct msg_pooled pooled = {.pid = w->pid};

		err = attach_tell(e, MSG_POOLED, &pooled, &w->fd, 1);
	} else if (w->state == ROSTER_TAKEN || w->state == ROSTER_SERVING) {
		struct msg_worker_channel channel = {
		    .slot = w->slot, .session = w->session};

		err = attach_tell(e, MSG_WORKER_CHANNEL, &channel, &w->fd, 1);
	}
	w->announced = err == 0;
	return (err);
}

static int
attach_tell_ended(struct engine *e, const struct roster_worker *w)
{
	struct msg_ended ended = {.slot = w->slot,
	    .session = w->session,
	    .pid = w->pid,
	    .how = w->how,
	    .value = w->value,
	    .step = w->step};

	return (attach_tell(e, MSG_ENDED, &ended, NULL, 0));
}

static int
attach_tell_returned(struct engine *e)
{
	int err = attach_tell(
	    e, MSG_RETURNED, &e->due.back, e->due.back_fds, e->due.back_nfds);

	if (err != 0)
		return (err);
	for (size_t i = 0; i < e->due.back_nfds; i++)
		fd_close(&e->due.back_fds[i]);
	e->due.back_nfds = 0;
	e->due.returned = false;
	return (0);
}

void
engine_flush(struct engine *e)
{
	struct msg_attached attached = {.instance = e->instance};
	struct msg_retired retired = {.end_ = 0};
	struct roster_worker *w;

	if (e->master.fd < 0 || e->slots == NULL || engine_rests(e))
		return;
	if (e->due.attached &&
	    attach_tell(e, MSG_ATTACHED, &attached, NULL, 0) != 0)
		return;
	e->due.attached = false;
	for (; e->due.announce && e->due.announce_from < e->roster.high;
	     e->due.announce_from++) {
		if (attach_announce_worker(
			e, &e->roster.workers[e->due.announce_from]) != 0)
			return;
	}
	e->due.announce = false;
	/* Behind what it is to let go. */
	if (e->due.retired &&
	    attach_tell(e, MSG_RETIRED, &retired, NULL, 0) != 0)
		return;
	e->due.retired = false;
	while ((w = roster_queue_first(&e->roster)) != NULL) {
		if (attach_tell_ended(e, w) != 0)
			return;
		roster_queue_drop(&e->roster);
	}
	if (e->due.returned)
		attach_tell_returned(e);
}

/* poll() says that there is room: where there is none, no spinning. */
void
engine_flush_ready(struct engine *e)
{
	uint32_t before = e->told;

	engine_flush(e);
	if (e->told == before && engine_wants_out(e))
		attach_rest(e);
}

/* Forks no more, or cannot: the connection goes back as it came. */
static void
attach_give_back(struct engine *e, struct ipc_in *in, int error)
{
	e->due.back.error = error > 255 ? 255 : error;
	e->due.back.step = error != 0 ? STEP_FORK : STEP_NONE;
	e->due.back.slot = in->msg.start.slot;
	e->due.back.session = in->msg.start.session;
	memcpy(e->due.back_fds, in->fds, sizeof(e->due.back_fds));
	e->due.back_nfds = in->nfds;
	in->nfds = 0;
	e->due.returned = true;
	engine_flush(e);
}

static void
attach_take_start(struct engine *e, struct ipc_in *in)
{
	const struct slot *slot = &e->slots->slots[in->msg.start.slot];
	int error = 0;

	if (slot_reserve(e->slots, in->msg.start.slot) != 0) {
		engine_failed(e, in->msg.start.slot, in->msg.start.session,
		    STEP_SLOT, errno);
		return;
	}
	if (in->nfds != 3 || atomic_load(&slot->use) == SLOT_RUNNING) {
		log_info("invalid START from the master: %zu descriptors, slot "
			 "%u; closing its channel",
		    in->nfds, in->msg.start.slot);
		engine_detach(e);
		return;
	}
	if (engine_is_retired(e)) {
		attach_give_back(e, in, 0);
		return;
	}
	engine_start(e, &in->msg.start, in->fds, &error);
	if (error != 0)
		attach_give_back(e, in, error);
}

/* The master has given a worker forked ahead its session, or says so again. */
static void
attach_take_pooled(struct engine *e, const struct msg_pool_taken *taken)
{
	struct roster_worker *w = roster_find(&e->roster, taken->pid);

	if (w != NULL && w->state == ROSTER_TAKEN &&
	    w->session == taken->session)
		return;

	/*
	 * Dead before it was asked, so that the master's ASSIGN failed. It
	 * has the connection still, and dispatches it again when it hears of
	 * this end.
	 */
	if (w == NULL || w->state != ROSTER_IDLE) {
		engine_failed(e, taken->slot, taken->session, STEP_NONE, ESRCH);
		return;
	}
	roster_take(&e->roster, w);
	w->slot = taken->slot;
	w->session = taken->session;
	/* It is served already; without room nobody can look it up. */
	if (slot_reserve(e->slots, w->slot) != 0)
		return;
	slot_claim(e->slots, w->slot, w->session, &taken->peer, w->forked);
	slot_started(e->slots, w->slot, w->pid);
}

/*
 * Out of memory, or of the places for a START's descriptors: that connection is
 * lost, and its session reported as failed.
 */
static void
attach_take_cut(struct engine *e, const struct ipc_in *in)
{
	if (in->type == MSG_START)
		engine_failed(e, in->msg.start.slot, in->msg.start.session,
		    STEP_RECEIVE, errno);
	else
		attach_rest(e);
}

bool
engine_read_master(struct engine *e)
{
	for (int i = 0; i < ENGINE_BATCH && engine_wants_in(e); i++) {
		int err = ipc_recv_now(&e->master, &e->in);

		if (err == ERR_AGAIN)
			return (true);
		if (err == ERR_SHORT) {
			attach_take_cut(e, &e->in);
			continue;
		}
		if (err != 0) {
			if (err != ERR_CLOSED)
				log_info("the master's channel failed: %s",
				    err_text(err));
			engine_detach(e);
			return (true);
		}
		if (e->in.type == MSG_START)
			attach_take_start(e, &e->in);
		else if (e->in.type == MSG_POOL_TAKEN)
			attach_take_pooled(e, &e->in.msg.pool_taken);
		ipc_in_close(&e->in);
	}
	return (false);
}
