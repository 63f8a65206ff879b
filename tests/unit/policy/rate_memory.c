/*
 * The rate window's memory after its process: re-read by the next one, torn
 * by a kill between two stores, or garbage. Whatever is found, what is
 * accepted from then on holds to the limit, and it recovers.
 */
#include "tests/stage/model.h"

static const uint32_t limits[] = {1, 3, 250, 1000, 65536};
#define LIMIT_COUNT (sizeof(limits) / sizeof(limits[0]))

static size_t
window_size(const struct policy_window *window)
{
	return (sizeof(struct policy_rate) +
		(size_t)window->capacity * sizeof(uint64_t));
}

static void
window_again(struct policy_window *window, uint64_t now)
{
	size_t size = window_size(window);
	uint32_t limit = window->limit;
	struct policy_rate *rate = window->rate;

	memset(window, 0xa5, sizeof(*window));
	assert_int_equal(policy_rate_attach(window, rate, size, limit, now), 0);
}

/* The process dies and the next goes on, at random moments. */
static void
test_restart(void **state)
{
	(void)state;
	for (size_t i = 0; i < LIMIT_COUNT - 1; i++) {
		uint64_t seed = 31 + i, now = START;
		struct model model = {0};
		struct policy_window window;
		bool expected;

		model_window_new(&window, limits[i], now);
		for (int round = 0; round < 100000; round++) {
			now += model_random_gap(&seed, limits[i]);
			if (model_random_below(&seed, 1000) == 0)
				window_again(&window, now);
			expected =
			    model_within(&model, now, WINDOW) < limits[i];
			assert_int_equal(
			    policy_rate_take(&window, now), expected);
			if (expected)
				model_add(&model, now);
		}
		model_free(&model);
		model_window_free(&window);
	}
}

static void
test_restart_steps(void **state)
{
	struct policy_window window;

	(void)state;
	model_window_new(&window, 65536, START);
	for (int i = 0; i < 65536; i++) {
		if (i % 5000 == 0)
			window_again(&window, START + (uint64_t)i);
		assert_true(policy_rate_take(&window, START + (uint64_t)i));
	}
	window_again(&window, START + WINDOW);
	assert_false(policy_rate_take(&window, START + WINDOW));
	model_window_free(&window);
}

/*
 * Killed after the ring's place moved, before the time was written: the
 * attempt was never served. The window may count it or not.
 */
static void
test_torn_ring(void **state)
{
	uint64_t seed = 77, now = START;
	struct model model = {0};
	struct policy_window window;
	size_t within, torn = 0;

	(void)state;
	model_window_new(&window, 250, now);
	for (int round = 0; round < 200000; round++) {
		now += model_random_gap(&seed, 250);
		within = model_within(&model, now, WINDOW);
		if (model_random_below(&seed, 2000) == 0 && within < 250) {
			window.rate->next =
			    (window.rate->next + 1) % window.capacity;
			window_again(&window, now);
			torn++;
		}
		if (policy_rate_take(&window, now)) {
			assert_true(within < 250);
			model_add(&model, now);
		} else {
			/* Those torn count at most as attempts of their own. */
			assert_true(within + torn >= 250);
		}
		if (model_random_below(&seed, 20000) == 0) {
			now += 2 * WINDOW;
			torn = 0;
		}
	}
	model_free(&model);
	model_window_free(&window);
}

/* Garbage, then as many attempts as it takes: the limit, and a recovery. */
static void
garbage_holds(struct policy_window *window, uint64_t *seed, uint64_t now)
{
	struct model model = {0};
	uint64_t end = now + 3 * WINDOW;
	uint32_t limit = window->limit;
	size_t late = 0;

	while (now < end) {
		uint64_t burst = model_random_below(seed, limit / 8 + 2);

		for (uint64_t i = 0; i < burst; i++) {
			if (!policy_rate_take(window, now))
				break;
			model_add(&model, now);
			if (now > end - WINDOW)
				late++;
		}
		assert_true(model_within(&model, now, WINDOW) <= limit);
		now += model_random_below(seed, WINDOW / 20);
	}
	assert_true(late > 0);
	model_free(&model);
}

static void
fill(uint64_t *seed, void *memory, size_t size)
{
	unsigned char *bytes = memory;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)model_random_next(seed);
}

