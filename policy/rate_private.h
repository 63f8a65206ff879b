/*
 * Between policy/rate.c and its two ways to keep a history. Every access to
 * the shared memory is one whole load or store, in the order written: a
 * process that is killed has made all stores up to one point and none after.
 */
#ifndef PORTREEVE_POLICY_RATE_PRIVATE_H
#define PORTREEVE_POLICY_RATE_PRIVATE_H

#include "policy/rate.h"

#define RATE_MAGIC_RING 0x50525231U  /* "PRR1" */
#define RATE_MAGIC_STEPS 0x50525331U /* "PRS1" */

/* A ring of a page at least: a usual limit changes without a new memory. */
#define RATE_RING_MIN 509U

/* count attempts accepted at stamp, told to another window. */
typedef void rate_add_fn(
    struct policy_window *window, uint64_t stamp, uint64_t count);

static inline uint64_t
rate_load(const uint64_t *from)
{
	return (__atomic_load_n(from, __ATOMIC_ACQUIRE));
}

static inline void
rate_store(uint64_t *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

static inline uint32_t
rate_load32(const uint32_t *from)
{
	return (__atomic_load_n(from, __ATOMIC_ACQUIRE));
}

static inline void
rate_store32(uint32_t *to, uint32_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

/* Whether such a limit has a ring; the words of its history. */
bool rate_is_exact(uint32_t limit);
uint32_t rate_slots(uint32_t limit);

/* As the public functions of these names; now is never 0 here. */
bool rate_ring_has(
    struct policy_window *window, uint32_t attempts, uint64_t now);
bool rate_steps_has(
    struct policy_window *window, uint32_t attempts, uint64_t now);
bool rate_ring_take(struct policy_window *window, uint64_t now);
void rate_ring_give_back(struct policy_window *window, uint64_t now);
bool rate_steps_take(struct policy_window *window, uint64_t now);
void rate_steps_give_back(struct policy_window *window, uint64_t now);

/*
 * Makes the ring's times ascend and none be later than now, by raising what
 * is out of order: it may then count more than there was, never less.
 */
void rate_ring_repair(struct policy_window *window, uint64_t now);

/* Makes now's step the newest, drops what is past, sums up the rest. */
void rate_steps_advance(struct policy_window *window, uint64_t now);

/*
 * Adds to a history, oldest first. The ring keeps the newest that fit;
 * the steps, those of the last 60 s before the step advanced to.
 */
void rate_ring_add(
    struct policy_window *window, uint64_t stamp, uint64_t count);
void rate_steps_add(
    struct policy_window *window, uint64_t stamp, uint64_t count);

/* Calls add(to, ...) for all that is known, oldest first. */
void rate_ring_each(struct policy_window *window, uint64_t now,
    struct policy_window *to, rate_add_fn *add);
void rate_steps_each(struct policy_window *window, uint64_t now,
    struct policy_window *to, rate_add_fn *add);

#endif
