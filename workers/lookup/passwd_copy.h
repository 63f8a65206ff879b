/*
 * A copy of /etc/passwd, kept while the file stands, for the names that
 * getpwnam(3) would take from there. Runs in lookup. Never says of a name what
 * getpwnam() would not: where it cannot know that, it says nothing.
 */
#ifndef PORTREEVE_LOOKUP_PASSWD_COPY_H
#define PORTREEVE_LOOKUP_PASSWD_COPY_H

#include <sys/stat.h>

#include <time.h>

#include "workers/lookup/passwd.h"

struct passwd_copy {
	const char *passwd_path, *nss_path;
	struct stat passwd, nss; /* what was copied */
	struct passwd_table table;
};

/*
 * The host's files are looked at, and read anew when they changed; now is the
 * wall clock. NULL: ask getpwnam(). Valid until the next call.
 */
const struct passwd *passwd_copy_find(
    struct passwd_copy *c, const char *name, time_t now);

#endif
