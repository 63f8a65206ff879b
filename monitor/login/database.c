/*
 * What PAM's modules ask the user database by, in the C library's place. Login
 * process, root. Of several databases, one that failed for a moment is passed
 * over, and the next says that there is nobody (nsswitch.conf(5)): the peer
 * would be blamed for it. So who is not found is asked for once more; a refusal
 * takes its time whatever it takes (monitor/login/try.c).
 */
#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <shadow.h>
#include <stddef.h>

#include "monitor/login/login.h"

#define PUBLIC __attribute__((visibility("default")))

/* The next definition behind ours: the C library's. */
#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

PUBLIC int
getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t size,
    struct passwd **found)
{
	__typeof__(&getpwnam_r) next = NEXT(getpwnam_r);
	int error;

	if (next == NULL)
		return (*found = NULL, ENOSYS);
	error = next(name, pw, buf, size, found);
	if (*found == NULL && error != ERANGE)
		error = next(name, pw, buf, size, found);
	return (error);
}

struct passwd *
login_database_user(const char *name)
{
	struct passwd *pw = getpwnam(name);

	return (pw != NULL ? pw : getpwnam(name));
}

PUBLIC int
getspnam_r(const char *name, struct spwd *sp, char *buf, size_t size,
    struct spwd **found)
{
	__typeof__(&getspnam_r) next = NEXT(getspnam_r);
	int error;

	if (next == NULL)
		return (*found = NULL, ENOSYS);
	error = next(name, sp, buf, size, found);
	if (*found == NULL && error != ERANGE)
		error = next(name, sp, buf, size, found);
	return (error);
}
