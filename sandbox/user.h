/*
 * Becoming a program's user, in the child between fork and exec: the one step
 * towards another identity outside of the monitor and sandbox_seal(). Runs in
 * children of the exec zygote, which hold that zygote's privileges until this
 * call returns. Reads only what the monitor configured.
 */
#ifndef PORTREEVE_SANDBOX_USER_H
#define PORTREEVE_SANDBOX_USER_H

#include <sys/types.h>

#include <stddef.h>

/* Stay who you are. */
#define SANDBOX_USER_SAME ((uid_t)-1)

/*
 * Take groups, gid and uid for good: real, effective and saved. uid may be
 * SANDBOX_USER_SAME: nothing is done then. Leaves no capability unless uid is
 * 0. By direct system calls, because a child may share its parent's memory,
 * where the C library would keep records about its threads.
 * 0 or ERR_SYSTEM: the caller must then not exec.
 */
int sandbox_become_user(
    uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups);

/*
 * The same in two steps: all but the uid (0 or ERR_SYSTEM with errno), then the
 * uid, 0 or a negative errno; that leaves errno alone, and from then on the
 * process is that user's to stop.
 */
int sandbox_take_groups(
    uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups);
int sandbox_become_uid(uid_t uid);

#endif
