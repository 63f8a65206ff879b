/*
 * A zygote that starts nothing more, and a channel to one that is at its end.
 * Master only, unprivileged. A channel's end is not its zygote's, nor its
 * sessions': the monitor, which waits for zygotes, says which it was.
 */
#include "master/zygote_end.h"

#include <stdlib.h>

#include "lib/fd.h"
#include "master/ask.h"
#include "master/ending.h"
#include "master/pool.h"

/* How often the monitor is asked again, and the table looked at meanwhile. */
#define LOST_MS 500

static void zygote_still_lost(uv_timer_t *timer);

static void
zygote_poll_freed(uv_handle_t *handle)
{
	free(handle);
}

void
zygote_hang_up(struct zygote *z)
{
	if (z->poll != NULL)
		uv_close((uv_handle_t *)z->poll, zygote_poll_freed);
	z->poll = NULL;
	ipc_channel_close(&z->channel);
	z->full = z->rests = false;
}

void
zygote_end_ended(struct zygote *z)
{
	struct session_end end;
	struct session *s, *next;

	for (s = TAILQ_FIRST(&z->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (session_in_table(s, z->table, &end) == SESSION_ENDED &&
		    s->state != SESSION_UNDELIVERED)
			ending_session(z->master, s, &end);
	}
}

void
zygote_await(struct zygote *z)
{
	uv_timer_start(&z->timer, zygote_still_lost, LOST_MS, 0);
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

/* Lost: what of it has ended is closed, and the monitor is asked once more. */
static void
zygote_still_lost(uv_timer_t *timer)
{
	struct zygote *z = timer->data;

	zygote_end_ended(z);
	if (ask_zygote(z->master, z->instance, z->state == ZYGOTE_BROKEN) ==
		0 &&
	    z->state == ZYGOTE_BROKEN)
		uv_timer_start(timer, zygote_still_lost, 10ull * LOST_MS, 0);
	else
		uv_timer_start(timer, zygote_still_lost, LOST_MS, 0);
}

void
zygote_lose(struct zygote *z, bool broke)
{
	if (z->poll == NULL)
		return;
	zygote_change(z, broke ? ZYGOTE_BREAKS : ZYGOTE_LOSES);
	zygote_hang_up(z);
	if (broke)
		zygote_retire(z);
	pool_forget(z);
	if (z->state == ZYGOTE_GONE)
		return;
	if (z->service != NULL)
		service_block(z->master, z->service, BLOCK_ZYGOTE);
	(void)ask_zygote(z->master, z->instance, broke);
	uv_timer_start(&z->timer, zygote_still_lost, LOST_MS, 0);
}
