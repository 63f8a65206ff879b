/*
 * Readiness of the descriptors that come and go with each connection. They
 * are in one epoll set of their own, which the loop watches as one descriptor:
 * that costs a connection two system calls and no libuv handle. Made before
 * sealing. Master only.
 */
#ifndef PORTREEVE_MASTER_WATCH_H
#define PORTREEVE_MASTER_WATCH_H

#include <sys/epoll.h>

#include <stdint.h>

#include <uv.h>

/* Part of what is watched; zeroed before watch_add(), fd -1 or 0 then. */
struct watch {
	int fd;
	int added;
	void (*ready)(struct watch *w, uint32_t events); /* EPOLLIN, … */
};

#define WATCH_BATCH 64

struct watcher {
	int epoll;
	uv_poll_t poll;
	struct epoll_event batch[WATCH_BATCH]; /* being told just now */
	int n, at;
};

/* 0 or ERR_SYSTEM. */
int watcher_init(struct watcher *wr, uv_loop_t *loop);

/* events: EPOLLIN, EPOLLOUT. 0, or ERR_SYSTEM with errno (ENOMEM, ENOSPC). */
int watch_add(struct watcher *wr, struct watch *w, int fd, uint32_t events,
    void (*ready)(struct watch *, uint32_t));
int watch_change(struct watcher *wr, struct watch *w, uint32_t events);

/* What `from` watches is watched by `to` from now on, for EPOLLIN. */
int watch_move(struct watcher *wr, struct watch *from, struct watch *to,
    void (*ready)(struct watch *, uint32_t));

/*
 * Before the descriptor is closed. Afterwards w may be freed, even from within
 * ready(). Nothing happens if it is not watched.
 */
void watch_remove(struct watcher *wr, struct watch *w);

#endif
