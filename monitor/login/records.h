/*
 * Login records: utmp, wtmp, btmp, lastlog, the kernel's login uid. Login
 * process, root; one file per system. Of the peer's they hold its numeric
 * address.
 */
#ifndef PORTREEVE_MONITOR_LOGIN_RECORDS_H
#define PORTREEVE_MONITOR_LOGIN_RECORDS_H

#include <sys/types.h>

#include <time.h>

#include "lib/addr.h"

/*
 * Before a phase of PAM's in which a module (pam_lastlog) may write records:
 * what one has written of this process since then is not written again.
 */
struct login_records_mark {
	off_t wtmp; /* its size */
	time_t time;
};

void login_records_mark(struct login_records_mark *mark);

/*
 * A user's session began on a line ("pts/3"), with this process as its own.
 * /run/utmp is made where it is missing. What cannot be written is not: a
 * login does not fail for want of a record.
 */
void login_records_open(const char *line, const char *user, uid_t uid,
    const struct addr *peer, const struct login_records_mark *since);

/*
 * It ended: in utmp at once, whatever PAM's modules then wait for; in wtmp when
 * they have had their say. ERR_SYSTEM: utmp still shows it.
 */
int login_records_close(const char *line);
void login_records_closed(
    const char *line, const struct login_records_mark *since);

/*
 * A try at a password failed, or was not let in: into btmp, for lastb(1), if
 * the host keeps one: a regular file at /var/log/btmp, which is never made.
 * `user` is a name of the password database, or NULL: a name that is none may
 * be a password typed at the wrong prompt, and is written as UNKNOWN.
 */
void login_records_failed(
    const char *service, const char *user, const struct addr *peer);

/* Where the kernel audits by login uid and no PAM module has set it: set it. */
void login_records_audit_uid(uid_t uid);

#endif
