/*
 * Between the files about zygotes: zygote.c (their messages and ends),
 * zygote_start.c (handing over), reconcile.c (books of an earlier master),
 * pool.c (workers forked ahead of time). Master only.
 */
#ifndef PORTREEVE_MASTER_ZYGOTE_PRIVATE_H
#define PORTREEVE_MASTER_ZYGOTE_PRIVATE_H

#include "master/zygote.h"

#define POOL_MAX 64 /* MSG_MASTER_CHANNEL's most */

struct pooled;

struct zygote {
	TAILQ_ENTRY(zygote) link;
	struct master *master;
	struct service *service; /* that it serves; NULL when retired */
	uint32_t instance;
	bool attached; /* its slot table is true */
	bool retired;  /* no new sessions */
	bool lost;     /* it has no channel; the monitor is asked for one */
	bool rejoins; /* it has another one, and is yet to say ATTACHED on it */
	bool rejoined;	/* it has, once at least */
	bool broke;	/* it broke the catalogue, and gets no other */
	bool gone;	/* the monitor says that it has ended */
	unsigned batch; /* messages to expect at a time */
	bool full;	/* waits for room in the channel */
	bool rests;	/* short of memory, the channel is not read */
	struct ipc_channel channel;
	struct slot_table *table;
	struct session_list sessions;
	struct pooled *pool[POOL_MAX];
	unsigned pooled;  /* how many there are */
	uv_poll_t *poll;  /* NULL when lost */
	uv_timer_t timer; /* while it is lost, or rests */
};

TAILQ_HEAD(zygote_list, zygote);

struct zygotes {
	struct zygote_list all;
};

/* Whether to be told when the channel has room. */
void zygote_want_room(struct zygote *z, bool want);

/* Inherited sessions that name this zygote: its table decides. */
void zygote_reconcile(struct zygote *z);

/*
 * Its channel broke. What went down with it, the zygote's table says: of those
 * that have ended while there is no channel, and of all once it has another.
 */
void zygote_end_ended(struct zygote *z);
void zygote_reconcile_own(struct zygote *z);

struct zygote *zygote_by_instance(struct master *m, uint32_t instance);

/* For a channel that fails: it is closed, and the monitor is asked. */
void zygote_lose(struct zygote *z);

#endif
