/* Who a process is. Runs as root, in a role that seals itself. */
#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <unistd.h>

#include "lib/err.h"
#include "sandbox/identity.h"

int
identity_take(uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	if (setgroups(ngroups, ngroups == 0 ? NULL : groups) != 0 ||
	    setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return (ERR_SYSTEM);
	if (getresuid(&r, &e, &s) != 0 || getresgid(&gr, &ge, &gs) != 0)
		return (ERR_SYSTEM);
	if (r != uid || e != uid || s != uid || gr != gid || ge != gid ||
	    gs != gid || getgroups(0, NULL) != (int)ngroups) {
		errno = EPERM;
		return (ERR_SYSTEM);
	}
	return (0);
}
