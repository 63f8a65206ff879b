/*
 * connection-limit and rate-limit together: order, slots, families apart,
 * and random sequences against a model of both.
 */
#include "policy/limits.h"
#include "tests/stage/model.h"

static const struct policy_request good = {.resources = true};

static void
limiter_new(struct policy_limiter *limiter, uint32_t connections, uint32_t rate)
{
	memset(limiter, 0, sizeof(*limiter));
	limiter->connection_limit = connections;
	model_window_new(&limiter->rate, rate, START);
}

static void
ask(struct policy_limiter *limiter, const struct policy_request *request,
    uint64_t now, enum policy_reason expected)
{
	struct policy_verdict verdict =
	    policy_limits_ask(limiter, request, now);

	assert_int_equal(verdict.reason, expected);
	assert_int_equal(verdict.allow, expected == REASON_NONE);
}

static void
test_connection_limit(void **state)
{
	struct policy_limiter limiter;

	(void)state;
	limiter_new(&limiter, 75, 250);
	for (int i = 0; i < 75; i++)
		ask(&limiter, &good, START, REASON_NONE);
	ask(&limiter, &good, START, REASON_CONNECTION_LIMIT);
	policy_limits_end(&limiter, NULL, true);
	ask(&limiter, &good, START, REASON_NONE);
	ask(&limiter, &good, START, REASON_CONNECTION_LIMIT);
	model_window_free(&limiter.rate);
}

/* Refusals of every kind, as many as you like, spend no rate. */
static void
test_refused_spends_nothing(void **state)
{
	static const struct policy_request none = {.resources = false};
	static const struct policy_request denied = {
	    .resources = true, .denied = true};
	struct policy_limiter limiter;

	(void)state;
	limiter_new(&limiter, 1, 2);
	ask(&limiter, &good, START, REASON_NONE);
	for (int i = 0; i < 1000; i++) {
		ask(&limiter, &good, START, REASON_CONNECTION_LIMIT);
		ask(&limiter, &none, START, REASON_CONNECTION_LIMIT);
		ask(&limiter, &denied, START, REASON_ACCESS);
	}
	policy_limits_end(&limiter, NULL, true);
	for (int i = 0; i < 1000; i++) {
		ask(&limiter, &none, START, REASON_NO_RESOURCES);
		ask(&limiter, &denied, START, REASON_ACCESS);
	}
	ask(&limiter, &good, START, REASON_NONE);
	policy_limits_end(&limiter, NULL, true);
	ask(&limiter, &good, START, REASON_RATE_LIMIT);
	ask(&limiter, &good, START + WINDOW, REASON_RATE_LIMIT);
	assert_int_equal(limiter.connections, 0);
	ask(&limiter, &good, START + WINDOW + 1, REASON_NONE);
	model_window_free(&limiter.rate);
}

static void
test_families_apart(void **state)
{
	struct policy_limiter inet, inet6;

	(void)state;
	limiter_new(&inet, 1, 1);
	limiter_new(&inet6, 1, 1);
	ask(&inet, &good, START, REASON_NONE);
	ask(&inet, &good, START, REASON_CONNECTION_LIMIT);
	ask(&inet6, &good, START, REASON_NONE);
	policy_limits_end(&inet, NULL, true);
	ask(&inet, &good, START, REASON_RATE_LIMIT);
	ask(&inet6, &good, START, REASON_CONNECTION_LIMIT);
	model_window_free(&inet.rate);
	model_window_free(&inet6.rate);
}

static void
test_undo(void **state)
{
	struct policy_limiter limiter;

	(void)state;
	limiter_new(&limiter, 1, 1);
	for (int i = 0; i < 100; i++) {
		ask(&limiter, &good, START, REASON_NONE);
		policy_limits_undo(&limiter, NULL, START);
	}
	ask(&limiter, &good, START, REASON_NONE);
	ask(&limiter, &good, START, REASON_CONNECTION_LIMIT);
	model_window_free(&limiter.rate);
}

/* What is found again holds its slot even over a limit made smaller. */
static void
test_adopt(void **state)
{
	struct policy_limiter limiter;

	(void)state;
	limiter_new(&limiter, 2, 10);
	for (int i = 0; i < 3; i++)
		policy_limits_adopt(&limiter, NULL, true, START);
	for (int i = 0; i < 2; i++) {
		ask(&limiter, &good, START, REASON_CONNECTION_LIMIT);
		policy_limits_end(&limiter, NULL, true);
	}
	ask(&limiter, &good, START, REASON_NONE);
	for (int i = 0; i < 9; i++)
		policy_limits_end(&limiter, NULL, true);
	assert_int_equal(limiter.connections, 0);
	model_window_free(&limiter.rate);
}

/* Attempts and ends in random order, for both families at once. */
static void
test_random(void **state)
{
	const uint32_t slots = 20, rate = 150;
	struct policy_limiter limiters[2];
	struct model models[2] = {{0}, {0}};
	uint32_t present[2] = {0, 0};
	uint64_t seen[REASON_COUNT] = {0};
	uint64_t seed = 5, now = START;

	(void)state;
	limiter_new(&limiters[0], slots, rate);
	limiter_new(&limiters[1], slots, rate);
	for (int round = 0; round < 300000; round++) {
		size_t f = model_random_below(&seed, 2);
		enum policy_reason expected = REASON_NONE;

		now += model_random_gap(&seed, rate) / 8;
		if (present[f] > 0 && model_random_below(&seed, 2) == 0) {
			policy_limits_end(&limiters[f], NULL, true);
			present[f]--;
			continue;
		}
		if (present[f] >= slots)
			expected = REASON_CONNECTION_LIMIT;
		else if (model_within(&models[f], now, WINDOW) >= rate)
			expected = REASON_RATE_LIMIT;
		ask(&limiters[f], &good, now, expected);
		seen[expected]++;
		if (expected == REASON_NONE) {
			model_add(&models[f], now);
			present[f]++;
		}
	}
	assert_true(seen[REASON_NONE] > 1000);
	assert_true(seen[REASON_CONNECTION_LIMIT] > 100);
	assert_true(seen[REASON_RATE_LIMIT] > 1000);
	for (size_t f = 0; f < 2; f++) {
		model_free(&models[f]);
		model_window_free(&limiters[f].rate);
	}
}

static void
test_reason_texts(void **state)
{
	(void)state;
	assert_string_equal(
	    policy_reason_text(REASON_CONNECTION_LIMIT), "connection-limit");
	assert_string_equal(
	    policy_reason_text(REASON_RATE_LIMIT), "rate-limit");
	assert_string_equal(
	    policy_reason_text(REASON_NO_RESOURCES), "no-resources");
	assert_string_equal(
	    policy_reason_text(REASON_NOT_CONFIGURED), "not-configured");
	assert_string_equal(
	    policy_reason_text(REASON_ROOT_LOGIN), "root-login");
	assert_string_equal(
	    policy_reason_text(REASON_USER_LIMIT), "user-limit");
	assert_string_equal(policy_reason_text(REASON_COUNT), "?");
	assert_string_equal(policy_reason_text((enum policy_reason)999), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_connection_limit),
	    cmocka_unit_test(test_refused_spends_nothing),
	    cmocka_unit_test(test_families_apart),
	    cmocka_unit_test(test_undo),
	    cmocka_unit_test(test_adopt),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_reason_texts),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
