/*
 * A name service that answers nobody while a file is there, or, where that
 * holds a word, no program with it in its name: in the tests' namespace it
 * stands in hesiod's place. Knows no name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HANGS "/run/nss-hangs"

static int
hangs(void)
{
	FILE *f = fopen(HANGS, "re");
	char word[32] = "";

	if (f == NULL)
		return (0);
	(void)fscanf(f, "%31s", word);
	fclose(f);
	return (strstr(program_invocation_name, word) != NULL);
}

static enum nss_status
slow(int *error)
{
	const struct timespec rest = {.tv_nsec = 20000000};

	while (hangs())
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
_nss_hesiod_getpwuid_r(
    uid_t uid, struct passwd *pw, char *buf, size_t size, int *error)
{
	(void)uid;
	(void)pw;
	(void)buf;
	(void)size;
	return (slow(error));
}

enum nss_status
_nss_hesiod_getgrgid_r(
    gid_t gid, struct group *gr, char *buf, size_t size, int *error)
{
	(void)gid;
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
