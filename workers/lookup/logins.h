/*
 * Who is logged in, where and since when, and who was: utmp and lastlog. One
 * file per system behind this header. Runs in lookup. The records were written
 * by login programs; their texts are bounded here and escaped where they are
 * shown.
 */
#ifndef PORTREEVE_LOOKUP_LOGINS_H
#define PORTREEVE_LOOKUP_LOGINS_H

#include <sys/types.h>

#include <stdint.h>

#define LOGINS_MAX 256 /* told in one answer */

struct login_record {
	char user[33], tty[33], host[257];
	uint64_t since; /* wall clock, seconds; 0 unknown */
};

/*
 * Each present login in turn, until each() returns other than 0 or LOGINS_MAX
 * were told. path: NULL for the system's own. A missing file is an empty one.
 * 0, ERR_SHORT (errno has why) where it cannot be read just now, or what each()
 * returned.
 */
int logins_each(const char *path,
    int (*each)(const struct login_record *login, void *arg), void *arg);

/* Seconds since something was typed there; 0 also where it is unknown. */
uint64_t logins_idle(const char *tty);

/* The last login's time, wall clock seconds; 0 for none known. */
uint64_t logins_last(const char *path, uid_t uid);

#endif
