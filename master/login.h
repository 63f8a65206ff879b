/*
 * Logins of built-in services: a worker's wish goes to the monitor with the
 * copy of the connection that the master kept for it; a channel to the login
 * process, or a refusal, goes back. Master only; it reads no word of either
 * side's, and decides nothing.
 */
#ifndef PORTREEVE_MASTER_LOGIN_H
#define PORTREEVE_MASTER_LOGIN_H

#include "master/session.h"

/* LOGIN_ASK; late: as the worker says, no login is wanted any more. */
void login_ask(struct master *m, struct session *s, bool late);

/* LOGIN_CHANNEL; fd is taken over, and closed when nobody waits for it. */
void login_channel(
    struct master *m, const struct msg_login_channel *msg, int fd);

/* LOGIN_REFUSED. */
void login_refused(struct master *m, const struct msg_login_refused *msg);

#endif
