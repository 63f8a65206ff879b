/*
 * Whether whoever changed the configuration can still come in. The portreeve
 * command, as the calling user.
 */
#ifndef PORTREEVE_CLI_LOCKOUT_H
#define PORTREEVE_CLI_LOCKOUT_H

/*
 * Warn, on standard output, when the service by which the caller is logged in
 * takes no connection of the caller's source any more. dir: the daemon's
 * run-time folder. Says nothing of who is logged in otherwise.
 */
void lockout_warn(const char *dir);

#endif
