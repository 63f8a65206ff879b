/*
 * Login records: utmp, wtmp, btmp, lastlog, the kernel's login uid. Login process,
 * root; one file per system. Of the peer's they hold its numeric address.
 */
#ifndef PORTREEVE_MONITOR_LOGIN_RECORDS_H
#define PORTREEVE_MONITOR_LOGIN_RECORDS_H

#include <sys/types.h>

#include "lib/addr.h"

/*
 * A user's session began on a line ("pts/3"), with this process as its own.
 * /run/utmp is made where it is missing. What cannot be written is not: a
 * login does not fail for want of a record.
 */
void login_records_open(const char *line, const char *user, uid_t uid,
    const struct addr *peer);
void login_records_close(const char *line);

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
