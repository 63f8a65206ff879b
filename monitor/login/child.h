/*
 * The user's own first process. Forked by login, root at first, the user's
 * shell in the end.
 */
#ifndef PORTREEVE_MONITOR_LOGIN_CHILD_H
#define PORTREEVE_MONITOR_LOGIN_CHILD_H

#include "monitor/login/env.h"
#include "monitor/login/login.h"
#include "monitor/login/pty.h"

/*
 * In the child: a session and terminal of its own, the user's identity, the
 * shell. Begins when a byte comes by `gate`; without one (login died) ends.
 */
void child_run(const struct login_run *l, const struct pty *pty,
    struct env *env, int gate) __attribute__((noreturn));

#endif
