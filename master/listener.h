/*
 * The listeners and when they are polled. Master only. A listener rests (and
 * the kernel's backlog holds who comes) while its service cannot start
 * sessions; it is never closed but on the monitor's word.
 */
#ifndef PORTREEVE_MASTER_LISTENER_H
#define PORTREEVE_MASTER_LISTENER_H

#include <sys/queue.h>

#include "master/master.h"
#include "master/service.h"

enum listener_state {
	LISTENER_RESTS,
	LISTENER_POLLED,
	LISTENER_BUSY,	 /* a session has it to itself */
	LISTENER_BROKEN, /* accept4() fails on it for good */
	LISTENER_CLOSED,
	LISTENER_STATES
};

enum listener_event {
	LISTENER_STARTS, /* its service can start sessions */
	LISTENER_STOPS,	 /* it cannot */
	LISTENER_IS_TAKEN,
	LISTENER_IS_RELEASED,
	LISTENER_BREAKS,
	LISTENER_CLOSES,
	LISTENER_EVENTS
};

struct listener {
	uv_poll_t poll;
	TAILQ_ENTRY(listener) link;
	struct master *master;
	struct service *service; /* NULL: not configured, refuse all */
	uint32_t id;
	char name[SERVICE_NAME_MAX];
	struct addr address;
	bool any; /* bound to every address: ask for each one's own */
	bool datagram;
	bool one_at_a_time; /* wait yes, or datagrams */
	enum listener_state state;
	int broken; /* errno that accept4() fails with for good; 0 */
	int fd;
	unsigned batch; /* how many to accept before looking elsewhere */
	unsigned full;	/* batches in a row that were not enough */
	uint64_t turn;	/* of the loop, when it was last ready */
};

/* Somebody waits at a listener. */
typedef void listener_accepts(struct listener *l);
/* accept() fails on a listener for good, with this errno. */
typedef void listener_breaks(struct master *m, uint32_t id, int error);

int listener_init(
    struct master *m, listener_accepts *ready, listener_breaks *broken);

/* LISTENER (fd is taken over) and LISTENER_GONE. 0 or ERR_. */
int listener_add(struct master *m, const struct msg_listener *msg, int fd);
void listener_remove(struct master *m, uint32_t id);

/* It fails for good: it rests, and the monitor is told. */
void listener_break(struct listener *l, int error);

/* false: somebody who shares the socket shut it down. */
bool listener_listens(const struct listener *l);

/* accept4() with the peer's address; -1 with errno. */
int listener_accept(const struct listener *l, struct addr *peer);

/* Start or stop polling as things are now. */
void listener_update(struct listener *l);
void listener_update_service(struct master *m, struct service *sv);
void listener_update_all(struct master *m);

/* The service is not configured any more: its listeners rest. */
void listener_forget_service(struct master *m, struct service *sv);

/* The session that had the listener to itself is over. */
struct listener *listener_release(struct master *m, uint32_t id);
/* A session has it to itself: it rests until that is over. */
void listener_take(struct listener *l);
/* An inherited or adopted session has a listener to itself. */
void listener_hold(struct master *m, const struct session *s);

/* Counts the turns of the loop. */
uint64_t listener_turn(const struct master *m);

/* Descriptors are there again, or out: all listeners go on, or rest. */
void listener_rest(struct master *m, bool rest);

#endif
