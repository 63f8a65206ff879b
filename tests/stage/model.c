/*
 * What the rate window is measured against: the list of all times at which
 * something was accepted, and a count over it. Also a small generator of
 * pseudo-random numbers, the same in every run. Tests only.
 */
#include "tests/stage/model.h"

void
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

size_t
model_within(struct model *model, uint64_t now, uint64_t span)
{
	while (model->first < model->count &&
	       now - model->times[model->first] > span)
		model->first++;
	return (model->count - model->first);
}

void
model_forget(struct model *model, size_t places)
{
	if (model->count - model->first > places)
		model->first = model->count - places;
}

void
model_free(struct model *model)
{
	free(model->times);
	memset(model, 0, sizeof(*model));
}

uint64_t
model_random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state);
}

uint64_t
model_random_below(uint64_t *state, uint64_t bound)
{
	return (model_random_next(state) % bound);
}

bool
model_random_seldom(uint64_t *state, uint32_t limit)
{
	return (model_random_below(state, 1 + limit / 4) == 0);
}

uint64_t
model_random_gap(uint64_t *state, uint32_t limit)
{
	uint64_t fair = WINDOW / limit;

	switch (model_random_below(state, 32)) {
	case 0:
		return (1);
	case 1:
		return (fair);
	case 2:
		return (model_random_seldom(state, limit)
			    ? STEP - 1 + model_random_below(state, 3)
			    : 0);
	case 3:
		return (model_random_seldom(state, limit)
			    ? WINDOW - 1 + model_random_below(state, 3)
			    : 0);
	case 4:
		return (model_random_seldom(state, limit)
			    ? model_random_below(state, 3 * WINDOW)
			    : 0);
	case 5:
	case 6:
	case 7:
	case 8:
		return (0);
	default:
		return (model_random_below(state, fair + 2));
	}
}

void
model_window_new(struct policy_window *window, uint32_t limit, uint64_t now)
{
	size_t size = policy_rate_size(limit);
	void *memory = calloc(1, size);

	assert_non_null(memory);
	assert_int_equal(
	    policy_rate_attach(window, memory, size, limit, now), 0);
}

void
model_window_free(struct policy_window *window)
{
	free(window->rate);
	window->rate = NULL;
}
