/*
 * The login processes of built-in services. Monitor (root): starts one when a
 * worker's peer has given a name, holds each to its time and to login-limit,
 * audits what it says, keeps it in the table of logins, and closes the books
 * of one that dies. Which connection it is for is looked up in the slot
 * tables; a login's own messages are checked like any other role's.
 */
#ifndef PORTREEVE_MONITOR_LOGINS_LOGINPROC_H
#define PORTREEVE_MONITOR_LOGINS_LOGINPROC_H

#include "monitor/monitor.h"
#include "monitor/sessions/slots.h"

struct loginproc;

/*
 * ASK_LOGIN; connection is the master's copy, the caller's to close, or -1.
 * The master is answered LOGIN_CHANNEL, LOGIN_REFUSED, or nothing when the
 * session's login is under way.
 */
void loginproc_ask(
    struct monitor *mon, const struct msg_ask_login *ask, int connection);

/* A child that is none of the roles'. */
void loginproc_reaped(struct monitor *mon, pid_t pid, int status);

/* Take up the logins of a daemon before this one; once, after logins_open(). */
void loginproc_adopt_all(struct monitor *mon);

/*
 * Somebody of that pid, the kernel says, has connected by fd to our socket. If
 * it is a login process whose session runs, fd is taken over, for its last
 * words; else false.
 */
bool loginproc_take(pid_t pid, int fd);

/* Whether a session's login lives; whether any does. */
bool loginproc_runs(uint64_t session);
bool loginproc_any(void);

/* The one that is that process, or NULL. */
struct loginproc *loginproc_of(pid_t pid);

/*
 * The process that makes or holds a session's login, pid 0 for none. It is
 * about to be ended on purpose.
 */
struct end_process loginproc_end(uint64_t session);

/* The same for all, by a call of end for each; and SIGKILL, for the deaf. */
void loginproc_end_all(void (*end)(pid_t leader, uint64_t start));
void loginproc_kill_all(void);

#endif
