/*
 * The nested epoll set. Master only, unprivileged. Never calls a watch that
 * was removed: what is still to be reported of it is forgotten.
 */
#include "master/watch.h"

#include <errno.h>

#include "lib/err.h"

static void
watcher_ready(uv_poll_t *poll, int status, int events)
{
	struct watcher *wr = poll->data;

	(void)status;
	(void)events;
	wr->n = epoll_wait(wr->epoll, wr->batch, WATCH_BATCH, 0);
	for (wr->at = 0; wr->at < wr->n; wr->at++) {
		struct watch *w = wr->batch[wr->at].data.ptr;

		if (w != NULL)
			w->ready(w, wr->batch[wr->at].events);
	}
	wr->n = 0;
}

int
watcher_init(struct watcher *wr, uv_loop_t *loop)
{
	wr->n = 0;
	wr->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (wr->epoll < 0)
		return (ERR_SYSTEM);
	wr->poll.data = wr;
	if (uv_poll_init(loop, &wr->poll, wr->epoll) != 0 ||
	    uv_poll_start(&wr->poll, UV_READABLE, watcher_ready) != 0)
		return (ERR_SYSTEM);
	return (0);
}

int
watch_add(struct watcher *wr, struct watch *w, int fd, uint32_t events,
    void (*ready)(struct watch *, uint32_t))
{
	struct epoll_event e = {.events = events, .data.ptr = w};

	if (epoll_ctl(wr->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		return (ERR_SYSTEM);
	w->fd = fd;
	w->added = 1;
	w->ready = ready;
	return (0);
}

int
watch_change(struct watcher *wr, struct watch *w, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w};

	if (!w->added)
		return (ERR_STATE);
	if (epoll_ctl(wr->epoll, EPOLL_CTL_MOD, w->fd, &e) < 0)
		return (ERR_SYSTEM);
	return (0);
}

/* What is still to be reported of w is not. */
static void
watch_forget(struct watcher *wr, const struct watch *w)
{
	for (int i = wr->at; i < wr->n; i++) {
		if (wr->batch[i].data.ptr == w)
			wr->batch[i].data.ptr = NULL;
	}
}

int
watch_move(struct watcher *wr, struct watch *from, struct watch *to,
    void (*ready)(struct watch *, uint32_t))
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = to};

	if (!from->added)
		return (ERR_STATE);
	watch_forget(wr, from);
	from->added = 0;
	if (epoll_ctl(wr->epoll, EPOLL_CTL_MOD, from->fd, &e) < 0) {
		epoll_ctl(wr->epoll, EPOLL_CTL_DEL, from->fd, NULL);
		return (ERR_SYSTEM);
	}
	to->fd = from->fd;
	to->added = 1;
	to->ready = ready;
	return (0);
}

void
watch_remove(struct watcher *wr, struct watch *w)
{
	if (!w->added)
		return;
	/*
	 * Closing would not do: a zygote may hold a copy of the descriptor.
	 */
	epoll_ctl(wr->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	w->added = 0;
	watch_forget(wr, w);
}
