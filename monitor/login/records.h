/*
 * Login records: utmp, wtmp, lastlog, the kernel's login uid. Login process,
 * root; one file per system. Of the peer's they hold its numeric address.
 */
#ifndef PORTREEVE_MONITOR_LOGIN_RECORDS_H
#define PORTREEVE_MONITOR_LOGIN_RECORDS_H

#include <sys/types.h>

#include "lib/addr.h"

/*
 * A user's session began on a line ("pts/3"), with this process as its own.
 * /run/utmp is made where it is missing. What cannot be written is not: a
 * login does not fail for want of a record. `began`: wall clock seconds when
 * PAM's session phase began; a lastlog entry since then is a module's, and is
 * left alone.
 */
void login_records_open(const char *line, const char *user, uid_t uid,
    const struct addr *peer, int64_t began);
void login_records_close(const char *line);

/* Where the kernel audits by login uid and no PAM module has set it: set it. */
void login_records_audit_uid(uid_t uid);

#endif
