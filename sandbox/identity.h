/*
 * Who a process is. POSIX systems. Called while a process seals itself.
 */
#ifndef PORTREEVE_SANDBOX_IDENTITY_H
#define PORTREEVE_SANDBOX_IDENTITY_H

#include <sys/types.h>

#include <stddef.h>

/*
 * Become uid and gid with these supplementary groups and no way back, checked
 * afterwards. Needs root. 0; ERR_SYSTEM with errno.
 */
int identity_take(uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups);

#endif
