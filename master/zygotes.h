/*
 * The table of zygotes: a channel to each, the sessions it has, the workers
 * that it forked ahead of time. A service has one zygote that serves; earlier
 * ones stay for the sessions they have. Master only.
 */
#ifndef PORTREEVE_MASTER_ZYGOTES_H
#define PORTREEVE_MASTER_ZYGOTES_H

#include "master/session.h"

#define POOL_MAX 64 /* MSG_MASTER_CHANNEL's most */

struct pooled;

/* The channel to a zygote, and what its slot table is worth. */
enum zygote_state {
	ZYGOTE_NONE,
	ZYGOTE_LOST,	  /* no channel; the monitor is asked for one */
	ZYGOTE_BROKEN,	  /* none: it broke the catalogue, and gets no other */
	ZYGOTE_JOINED,	  /* it takes sessions, and is yet to say ATTACHED */
	ZYGOTE_REJOINING, /* it has another channel, and is yet to say it */
	ZYGOTE_SETTLING,  /* it has; what the old channel lost is set right */
	ZYGOTE_ATTACHED,  /* its slot table is true */
	ZYGOTE_GONE,	  /* the monitor says that it has ended */
	ZYGOTE_STATES
};

enum zygote_event {
	ZYGOTE_BEGINS,
	ZYGOTE_JOINS,
	ZYGOTE_REJOINS,
	ZYGOTE_ATTACHES,
	ZYGOTE_SETTLES,
	ZYGOTE_LOSES,
	ZYGOTE_BREAKS,
	ZYGOTE_GOES,
	ZYGOTE_EVENTS
};

struct zygote {
	TAILQ_ENTRY(zygote) link;
	struct master *master;
	struct service *service; /* that it serves; NULL when retired */
	uint32_t instance;
	enum zygote_state state;
	bool retired;	/* no new sessions */
	bool rejoined;	/* it had another channel, once at least */
	unsigned batch; /* messages to expect at a time */
	bool full;	/* waits for room in the channel */
	bool rests;	/* short of memory, the channel is not read */
	struct ipc_channel channel;
	struct slot_table *table;
	struct session_list sessions;
	struct pooled *pool[POOL_MAX];
	unsigned pooled;  /* how many there are */
	uv_poll_t *poll;  /* NULL without a channel */
	uv_poll_cb ready; /* what it calls */
	uv_timer_t timer; /* while it is lost, or rests */
};

TAILQ_HEAD(zygote_list, zygote);

struct zygotes {
	struct zygote_list all;
};

int zygotes_init(struct master *m);

/* The one way from a state to the next; where there is none, it is a bug. */
void zygote_change(struct zygote *z, enum zygote_event event);

struct zygote *zygote_by_instance(struct master *m, uint32_t instance);

uint32_t zygote_instance(const struct zygote *z);

/* Its slot table, for readers. */
const struct slot_table *zygote_table(const struct zygote *z);

/* For session_join() and session_leave(). */
void zygote_add_session(struct zygote *z, struct session *s);

void zygote_remove_session(struct zygote *z, struct session *s);

/* Whether to be told when the channel has room. */
void zygote_want_room(struct zygote *z, bool want);

#endif