/* Wholly random bytes, and random ones behind a true header. */
static void
test_garbage_found(void **state)
{
	uint64_t seed = 12;

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < LIMIT_COUNT; i++) {
			struct policy_window window;
			struct policy_rate header;
			size_t size;

			model_window_new(&window, limits[i], START);
			size = window_size(&window);
			header = *window.rate;
			fill(&seed, window.rate, size);
			if (round % 2 == 0) {
				window.rate->magic = header.magic;
				window.rate->capacity = header.capacity;
			}
			window_again(&window, START);
			garbage_holds(&window, &seed, START);
			model_window_free(&window);
		}
	}
}

/* The same beneath a running process, the header with it. */
static void
test_garbage_running(void **state)
{
	uint64_t seed = 13;

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < LIMIT_COUNT; i++) {
			struct policy_window window;

			model_window_new(&window, limits[i], START);
			for (uint32_t n = 0; n < limits[i] / 2; n++)
				assert_true(policy_rate_take(&window, START));
			fill(&seed, window.rate, window_size(&window));
			garbage_holds(&window, &seed, START + 1);
			model_window_free(&window);
		}
	}
}

/* Times from a future that is not to be: full for a minute, no longer. */
static void
test_future(void **state)
{
	struct policy_window window;

	(void)state;
	model_window_new(&window, 250, START);
	memset(window.rate->slot, 0xff, window.capacity * sizeof(uint64_t));
	window_again(&window, START);
	assert_false(policy_rate_take(&window, START));
	assert_false(policy_rate_take(&window, START + WINDOW));
	for (int i = 0; i < 250; i++)
		assert_true(policy_rate_take(&window, START + WINDOW + 1));
	assert_false(policy_rate_take(&window, START + WINDOW + 1));
	model_window_free(&window);

	model_window_new(&window, 65536, START);
	for (int i = 0; i < 65536; i++)
		assert_true(policy_rate_take(&window, START));
	window.rate->step = UINT64_MAX;
	assert_false(policy_rate_take(&window, START + STEP));
	assert_false(policy_rate_take(&window, START + WINDOW));
	assert_true(policy_rate_take(&window, START + WINDOW + 3 * STEP));
	model_window_free(&window);
}

/* Times in no order: what the memory says of the last 60 s counts whole. */
static void
test_unordered(void **state)
{
	uint64_t seed = 8;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct policy_window window;
		uint32_t within = 0, taken = 0;

		model_window_new(&window, 250, START);
		for (uint32_t i = 0; i < window.capacity; i++) {
			uint64_t age = model_random_below(&seed, WINDOW);

			/* The ring says that the second half is newer. */
			if (i >= window.capacity / 2)
				age += WINDOW;
			window.rate->slot[i] = START - age;
			within += age <= WINDOW;
		}
		window_again(&window, START);
		while (policy_rate_take(&window, START))
			taken++;
		assert_true(taken == 0 || taken + within <= 250);
		assert_true(policy_rate_take(&window, START + WINDOW + 1));
		model_window_free(&window);
	}
}

/* Cleared memory knows nothing; a step goes on being the present one. */
static void
test_clear(void **state)
{
	(void)state;
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		struct policy_window window;

		model_window_new(&window, limits[i], START);
		for (int round = 0; round < 2; round++) {
			for (uint32_t n = 0; n < limits[i]; n++)
				assert_true(policy_rate_take(&window, START));
			assert_false(policy_rate_take(&window, START));
			policy_rate_clear(&window);
		}
		model_window_free(&window);
	}
}

/* A move that was not finished leaves an empty history, not half of one. */
static void
test_half_moved(void **state)
{
	struct policy_window window;

	(void)state;
	model_window_new(&window, 250, START);
	for (int i = 0; i < 250; i++)
		assert_true(policy_rate_take(&window, START));
	window.rate->magic = 0;
	window_again(&window, START);
	for (int i = 0; i < 250; i++)
		assert_true(policy_rate_take(&window, START));
	assert_false(policy_rate_take(&window, START));
	model_window_free(&window);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_restart),
	    cmocka_unit_test(test_restart_steps),
	    cmocka_unit_test(test_torn_ring),
	    cmocka_unit_test(test_garbage_found),
	    cmocka_unit_test(test_garbage_running),
	    cmocka_unit_test(test_future),
	    cmocka_unit_test(test_unordered),
	    cmocka_unit_test(test_clear),
	    cmocka_unit_test(test_half_moved),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
