/*
 * What the rate window is measured against: the list of all times at which
 * something was accepted, and a count over it. Also a small generator of
 * pseudo-random numbers, the same in every run. Tests only.
 */
#ifndef PORTREEVE_TESTS_STAGE_MODEL_H
#define PORTREEVE_TESTS_STAGE_MODEL_H

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
void model_add(struct model *model, uint64_t now);

/* How many were accepted in [now - span, now]; now never goes back. */
size_t model_within(struct model *model, uint64_t now, uint64_t span);

/* What a memory of so many places cannot know any more. */
void model_forget(struct model *model, size_t places);
void model_free(struct model *model);
uint64_t model_random_next(uint64_t *state);
uint64_t model_random_below(uint64_t *state, uint64_t bound);

/* Once in a while, so that long gaps do not outweigh a large limit. */
bool model_random_seldom(uint64_t *state, uint32_t limit);

/* A gap in ns: mostly less than the limit bears, at times an edge. */
uint64_t model_random_gap(uint64_t *state, uint32_t limit);

/* A window in fresh, zeroed memory of just the size that the limit needs. */
void model_window_new(
    struct policy_window *window, uint32_t limit, uint64_t now);
void model_window_free(struct policy_window *window);

#endif
