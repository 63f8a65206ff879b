/*
 * The login records, between monitor/logins/logins.c and
 * monitor/logins/pamsock.c.
 */
#ifndef PORTREEVE_MONITOR_LOGINS_LOGINS_PRIVATE_H
#define PORTREEVE_MONITOR_LOGINS_LOGINS_PRIVATE_H

#include "monitor/monitor.h"

#define LOGINS_MAX 16384
#define LOGINS_UNKNOWN UINT32_MAX /* a uid: a planner is to say whose */

struct login {
	uint64_t session; /* 0: free */
	uid_t uid;
	bool open;   /* only allowed, or its session is open too */
	bool told;   /* session-opened is out */
	bool by_log; /* only sshd's log says so */
	struct addr peer;
	char service[SERVICE_NAME_MAX];
	char user[256];
	char tty[32];
	/* Of a built-in service: its login process and the session's leader. */
	pid_t pid, leader;
	uint64_t pid_start, leader_start; /* as struct ptable_row has them */
};

/* Whether a session runs, of ours or adopted. */
bool logins_session_runs(struct monitor *mon, uint64_t session);

/* The record of a session; NULL for none. */
struct login *logins_find(uint64_t session);

/* One of a user's; NULL for none. */
struct login *logins_of_user(uid_t uid);

/* The record at a place, free ones too; NULL past the last. */
struct login *logins_at(unsigned place);

/* Make or replace it; NULL when all are taken. */
struct login *logins_put(
    struct monitor *mon, uint64_t session, uid_t uid, const char *user);
void logins_remove(uint64_t session);

/*
 * NULL when user-limit lets this user, who has so many processes as whoever
 * makes the login has counted (lib/usercount.h), log in once more (`session` is
 * not counted), or the reason why not: user-limit, or no-resources when it
 * cannot be told.
 */
const char *logins_user_refusal(
    struct monitor *mon, uid_t uid, uint64_t session, uint32_t processes);

/* The same, and then logins_put(), whose record is *l. */
const char *logins_admit(struct monitor *mon, uint64_t session, uid_t uid,
    const char *user, uint32_t processes, struct login **l);

void logins_tell(struct monitor *mon, const struct login *l);

/*
 * session-opened, once for a login that is open: when the log names its
 * terminal or says that there is none, or else at its end.
 */
void logins_opened(struct monitor *mon, struct login *l);

#endif
