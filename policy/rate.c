/*
 * The rate window; policy/rate.h says what holds. This file is the part that
 * callers see; the two ways to keep a history are policy/rate_ring.c (exact)
 * and policy/rate_steps.c (counted). Runs in the master, without privilege.
 * Distrusts the shared memory; never reads a clock, allocates or exits.
 */
#include "policy/rate.h"

#include "lib/err.h"
#include "policy/rate_private.h"

static uint32_t
rate_magic(uint32_t limit)
{
	return (rate_is_exact(limit) ? RATE_MAGIC_RING : RATE_MAGIC_STEPS);
}

/* 0 stands for "never" in a slot, so the first nanosecond is the second. */
static uint64_t
rate_now(uint64_t now)
{
	return (now == 0 ? 1 : now);
}

/* The magic is gone first and there last: a half-made history is none. */
void
policy_rate_clear(struct policy_window *window)
{
	struct policy_rate *rate = window->rate;

	rate_store32(&rate->magic, 0);
	for (uint32_t i = 0; i < window->capacity; i++) {
		/* Pages that were never written need not exist. */
		if (rate_load(&rate->slot[i]) != 0)
			rate_store(&rate->slot[i], 0);
	}
	rate_store32(&rate->capacity, window->capacity);
	rate_store32(&rate->next, 0);
	rate_store(&rate->step, 0);
	rate_store32(&rate->magic, rate_magic(window->limit));
	window->step = 0;
	window->total = 0;
}

static bool
rate_is_known(const struct policy_window *window)
{
	const struct policy_rate *rate = window->rate;

	return (rate_load32(&rate->magic) == rate_magic(window->limit) &&
		rate_load32(&rate->capacity) == window->capacity);
}

int
policy_rate_attach(struct policy_window *window, void *memory, size_t size,
    uint32_t limit, uint64_t now)
{
	size_t need = policy_rate_size(limit);
	size_t slots;

	if (need == 0 || (uintptr_t)memory % sizeof(uint64_t) != 0)
		return (ERR_VALUE);
	if (size < need)
		return (ERR_TRUNCATED);
	slots = (size - sizeof(struct policy_rate)) / sizeof(uint64_t);
	if (slots > POLICY_RATE_EXACT_MAX)
		slots = POLICY_RATE_EXACT_MAX;
	if (!rate_is_exact(limit))
		slots = POLICY_RATE_STEPS;

	window->rate = memory;
	window->capacity = (uint32_t)slots;
	window->limit = limit;
	window->step = 0;
	window->total = 0;
	if (!rate_is_known(window))
		policy_rate_clear(window);
	if (rate_is_exact(limit))
		rate_ring_repair(window, rate_now(now));
	else
		rate_steps_advance(window, rate_now(now));
	return (0);
}

bool
policy_rate_has(struct policy_window *window, uint32_t attempts, uint64_t now)
{
	if (rate_is_exact(window->limit))
		return (rate_ring_has(window, attempts, rate_now(now)));
	return (rate_steps_has(window, attempts, rate_now(now)));
}

bool
policy_rate_take(struct policy_window *window, uint64_t now)
{
	if (rate_is_exact(window->limit))
		return (rate_ring_take(window, rate_now(now)));
	return (rate_steps_take(window, rate_now(now)));
}

void
policy_rate_give_back(struct policy_window *window, uint64_t now)
{
	if (rate_is_exact(window->limit))
		rate_ring_give_back(window, rate_now(now));
	else
		rate_steps_give_back(window, rate_now(now));
}

int
policy_rate_set_limit(struct policy_window *window, uint32_t limit)
{
	if (policy_rate_size(limit) == 0)
		return (ERR_VALUE);
	if (rate_is_exact(limit) != rate_is_exact(window->limit) ||
	    rate_slots(limit) > window->capacity)
		return (ERR_TOO_LONG);
	window->limit = limit;
	return (0);
}

static void
rate_add(struct policy_window *window, uint64_t stamp, uint64_t count)
{
	if (rate_is_exact(window->limit))
		rate_ring_add(window, stamp, count);
	else
		rate_steps_add(window, stamp, count);
}

void
policy_rate_move(
    struct policy_window *to, struct policy_window *from, uint64_t now)
{
	now = rate_now(now);
	policy_rate_clear(to);
	rate_store32(&to->rate->magic, 0);
	if (!rate_is_exact(to->limit))
		rate_steps_advance(to, now);
	if (rate_is_exact(from->limit))
		rate_ring_each(from, now, to, rate_add);
	else
		rate_steps_each(from, now, to, rate_add);
	rate_store32(&to->rate->magic, rate_magic(to->limit));
}
