/*
 * What finger may tell about a user, and who is logged in. Runs in lookup.
 * Hidden users, system users and users that do not exist are one: the same
 * answer after the same steps.
 */
#ifndef PORTREEVE_LOOKUP_USERS_H
#define PORTREEVE_LOOKUP_USERS_H

#include <pwd.h>

#include "ipc/state.h"
#include "workers/lookup/reply.h"

#define USERS_UID_MIN 1000 /* below are the system's own */
#define USERS_UID_NOBODY 65534

/* Where the records lie; NULL for the system's own files. */
struct users_files {
	const char *utmp, *lastlog, *mail;
};

/*
 * Pieces for one user, or none. LOOKUP_LATER where it cannot be known: what was
 * told by then is not the whole.
 */
enum lookup_outcome users_tell(struct reply *r, const struct users_files *files,
    const char *name, int details);

/* Pieces for everybody who is logged in and shows it. */
enum lookup_outcome users_list(
    struct reply *r, const struct users_files *files);

/* The number'th part (from 0) of a passwd comment; its length, and *part. */
size_t users_gecos(const char *gecos, unsigned number, const char **part);

#endif
