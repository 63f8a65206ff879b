/*
 * root-login: may this user log in to this service in this way? Root is
 * uid 0, whatever its name. Asked by login and by the monitor (for ssh),
 * both root, after the user has proved who it is. Pure.
 */
#ifndef PORTREEVE_POLICY_ROOT_H
#define PORTREEVE_POLICY_ROOT_H

#include <stdint.h>

#include "conf/model.h"
#include "lib/role.h"
#include "policy/verdict.h"

#define POLICY_METHOD_LIST(X)                                                  \
	X(POLICY_METHOD_PASSWORD, "password")                                  \
	X(POLICY_METHOD_PUBLICKEY, "publickey")                                \
	X(POLICY_METHOD_KEYBOARD_INTERACTIVE, "keyboard-interactive")

enum policy_method {
#define X(name, text) name,
	POLICY_METHOD_LIST(X)
#undef X
	    POLICY_METHOD_COUNT
};

/* The events' word for a method, a constant; "?" for a value that is none. */
const char *policy_method_text(enum policy_method method);

/*
 * REASON_NONE or REASON_ROOT_LOGIN. deny-password leaves root its keys, where
 * a service knows of keys: for telnet and ftp it means no login as root. A
 * value that is none of its enum, and a service without logins, refuse root.
 */
struct policy_verdict policy_root_login(uint32_t uid, enum policy_method method,
    enum conf_root_login rule, enum service_kind kind);

#endif
