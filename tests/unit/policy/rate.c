/*
 * The rate window against the slow and obvious model: edges to the
 * nanosecond, random sequences, limits that change, time that stands still.
 */
#include "lib/err.h"
#include "tests/stage/model.h"

static const uint32_t exact_limits[] = {1, 2, 150, 250, 65535};
#define EXACT_COUNT (sizeof(exact_limits) / sizeof(exact_limits[0]))

static void
test_size(void **state)
{
	(void)state;
	assert_int_equal(policy_rate_size(0), 0);
	assert_int_equal(policy_rate_size(POLICY_RATE_MAX + 1), 0);
	assert_int_equal(policy_rate_size(1), 4096);
	assert_int_equal(policy_rate_size(509), 4096);
	assert_int_equal(policy_rate_size(510), 4096 + 8);
	assert_int_equal(
	    policy_rate_size(65535), sizeof(struct policy_rate) + 65535 * 8);
	assert_int_equal(
	    policy_rate_size(65536), sizeof(struct policy_rate) + 601 * 8);
}

static void
test_attach_errors(void **state)
{
	uint64_t memory[512] = {0};
	struct policy_window window;

	(void)state;
	assert_int_equal(
	    policy_rate_attach(&window, memory, sizeof(memory), 0, 1),
	    ERR_VALUE);
	assert_int_equal(policy_rate_attach(&window, memory, sizeof(memory),
			     POLICY_RATE_MAX + 1, 1),
	    ERR_VALUE);
	assert_int_equal(policy_rate_attach(&window, (char *)memory + 4,
			     sizeof(memory) - 8, 1, 1),
	    ERR_VALUE);
	assert_int_equal(policy_rate_attach(
			     &window, memory, policy_rate_size(10) - 1, 10, 1),
	    ERR_TRUNCATED);
	assert_int_equal(
	    policy_rate_attach(&window, memory, policy_rate_size(10), 10, 1),
	    0);
}

/* All at one instant; then 60 s later, to the nanosecond. */
static void
edge_at(uint32_t limit, uint64_t now)
{
	struct policy_window window;

	model_window_new(&window, limit, now);
	for (uint32_t i = 0; i < limit; i++)
		assert_true(policy_rate_take(&window, now));
	assert_false(policy_rate_take(&window, now));
	assert_false(policy_rate_take(&window, now + 1));
	assert_false(policy_rate_take(&window, now + WINDOW - 1));
	assert_false(policy_rate_take(&window, now + WINDOW));
	for (uint32_t i = 0; i < limit; i++)
		assert_true(policy_rate_take(&window, now + WINDOW + 1));
	assert_false(policy_rate_take(&window, now + WINDOW + 1));
	model_window_free(&window);
}

static void
test_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXACT_COUNT; i++) {
		edge_at(exact_limits[i], START);
		edge_at(exact_limits[i], 1);
		edge_at(exact_limits[i], UINT64_MAX - WINDOW - 1);
	}
}

/* The first instant since the boot is kept as the second. */
static void
test_time_zero(void **state)
{
	struct policy_window window;

	(void)state;
	model_window_new(&window, 1, 0);
	assert_true(policy_rate_take(&window, 0));
	assert_false(policy_rate_take(&window, 0));
	assert_false(policy_rate_take(&window, WINDOW));
	assert_true(policy_rate_take(&window, WINDOW + 2));
	model_window_free(&window);
}

/* Each leaves the window by itself, one nanosecond after the other. */
static void
test_slides(void **state)
{
	struct policy_window window;

	(void)state;
	model_window_new(&window, 250, START);
	for (uint64_t i = 0; i < 250; i++)
		assert_true(policy_rate_take(&window, START + i));
	for (uint64_t i = 0; i < 250; i++) {
		assert_false(policy_rate_take(&window, START + WINDOW + i));
		assert_true(policy_rate_take(&window, START + WINDOW + i + 1));
		assert_false(policy_rate_take(&window, START + WINDOW + i + 1));
	}
	model_window_free(&window);
}

