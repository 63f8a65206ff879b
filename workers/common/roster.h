/*
 * A zygote's own list of its workers: from process id to slot, session and
 * the kept copy of the master's end of the worker's channel. Runs in the
 * zygote alone; lies in memory that no worker inherits (zygote.c), so that no
 * worker knows of another's session. Holds nothing a peer sent. Constant in
 * size: a zygote retires before it has forked as many as fit.
 */
#ifndef PORTREEVE_WORKERS_ROSTER_H
#define PORTREEVE_WORKERS_ROSTER_H

#include <stdint.h>

#define ROSTER_MAX 16384 /* a power of two, below ROSTER_NONE */
#define ROSTER_NONE UINT16_MAX
#define ROSTER_NO_PAGE UINT8_MAX

enum roster_state {
	ROSTER_FREE,
	ROSTER_IDLE,	/* forked ahead, has no session */
	ROSTER_TAKEN,	/* forked ahead, the master gave it a session */
	ROSTER_SERVING, /* forked on order */
	ROSTER_ENDED	/* reaped; the master is still to be told */
};

struct roster_worker {
	uint64_t session; /* 0 when it has none */
	uint64_t forked;  /* just before, for its slot; 0 not forked ahead */
	int32_t pid;
	uint32_t slot;
	int fd;	       /* copy of the master's end of its channel */
	int32_t value; /* once ended, as MSG_ENDED has it */
	uint16_t next; /* in the chain, the free list or the queue */
	uint8_t state; /* enum roster_state; roster.c's to set */
	uint8_t how;   /* enum ended */
	uint8_t page;  /* forked ahead: its page of the pool, else NO_PAGE */
	uint8_t announced; /* the present master has its channel */
	uint8_t step;	   /* enum step, of how */
};

struct roster {
	struct roster_worker workers[ROSTER_MAX];
	uint16_t chains[ROSTER_MAX]; /* by process id, modulo */
	uint16_t free, queue_head, queue_tail;
	uint32_t high; /* every entry in use has a lower number */
	uint32_t live; /* entries that are a process */
	uint32_t idle; /* of these, in ROSTER_IDLE */
};

void roster_init(struct roster *r);

/*
 * A process just forked. NULL when full. The entry's fd, page and session are
 * the caller's to fill, its state as given.
 */
struct roster_worker *roster_add(
    struct roster *r, int32_t pid, enum roster_state state);

/* The live worker with this process id, or NULL. */
struct roster_worker *roster_find(struct roster *r, int32_t pid);

/* The master gave a session to one forked ahead; which, is the caller's. */
void roster_take(struct roster *r, struct roster_worker *w);

/* No longer a process: out of the chain; then queued or forgotten. */
void roster_unlink(struct roster *r, struct roster_worker *w);

/* To the queue of those that the master is to be told of. */
void roster_queue(struct roster *r, struct roster_worker *w);

/* The oldest of the queue, or NULL; and drop it. */
struct roster_worker *roster_queue_first(struct roster *r);
void roster_queue_drop(struct roster *r);

/* Give an unlinked, unqueued entry back. */
void roster_forget(struct roster *r, struct roster_worker *w);

#endif
