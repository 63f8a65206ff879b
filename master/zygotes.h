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
	uv_poll_cb ready; /* what it calls */
	uv_timer_t timer; /* while it is lost, or rests */
};

TAILQ_HEAD(zygote_list, zygote);

struct zygotes {
	struct zygote_list all;
};

int zygotes_init(struct master *m);

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
