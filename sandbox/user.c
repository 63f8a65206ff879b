/*
 * The identity of a program, taken in the child that will exec it. Runs with
 * the exec zygote's privileges; see sandbox/user.h. Never goes back: a failure
 * half way is the caller's reason to end the child.
 */
#include <sys/syscall.h>

#include <unistd.h>

#include "lib/err.h"
#include "sandbox/raw.h"
#include "sandbox/user.h"

int
sandbox_take_groups(uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups)
{
	if (uid == SANDBOX_USER_SAME)
		return (0);
	if (syscall(SYS_setgroups, ngroups, groups) < 0)
		return (ERR_SYSTEM);
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		return (ERR_SYSTEM);
	return (0);
}

int
sandbox_become_uid(uid_t uid)
{
	if (uid == SANDBOX_USER_SAME)
		return (0);
	return (
	    (int)raw_syscall3(SYS_setresuid, (long)uid, (long)uid, (long)uid));
}

int
sandbox_become_user(uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups)
{
	int err = sandbox_take_groups(uid, gid, groups, ngroups);

	if (err == 0 && sandbox_become_uid(uid) < 0)
		err = ERR_SYSTEM;
	return (err);
}
