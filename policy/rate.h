/*
 * The rate window: in no closed interval of 60 s are more than `limit`
 * attempts accepted, an attempt exactly 60 s old counting still. Up to 65535
 * it is exact to the nanosecond; above that, attempts are counted in steps of
 * 100 ms, rounded so that never more get through.
 *
 * The master asks it before each dispatch. The history lives in memory that
 * the monitor keeps and that outlives the master, so what is found there is
 * distrusted: every index is checked, a time that cannot be is taken for the
 * present, and a master killed between any two stores leaves a history that
 * the next can use. Zeroed memory is an empty history. Nothing here crashes,
 * allocates, or looks at a clock: the time is CLOCK_BOOTTIME in nanoseconds,
 * passed in.
 */
#ifndef PORTREEVE_POLICY_RATE_H
#define PORTREEVE_POLICY_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_RATE_WINDOW UINT64_C(60000000000) /* ns */
#define POLICY_RATE_STEP UINT64_C(100000000)	 /* ns */
/* 60 s touch 601 steps: the present one is not over, the first not gone. */
#define POLICY_RATE_STEPS 601U
#define POLICY_RATE_EXACT_MAX 65535U
#define POLICY_RATE_MAX 10000000U

/*
 * The history, as it lies in shared memory: no pointers, the same for every
 * process. slot[] holds a ring of acceptance times (0: none), or one count
 * per step.
 */
struct policy_rate {
	uint32_t magic;
	uint32_t capacity; /* slots that this history was laid out for */
	uint32_t next;	   /* ring: the slot to be written next, the oldest */
	uint32_t unused;
	uint64_t step; /* steps: the number of the newest step */
	uint64_t slot[];
};

/* One process's own view of a history; what it relies on is kept here. */
struct policy_window {
	struct policy_rate *rate;
	uint32_t capacity;
	uint32_t limit;
	uint64_t step;	/* the step that total was summed up in */
	uint64_t total; /* attempts in the window, of the steps only */
};

/*
 * Bytes of memory for a limit, a page for one up to 509; 0 when the limit is
 * not in 1..POLICY_RATE_MAX.
 */
size_t policy_rate_size(uint32_t limit);

/*
 * Takes up the history in memory[size], which stays the caller's, must be
 * aligned to 8 and outlive the window. A size larger than policy_rate_size()
 * leaves room for a larger limit later. Contents that are not a history of
 * this size and kind are replaced by an empty one. Returns 0, or ERR_VALUE
 * (limit, alignment) or ERR_TRUNCATED (size too small); then *window is
 * not to be used.
 */
int policy_rate_attach(struct policy_window *window, void *memory, size_t size,
    uint32_t limit, uint64_t now);

/* True: accepted and counted. False: over the limit, nothing is spent. */
bool policy_rate_take(struct policy_window *window, uint64_t now);

/*
 * Whether `attempts` or more are in the window, 1 to the limit. Spends
 * nothing.
 */
bool policy_rate_has(
    struct policy_window *window, uint32_t attempts, uint64_t now);

/*
 * Gives back what the last policy_rate_take(), at the same now, spent;
 * for an attempt that could not be dispatched after all. At any other time
 * it does nothing.
 */
void policy_rate_give_back(struct policy_window *window, uint64_t now);

/*
 * Another limit for the same history. Returns 0, ERR_VALUE (not a limit), or
 * ERR_TOO_LONG when this memory cannot keep it: then attach new memory and
 * policy_rate_move(). On error the old limit stays.
 */
int policy_rate_set_limit(struct policy_window *window, uint32_t limit);

/* Forgets the whole history: memory that was another service's before. */
void policy_rate_clear(struct policy_window *window);

/*
 * Replaces the history of `to` by that of `from`; the two must not share
 * memory. Counted steps become times no earlier than the true ones. Keep the
 * old memory until this has returned: a history moved halfway is empty. What
 * a smaller memory has no room for, its newest apart, is forgotten.
 */
void policy_rate_move(
    struct policy_window *to, struct policy_window *from, uint64_t now);

#endif
