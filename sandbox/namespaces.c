/* Namespaces. Runs in a role that seals itself, as root or an ordinary user. */
#include <sys/stat.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "sandbox/namespaces.h"

int
namespaces_leave_network(void)
{
	return (unshare(CLONE_NEWNET) == 0 ? 0 : ERR_UNSUPPORTED);
}

static int
namespaces_write(const char *path, const char *text)
{
	int fd, rc;

	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return (ERR_SYSTEM);
	rc = fd_write_all(fd, text, strlen(text));
	fd_close(&fd);
	return (rc);
}

/* Groups cannot be mapped before setgroups is denied (user_namespaces(7)). */
int
namespaces_enter_user(bool network)
{
	char uid[64], gid[64];
	int rc;

	snprintf(uid, sizeof(uid), "%u %u 1\n", geteuid(), geteuid());
	snprintf(gid, sizeof(gid), "%u %u 1\n", getegid(), getegid());
	if (unshare(CLONE_NEWUSER | (network ? CLONE_NEWNET : 0)) != 0)
		return (ERR_UNSUPPORTED);
	if ((rc = namespaces_write("/proc/self/setgroups", "deny")) != 0 ||
	    (rc = namespaces_write("/proc/self/uid_map", uid)) != 0)
		return (rc);
	return (namespaces_write("/proc/self/gid_map", gid));
}

/* A folder has a link by itself, one by its parent and one a subfolder. */
int
namespaces_count_threads(void)
{
	struct stat st;

	if (stat("/proc/self/task", &st) != 0 || st.st_nlink < 3)
		return (ERR_SYSTEM);
	return ((int)st.st_nlink - 2);
}
