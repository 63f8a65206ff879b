/*
 * The exact history: a ring of the times of the last attempts accepted. One
 * more may be accepted when the limit-th most recent is more than 60 s old,
 * so a decision looks at one slot whatever the limit. Runs in the master,
 * without privilege; distrusts every value in the ring.
 */
#include "policy/rate_private.h"

/* The ring's place to be written next, within its bounds whatever it says. */
static uint32_t
ring_next(const struct policy_window *window)
{
	uint32_t next = rate_load32(&window->rate->next);

	return (next < window->capacity ? next : 0);
}

static uint32_t
ring_before(const struct policy_window *window, uint32_t at, uint32_t distance)
{
	return (
	    at >= distance ? at - distance : at + window->capacity - distance);
}

static uint32_t
ring_after(const struct policy_window *window, uint32_t at)
{
	return (at + 1 == window->capacity ? 0 : at + 1);
}

/*
 * The place moves before the time is written: killed in between, the ring
 * holds one old time too many, which is an attempt never served and never
 * counted. The other way round it would refuse for a minute.
 */
static void
ring_push(struct policy_window *window, uint32_t at, uint64_t stamp)
{
	rate_store32(&window->rate->next, ring_after(window, at));
	rate_store(&window->rate->slot[at], stamp);
}

void
rate_ring_repair(struct policy_window *window, uint64_t now)
{
	struct policy_rate *rate = window->rate;
	uint32_t at = ring_next(window);
	uint64_t least = 0, stamp, sane;

	rate_store32(&rate->next, at);
	for (uint32_t i = 0; i < window->capacity; i++) {
		stamp = rate_load(&rate->slot[at]);
		sane = stamp < least ? least : stamp;
		if (sane > now)
			sane = now;
		if (sane != stamp)
			rate_store(&rate->slot[at], sane);
		least = sane;
		at = ring_after(window, at);
	}
}

bool
rate_ring_has(struct policy_window *window, uint32_t attempts, uint64_t now)
{
	struct policy_rate *rate = window->rate;
	uint32_t at = ring_next(window);
	uint32_t newest = ring_before(window, at, 1);
	uint32_t nth = ring_before(window, at, attempts);
	uint64_t stamp;

	/* Nothing is later than now, unless the memory was damaged. */
	if (rate_load(&rate->slot[newest]) > now ||
	    rate_load(&rate->slot[nth]) > now)
		rate_ring_repair(window, now);
	stamp = rate_load(&rate->slot[nth]);
	return (
	    stamp != 0 && (stamp > now || now - stamp <= POLICY_RATE_WINDOW));
}

bool
rate_ring_take(struct policy_window *window, uint64_t now)
{
	if (rate_ring_has(window, window->limit, now))
		return (false);
	ring_push(window, ring_next(window), now);
	return (true);
}

void
rate_ring_give_back(struct policy_window *window, uint64_t now)
{
	uint32_t newest = ring_before(window, ring_next(window), 1);

	if (rate_load(&window->rate->slot[newest]) != now)
		return;
	rate_store(&window->rate->slot[newest], 0);
	rate_store32(&window->rate->next, newest);
}

void
rate_ring_add(struct policy_window *window, uint64_t stamp, uint64_t count)
{
	if (count > window->capacity)
		count = window->capacity;
	for (uint64_t i = 0; i < count; i++)
		ring_push(window, ring_next(window), stamp);
}

void
rate_ring_each(struct policy_window *window, uint64_t now,
    struct policy_window *to, rate_add_fn *add)
{
	uint32_t at;
	uint64_t stamp;

	rate_ring_repair(window, now);
	at = ring_next(window);
	for (uint32_t i = 0; i < window->capacity; i++) {
		stamp = rate_load(&window->rate->slot[at]);
		if (stamp != 0)
			add(to, stamp, 1);
		at = ring_after(window, at);
	}
}
