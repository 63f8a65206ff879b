/*
 * Opening a file that a path leads to, when others must not be able to choose
 * which one that is. Any process; distrusts whoever could have put a folder,
 * a link or a file on the way.
 */
#ifndef PORTREEVE_LIB_SAFE_H
#define PORTREEVE_LIB_SAFE_H

#include <sys/types.h>

#include <stddef.h>

/* Enough for a sentence and its path's end. */
#define SAFE_REASON_MAX 256

/*
 * open(2) of path with these flags (O_CLOEXEC and O_NOCTTY are added; never
 * O_CREAT), from the root on, one name after the other. Every folder on the
 * way must belong to root or to `uid`, and nobody else may write to it (in a
 * sticky one, such as /tmp, others may, since they cannot take away what is
 * root's or uid's). A link is followed when it belongs to one of them. The
 * descriptor, or -1: with errno EPERM and a sentence without the path in why,
 * or errno of a call that failed and strerror()'s words in why.
 */
int safe_open(const char *path, int flags, uid_t uid, char *why, size_t size);

/*
 * The same for a file that is read: it must be a regular one of root's or
 * uid's that nobody else can write. Never waits for a FIFO or a device.
 */
int safe_open_file(const char *path, uid_t uid, char *why, size_t size);

/*
 * The same for a program that is going to run as `uid`: a regular file that
 * may be executed. The descriptor is an O_PATH one: of a program that may not
 * be read, too. Whoever then executes the path executes what was judged, or
 * what root or uid put there since: nobody else can change where it leads.
 */
int safe_open_program(const char *path, uid_t uid, char *why, size_t size);

#endif
