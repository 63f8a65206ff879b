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
	bool attached;	/* its slot table is true */
	bool retired;	/* no new sessions */
	bool lost;	/* its channel is closed */
	unsigned batch; /* messages to expect at a time */
	bool full;	/* waits for room in the channel */
	int handles;
	struct ipc_channel channel;
	struct slot_table *table;
	struct session_list sessions;
	struct pooled *pool[POOL_MAX];
	unsigned pooled; /* how many there are */
	uv_poll_t poll;
	uv_timer_t lost_timer;
};

TAILQ_HEAD(zygote_list, zygote);

struct zygotes {
	struct zygote_list all;
};

/* Whether to be told when the channel has room. */
void zygote_want_room(struct zygote *z, bool want);

/* Inherited sessions that name this zygote: its table decides. */
void zygote_reconcile(struct zygote *z);

#endif
