/*
 * root-login for every kind, method and rule, from a table written by hand;
 * user-limit below, at and above its numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/root.h"
#include "policy/user.h"

#define ALLOW ROOT_LOGIN_ALLOW
#define DENY ROOT_LOGIN_DENY
#define DENYP ROOT_LOGIN_DENY_PASSWORD

/* May root in, by password, publickey, keyboard-interactive? */
static const struct {
	enum service_kind kind;
	enum conf_root_login rule;
	bool may[POLICY_METHOD_COUNT];
} root_table[] = {
    {SERVICE_SSH, ALLOW, {true, true, true}},
    {SERVICE_SSH, DENY, {false, false, false}},
    {SERVICE_SSH, DENYP, {false, true, false}},
    {SERVICE_NETCONF, ALLOW, {true, true, true}},
    {SERVICE_NETCONF, DENY, {false, false, false}},
    {SERVICE_NETCONF, DENYP, {false, true, false}},
    {SERVICE_TELNET, ALLOW, {true, true, true}},
    {SERVICE_TELNET, DENY, {false, false, false}},
    {SERVICE_TELNET, DENYP, {false, false, false}},
    {SERVICE_FTP, ALLOW, {true, true, true}},
    {SERVICE_FTP, DENY, {false, false, false}},
    {SERVICE_FTP, DENYP, {false, false, false}},
    {SERVICE_FINGER, ALLOW, {false, false, false}},
    {SERVICE_EXEC, ALLOW, {false, false, false}},
    {SERVICE_COUNT, ALLOW, {false, false, false}},
    {SERVICE_SSH, (enum conf_root_login)7, {false, false, false}},
};
#define ROWS (sizeof(root_table) / sizeof(root_table[0]))

static void
test_root(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		for (int m = 0; m < POLICY_METHOD_COUNT; m++) {
			struct policy_verdict verdict =
			    policy_root_login(0, (enum policy_method)m,
				root_table[i].rule, root_table[i].kind);

			assert_int_equal(verdict.allow, root_table[i].may[m]);
			assert_int_equal(verdict.reason,
			    root_table[i].may[m] ? REASON_NONE
						 : REASON_ROOT_LOGIN);
		}
	}
}

static void
test_root_unknown_method(void **state)
{
	(void)state;
	assert_false(
	    policy_root_login(0, POLICY_METHOD_COUNT, ALLOW, SERVICE_SSH)
		.allow);
	assert_false(
	    policy_root_login(0, (enum policy_method)99, DENYP, SERVICE_SSH)
		.allow);
}

/* Whoever is not uid 0 is none of this rule's business. */
static void
test_others(void **state)
{
	static const uint32_t uids[] = {1, 1000, 65534, UINT32_MAX};

	(void)state;
	for (size_t u = 0; u < 4; u++) {
		for (size_t i = 0; i < ROWS; i++)
			assert_true(
			    policy_root_login(uids[u], POLICY_METHOD_PASSWORD,
				root_table[i].rule, root_table[i].kind)
				.allow);
	}
}

static void
test_methods(void **state)
{
	(void)state;
	assert_string_equal(
	    policy_method_text(POLICY_METHOD_PASSWORD), "password");
	assert_string_equal(
	    policy_method_text(POLICY_METHOD_PUBLICKEY), "publickey");
	assert_string_equal(
	    policy_method_text(POLICY_METHOD_KEYBOARD_INTERACTIVE),
	    "keyboard-interactive");
	assert_string_equal(policy_method_text(POLICY_METHOD_COUNT), "?");
}

static enum policy_reason
user(uint32_t p_limit, uint32_t s_limit, uint32_t p_count, uint32_t s_count)
{
	struct policy_user_limit limit = {
	    .processes = p_limit, .sessions = s_limit};
	struct policy_user_count count = {
	    .processes = p_count, .sessions = s_count};
	struct policy_verdict verdict = policy_user_login(&limit, &count);

	assert_int_equal(verdict.allow, verdict.reason == REASON_NONE);
	return (verdict.reason);
}

static void
test_user(void **state)
{
	static const uint32_t numbers[] = {1, 10, 65535};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint32_t n = numbers[i];

		assert_int_equal(user(0, n, 0, n - 1), REASON_NONE);
		assert_int_equal(user(0, n, 0, n), REASON_USER_LIMIT);
		assert_int_equal(user(0, n, 0, n + 1), REASON_USER_LIMIT);
		assert_int_equal(user(n, 0, n - 1, 0), REASON_NONE);
		assert_int_equal(user(n, 0, n, 0), REASON_USER_LIMIT);
		assert_int_equal(user(n, 0, n + 1, 0), REASON_USER_LIMIT);
	}
	assert_int_equal(user(0, 0, UINT32_MAX, UINT32_MAX), REASON_NONE);
	assert_int_equal(user(40, 10, 39, 9), REASON_NONE);
	assert_int_equal(user(40, 10, 40, 9), REASON_USER_LIMIT);
	assert_int_equal(user(40, 10, 39, 10), REASON_USER_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_root),
	    cmocka_unit_test(test_root_unknown_method),
	    cmocka_unit_test(test_others),
	    cmocka_unit_test(test_methods),
	    cmocka_unit_test(test_user),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
