/*
 * What the parts of the zygote's engine share, and nobody else: zygote.c
 * (loop, monitor), attach.c (the master), spawn.c (forking), reap.c (ends).
 * Runs in the zygote; the struct lies in memory that workers do not inherit.
 */
#ifndef PORTREEVE_WORKERS_ENGINE_H
#define PORTREEVE_WORKERS_ENGINE_H

#include <stdbool.h>

#include "ipc/channel.h"
#include "ipc/state.h"
#include "workers/common/roster.h"
#include "workers/common/zygote.h"

#define ENGINE_FORKS_MAX 10000 /* then the zygote is replaced */
/*
 * And when so many workers live: a fork copies a descriptor for each of them,
 * its child closes each, and a wait looks at each, so that the next connection
 * pays for the idle. At 512 that was a fifth of the time to a login prompt; a
 * zygote more costs 250 kB, so 2 kB a connection.
 */
#define ENGINE_LIVE_MAX 128
/*
 * For so long without a break: where short sessions come fast, more than that
 * are just ending, and each replacement costs as much as a hundred forks.
 */
#define ENGINE_CROWDED_MS 500
#define ENGINE_POOL_MAX 64   /* as MSG_MASTER_CHANNEL bounds it */
#define ENGINE_SPARE_FDS 64  /* of RLIMIT_NOFILE, for what is no worker */
#define ENGINE_BATCH 64	     /* messages of the master in a row */
#define ENGINE_ALONE_MS 5000 /* without a master, before another zygote */
#define ENGINE_REST_MS 50    /* out of memory, before the next try */

/*
 * One page a worker forked ahead, shared only with that worker, and believed
 * only about that worker.
 */
struct engine_page {
	_Atomic uint32_t assigned; /* it got its ASSIGN */
};

/* Each goes on to the one behind it, and none back. */
enum engine_state {
	ENGINE_SERVES,
	ENGINE_RETIRED,	 /* forks no more */
	ENGINE_STOPPING, /* and is done when nobody is left to serve */
	ENGINE_FINISHED, /* leaves the loop */
	ENGINE_STATES
};

/* attach.c's: what is due to the master, in this order. */
struct engine_due {
	bool attached;		/* ATTACHED */
	bool announce;		/* POOLED or WORKER_CHANNEL, */
	bool retired;		/* RETIRED */
	bool returned;		/* `back` waits for room */
	uint32_t announce_from; /* by the roster's entries from this one on */
	struct msg_returned back;
	int back_fds[IPC_FDS_MAX];
	size_t back_nfds;
};

/* spawn.c's: workers forked ahead of time. */
struct engine_pool {
	uint32_t size; /* workers to hold ahead */
	bool filling;  /* idle: fork the next one at once */
	bool failed;   /* no fork ahead until something changed */
	bool told;     /* that was logged, and none was forked since */
	bool page_used[ENGINE_POOL_MAX];
	uint8_t *pages; /* ENGINE_POOL_MAX pages, struct engine_page each */
};

struct engine {
	const struct zygote_ops *ops;
	struct ipc_channel monitor;
	struct ipc_channel master; /* fd -1: none at present */
	uint64_t alone_since; /* when the master's channel was lost; 0 never */
	uint64_t rest_until;  /* out of memory: no master's channel before */
	uint32_t told;	      /* messages that the masters took */
	struct slot_table *slots;
	uint32_t instance;
	uint32_t live_max; /* workers that descriptors allow */
	uint32_t forks;
	uint64_t crowded_since; /* ENGINE_LIVE_MAX live; 0 never */
	int signals;		/* signalfd of SIGCHLD */
	enum engine_state state;
	int status;	 /* exit status */
	bool reap_again; /* a wait failed: try again after a rest */
	struct engine_due due;
	struct engine_pool pool;
	size_t page_size;
	struct roster roster;
	struct ipc_in in; /* the message being read */
};

/* engine.c: the one way to a later state; an earlier one is none. */
void engine_change(struct engine *e, enum engine_state state);

/* Whether it forks no more. */
static inline bool
engine_is_retired(const struct engine *e)
{
	return (e->state != ENGINE_SERVES);
}

/* attach.c: the master's channel. */
void engine_attach(struct engine *e, int fd, uint32_t pool);
void engine_detach(struct engine *e);
/* Read what the master sent: true when its queue was read to the end. */
bool engine_read_master(struct engine *e);
/* Send what is due; stops at ERR_AGAIN. */
void engine_flush(struct engine *e);
/* The same, when poll() says that there is room: rests if there is none. */
void engine_flush_ready(struct engine *e);
/* Whether something waits for room in the master's queue. */
bool engine_wants_out(const struct engine *e);
/* Whether the master's messages may be read now. */
bool engine_wants_in(const struct engine *e);
/* Whether the master's channel is left alone for want of memory. */
bool engine_rests(const struct engine *e);

/*
 * spawn.c: forking. Of a START's descriptors, the kept copy of the master's
 * end is taken (set to -1); the others stay the caller's. *error is 0, or the
 * errno of a fork that failed: then all stay.
 */
void engine_start(
    struct engine *e, const struct msg_start *start, int fds[3], int *error);
/* A session that did not become a process; error is an errno. */
void engine_failed(struct engine *e, uint32_t slot, uint64_t session,
    enum step step, int error);
bool engine_pool_wanted(const struct engine *e);
/* Fork one worker ahead. */
void engine_pool_refill(struct engine *e);
struct engine_page *engine_page(const struct engine *e, uint8_t number);

/* reap.c: ends. */
void engine_reap(struct engine *e);
void engine_retire(struct engine *e, bool crashed);
/* Fork no more, and have the master let the idle go. */
void engine_fork_no_more(struct engine *e);

#endif
