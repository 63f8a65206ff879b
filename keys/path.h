/*
 * Where a user's keys are: sshd's AuthorizedKeysFile. Reader of keys. Pure; the
 * words are sshd's own, the names the password database's.
 */
#ifndef PORTREEVE_KEYS_PATH_H
#define PORTREEVE_KEYS_PATH_H

#include <sys/types.h>

#include <stddef.h>

#define KEYS_FILES_MOST 8
#define KEYS_PATH_MAX 256

struct key_user {
	const char *name, *home;
	uid_t uid;
};

/*
 * The file of that place, counted from 0, in a list of words between blanks:
 * %%, %h, %u and %U stand for what sshd_config(5) says, and a relative one is
 * below the home. 0; ERR_NOT_FOUND past the last, or for the word none;
 * ERR_TOO_LONG; ERR_SYNTAX.
 */
int path_of(const char *list, unsigned place, const struct key_user *user,
    char out[KEYS_PATH_MAX]);

#endif
