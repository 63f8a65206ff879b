/* root-login; policy/root.h says what holds. Pure; asked by root's processes.
 */
#include "policy/root.h"

#include <stdbool.h>

const char *
policy_method_text(enum policy_method method)
{
	switch (method) {
#define X(name, text)                                                          \
	case name:                                                             \
		return (text);
		POLICY_METHOD_LIST(X)
#undef X
	case POLICY_METHOD_COUNT:
		break;
	}
	return ("?");
}

static bool
root_is_method(enum policy_method method)
{
	return (method == POLICY_METHOD_PASSWORD ||
		method == POLICY_METHOD_PUBLICKEY ||
		method == POLICY_METHOD_KEYBOARD_INTERACTIVE);
}

static bool
root_is_allowed(enum policy_method method, enum conf_root_login rule,
    enum service_kind kind)
{
	const unsigned logins = service_traits(kind)->logins;

	if (!root_is_method(method) || logins == 0)
		return (false);
	switch (rule) {
	case ROOT_LOGIN_ALLOW:
		return (true);
	case ROOT_LOGIN_DENY_PASSWORD:
		return (method == POLICY_METHOD_PUBLICKEY &&
			(logins & LOGIN_KEYS) != 0);
	case ROOT_LOGIN_DENY:
		break;
	}
	return (false);
}

struct policy_verdict
policy_root_login(uint32_t uid, enum policy_method method,
    enum conf_root_login rule, enum service_kind kind)
{
	if (uid != 0 || root_is_allowed(method, rule, kind))
		return (policy_verdict_make(REASON_NONE));
	return (policy_verdict_make(REASON_ROOT_LOGIN));
}
