/*
 * A name service that answers nobody while a file says so: in the tests'
 * namespace it stands in hesiod's place. Knows no name.
 */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <time.h>
#include <unistd.h>

#define HANGS "/run/nss-hangs"

static enum nss_status
slow(int *error)
{
	const struct timespec rest = {.tv_nsec = 20000000};

	while (access(HANGS, F_OK) == 0)
		(void)nanosleep(&rest, NULL);
	*error = ENOENT;
	return (NSS_STATUS_NOTFOUND);
}

enum nss_status
_nss_hesiod_getpwnam_r(
    const char *name, struct passwd *pw, char *buf, size_t size, int *error)
{
	(void)name;
	(void)pw;
	(void)buf;
	(void)size;
	return (slow(error));
}

enum nss_status
_nss_hesiod_getgrnam_r(
    const char *name, struct group *gr, char *buf, size_t size, int *error)
{
	(void)name;
	(void)gr;
	(void)buf;
	(void)size;
	return (slow(error));
}

enum nss_status
_nss_hesiod_initgroups_dyn(const char *user, gid_t group, long *start,
    long *size, gid_t **groups, long limit, int *error)
{
	(void)user;
	(void)group;
	(void)start;
	(void)size;
	(void)groups;
	(void)limit;
	return (slow(error));
}