static void
test_random_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXACT_COUNT; i++) {
		uint32_t limit = exact_limits[i];
		uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) + limit;
		uint64_t now = START, accepted = 0, refused = 0;
		struct model model = {0};
		struct policy_window window;
		bool expected;

		model_window_new(&window, limit, now);
		for (int round = 0; round < 400000; round++) {
			now += model_random_gap(&seed, limit);
			expected = model_within(&model, now, WINDOW) < limit;
			assert_int_equal(
			    policy_rate_take(&window, now), expected);
			if (expected)
				model_add(&model, now);
			*(expected ? &accepted : &refused) += 1;
		}
		/* A sequence that is all one way would prove nothing. */
		assert_true(accepted > 1000);
		assert_true(refused > 1000);
		model_free(&model);
		model_window_free(&window);
	}
}

static void
test_steps_edges(void **state)
{
	const uint32_t limit = 1000000;
	struct policy_window window;
	uint64_t now = START + 12345;

	(void)state;
	model_window_new(&window, limit, now);
	for (uint32_t i = 0; i < limit; i++)
		assert_true(policy_rate_take(&window, now));
	assert_false(policy_rate_take(&window, now));
	assert_false(policy_rate_take(&window, now + WINDOW - 1));
	assert_false(policy_rate_take(&window, now + WINDOW));
	assert_true(policy_rate_take(&window, now + WINDOW + STEP));
	model_window_free(&window);
}

/* In steps: never one too many, and none refused for over 100 ms too long. */
static void
model_random_steps(uint32_t limit, int rounds)
{
	uint64_t seed = limit, now = START;
	size_t accepted = 0, refused = 0, burst;
	struct model model = {0}, wide;
	struct policy_window window;

	model_window_new(&window, limit, now);
	for (int round = 0; round < rounds; round++) {
		now += model_random_below(&seed, 8) == 0
			   ? model_random_below(&seed, WINDOW / 16)
			   : model_random_below(&seed, STEP);
		burst = model_random_below(&seed, limit / 64);
		for (size_t i = 0; i < burst; i++) {
			if (policy_rate_take(&window, now)) {
				model_add(&model, now);
				accepted++;
				continue;
			}
			refused++;
			wide = model;
			wide.first = 0;
			assert_true(
			    model_within(&wide, now, WINDOW + STEP) >= limit);
			break;
		}
		assert_true(model_within(&model, now, WINDOW) <= limit);
	}
	assert_true(accepted > limit);
	assert_true(refused > 10);
	model_free(&model);
	model_window_free(&window);
}

static void
test_random_steps(void **state)
{
	(void)state;
	model_random_steps(65536, 2000);
	model_random_steps(1000000, 500);
}

static void
test_give_back(void **state)
{
	static const uint32_t limits[] = {1, 3, 70000};
	struct policy_window window;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		model_window_new(&window, limits[i], START);
		for (uint32_t n = 0; n < limits[i]; n++)
			assert_true(policy_rate_take(&window, START));
		assert_false(policy_rate_take(&window, START));
		policy_rate_give_back(&window, START + STEP);
		assert_false(policy_rate_take(&window, START));
		policy_rate_give_back(&window, START);
		assert_true(policy_rate_take(&window, START));
		assert_false(policy_rate_take(&window, START));
		model_window_free(&window);
	}
}

/* A limit that changes in place, the history kept, against the model. */
static void
test_random_set_limit(void **state)
{
	static const uint32_t limits[] = {1, 7, 150, 250, 40};
	size_t size = policy_rate_size(250);
	uint64_t seed = 4711, now = START;
	struct model model = {0};
	struct policy_window window;
	uint32_t limit = 150;
	bool expected;

	(void)state;
	assert_int_equal(
	    policy_rate_attach(&window, calloc(1, size), size, limit, now), 0);
	assert_int_equal(policy_rate_set_limit(&window, 0), ERR_VALUE);
	assert_int_equal(policy_rate_set_limit(&window, 510), ERR_TOO_LONG);
	assert_int_equal(policy_rate_set_limit(&window, 65536), ERR_TOO_LONG);
	for (int round = 0; round < 300000; round++) {
		if (model_random_below(&seed, 500) == 0) {
			limit = limits[model_random_below(&seed, 5)];
			assert_int_equal(
			    policy_rate_set_limit(&window, limit), 0);
		}
		now += model_random_gap(&seed, 150);
		expected = model_within(&model, now, WINDOW) < limit;
		assert_int_equal(policy_rate_take(&window, now), expected);
		if (expected)
			model_add(&model, now);
	}
	model_free(&model);
	model_window_free(&window);
}

