/*
 * What the rate window is measured against: the list of all times at which
 * something was accepted, and a count over it. Also a small generator of
 * pseudo-random numbers, the same in every run. Tests only.
 */
#ifndef PORTREEVE_TESTS_POLICY_MODEL_H
#define PORTREEVE_TESTS_POLICY_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rate.h"

#define WINDOW POLICY_RATE_WINDOW
#define STEP POLICY_RATE_STEP
#define START (UINT64_C(1000) * WINDOW)

struct model {
	uint64_t *times; /* ascending */
	size_t count, room;
	size_t first; /* the first that count_since() had to look at */
};

static inline void
model_add(struct model *model, uint64_t now)
{
	if (model->count == model->room) {
		model->room = model->room * 2 + 1024;
		model->times = realloc(
		    model->times, model->room * sizeof(model->times[0]));
		assert_non_null(model->times);
	}
	model->times[model->count++] = now;
}

/* How many were accepted in [now - span, now]; now never goes back. */
static inline size_t
model_within(struct model *model, uint64_t now, uint64_t span)
{
	while (model->first < model->count &&
	       now - model->times[model->first] > span)
		model->first++;
	return (model->count - model->first);
}

/* What a memory of so many places cannot know any more. */
static inline void
model_forget(struct model *model, size_t places)
{
	if (model->count - model->first > places)
		model->first = model->count - places;
}

static inline void
model_free(struct model *model)
{
	free(model->times);
	memset(model, 0, sizeof(*model));
}

static inline uint64_t
random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state);
}

static inline uint64_t
random_below(uint64_t *state, uint64_t bound)
{
	return (random_next(state) % bound);
}

/* Once in a while, so that long gaps do not outweigh a large limit. */
static inline bool
random_seldom(uint64_t *state, uint32_t limit)
{
	return (random_below(state, 1 + limit / 4) == 0);
}

/* A gap in ns: mostly less than the limit bears, at times an edge. */
static inline uint64_t
random_gap(uint64_t *state, uint32_t limit)
{
	uint64_t fair = WINDOW / limit;

	switch (random_below(state, 32)) {
	case 0:
		return (1);
	case 1:
		return (fair);
	case 2:
		return (random_seldom(state, limit)
			    ? STEP - 1 + random_below(state, 3)
			    : 0);
	case 3:
		return (random_seldom(state, limit)
			    ? WINDOW - 1 + random_below(state, 3)
			    : 0);
	case 4:
		return (random_seldom(state, limit)
			    ? random_below(state, 3 * WINDOW)
			    : 0);
	case 5:
	case 6:
	case 7:
	case 8:
		return (0);
	default:
		return (random_below(state, fair + 2));
	}
}

/* A window in fresh, zeroed memory of just the size that the limit needs. */
static inline void
window_new(struct policy_window *window, uint32_t limit, uint64_t now)
{
	size_t size = policy_rate_size(limit);
	void *memory = calloc(1, size);

	assert_non_null(memory);
	assert_int_equal(
	    policy_rate_attach(window, memory, size, limit, now), 0);
}

static inline void
window_free(struct policy_window *window)
{
	free(window->rate);
	window->rate = NULL;
}

#endif
