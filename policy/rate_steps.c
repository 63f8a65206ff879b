/*
 * The counted history, for limits whose exact times would take too much
 * memory: how many were accepted in each of the 601 steps of 100 ms that 60 s
 * can touch. All of the first and the last step count, so an attempt may be
 * refused up to 100 ms too long, and none is accepted too early. Runs in the
 * master, without privilege; distrusts every value in shared memory.
 *
 * The sum is the process's own, made anew when the step changes: a wrong
 * count does its harm for a minute at most.
 */
#include "policy/rate_private.h"

static uint64_t *
steps_slot(struct policy_window *window, uint64_t step)
{
	return (&window->rate->slot[step % POLICY_RATE_STEPS]);
}

/* The sum of all steps, no more than can be told apart from "too many". */
static uint64_t
steps_sum(struct policy_window *window)
{
	uint64_t sum = 0, count;

	for (uint64_t i = 0; i < POLICY_RATE_STEPS; i++) {
		count = rate_load(steps_slot(window, i));
		if (count > POLICY_RATE_MAX)
			return (POLICY_RATE_MAX);
		sum += count;
	}
	return (sum < POLICY_RATE_MAX ? sum : POLICY_RATE_MAX);
}

/* Steps first to last, which are POLICY_RATE_STEPS at most, become empty. */
static void
steps_empty(struct policy_window *window, uint64_t first, uint64_t last)
{
	for (uint64_t step = first; step <= last; step++) {
		if (rate_load(steps_slot(window, step)) != 0)
			rate_store(steps_slot(window, step), 0);
	}
}

/*
 * The steps are emptied before the number that makes them current is stored:
 * killed in between, only what was past already is gone.
 */
void
rate_steps_advance(struct policy_window *window, uint64_t now)
{
	struct policy_rate *rate = window->rate;
	uint64_t step = now / POLICY_RATE_STEP;
	uint64_t last = rate_load(&rate->step);
	uint64_t sum;

	if (last > step) {
		/* Not a time that was: all that is there is of now. */
		sum = steps_sum(window);
		steps_empty(window, step, step + POLICY_RATE_STEPS - 1);
		rate_store(steps_slot(window, step), sum);
	} else if (step - last >= POLICY_RATE_STEPS) {
		steps_empty(window, step, step + POLICY_RATE_STEPS - 1);
	} else {
		steps_empty(window, last + 1, step);
	}
	rate_store(&rate->step, step);
	window->step = step;
	window->total = steps_sum(window);
}

bool
rate_steps_has(struct policy_window *window, uint32_t attempts, uint64_t now)
{
	uint64_t step = now / POLICY_RATE_STEP;

	if (step != window->step || step != rate_load(&window->rate->step))
		rate_steps_advance(window, now);
	return (window->total >= attempts);
}

bool
rate_steps_take(struct policy_window *window, uint64_t now)
{
	uint64_t step = now / POLICY_RATE_STEP;
	uint64_t count;

	if (rate_steps_has(window, window->limit, now))
		return (false);
	count = rate_load(steps_slot(window, step));
	if (count < POLICY_RATE_MAX)
		rate_store(steps_slot(window, step), count + 1);
	window->total++;
	return (true);
}

void
rate_steps_give_back(struct policy_window *window, uint64_t now)
{
	uint64_t step = now / POLICY_RATE_STEP;
	uint64_t count;

	if (step != window->step || window->total == 0)
		return;
	count = rate_load(steps_slot(window, step));
	if (count == 0)
		return;
	rate_store(steps_slot(window, step), count - 1);
	window->total--;
}

void
rate_steps_add(struct policy_window *window, uint64_t stamp, uint64_t count)
{
	uint64_t step = stamp / POLICY_RATE_STEP;

	if (step > window->step || window->step - step >= POLICY_RATE_STEPS)
		return;
	count += rate_load(steps_slot(window, step));
	rate_store(steps_slot(window, step), count);
	window->total += count;
}

void
rate_steps_each(struct policy_window *window, uint64_t now,
    struct policy_window *to, rate_add_fn *add)
{
	uint64_t step, end, count;

	rate_steps_advance(window, now);
	step = window->step >= POLICY_RATE_STEPS - 1
		   ? window->step - (POLICY_RATE_STEPS - 1)
		   : 0;
	for (; step <= window->step; step++) {
		count = rate_load(steps_slot(window, step));
		end = (step + 1) * POLICY_RATE_STEP - 1;
		if (count != 0)
			add(to, end < now ? end : now, count);
	}
}