/* One history through memories of every size and both kinds. */
static void
test_random_move(void **state)
{
	static const uint32_t limits[] = {3, 250, 9, 65535, 70000, 100000, 600};
	struct policy_window window, next;
	struct model model = {0};
	uint64_t seed = 99, now = START;
	uint32_t limit = 150;
	bool counted = false; /* since times were last exact and complete */
	uint64_t counted_at = 0;
	size_t within;

	(void)state;
	model_window_new(&window, limit, now);
	for (int round = 0; round < 400000; round++) {
		if (model_random_below(&seed, 5000) == 0) {
			limit = limits[model_random_below(&seed, 7)];
			model_window_new(&next, limit, now);
			policy_rate_move(&next, &window, now);
			model_window_free(&window);
			window = next;
			model_within(&model, now, WINDOW);
			if (limit <= POLICY_RATE_EXACT_MAX)
				model_forget(&model, window.capacity);
			if (limit > POLICY_RATE_EXACT_MAX)
				counted = true;
			counted_at = now;
		}
		if (counted && limit <= POLICY_RATE_EXACT_MAX &&
		    now - counted_at > 2 * WINDOW)
			counted = false;
		now += model_random_gap(&seed, 150);
		within = model_within(&model, now, WINDOW);
		if (policy_rate_take(&window, now)) {
			assert_true(within < limit);
			model_add(&model, now);
		} else if (!counted) {
			assert_true(within >= limit);
		}
	}
	model_free(&model);
	model_window_free(&window);
}

/* Steps to steps and steps to a ring lose none, by plain numbers. */
static void
test_move_keeps(void **state)
{
	struct policy_window steps, more, ring;

	(void)state;
	model_window_new(&steps, 70000, START);
	for (int i = 0; i < 70000; i++)
		assert_true(policy_rate_take(&steps, START));
	model_window_new(&more, 70001, START + WINDOW);
	policy_rate_move(&more, &steps, START + WINDOW);
	assert_true(policy_rate_take(&more, START + WINDOW));
	assert_false(policy_rate_take(&more, START + WINDOW));

	model_window_new(&ring, 2, START + WINDOW);
	policy_rate_move(&ring, &more, START + WINDOW);
	assert_false(policy_rate_take(&ring, START + WINDOW));
	assert_true(policy_rate_take(&ring, START + WINDOW + STEP));
	assert_false(policy_rate_take(&ring, START + WINDOW + STEP));
	assert_false(policy_rate_take(&ring, START + 2 * WINDOW));
	model_window_free(&steps);
	model_window_free(&more);
	model_window_free(&ring);
}

/* Two windows share nothing. */
static void
test_apart(void **state)
{
	struct policy_window inet, inet6;

	(void)state;
	model_window_new(&inet, 1, START);
	model_window_new(&inet6, 1, START);
	assert_true(policy_rate_take(&inet, START));
	assert_false(policy_rate_take(&inet, START));
	assert_true(policy_rate_take(&inet6, START));
	model_window_free(&inet);
	model_window_free(&inet6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_attach_errors),
	    cmocka_unit_test(test_edges),
	    cmocka_unit_test(test_time_zero),
	    cmocka_unit_test(test_slides),
	    cmocka_unit_test(test_random_exact),
	    cmocka_unit_test(test_steps_edges),
	    cmocka_unit_test(test_random_steps),
	    cmocka_unit_test(test_give_back),
	    cmocka_unit_test(test_random_set_limit),
	    cmocka_unit_test(test_random_move),
	    cmocka_unit_test(test_move_keeps),
	    cmocka_unit_test(test_apart),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
