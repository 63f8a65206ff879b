/*
 * How many processes a user has, for user-limit. Whoever makes a login counts,
 * as root, so that nobody waits for it but that login. One file per system.
 */
#ifndef PORTREEVE_LIB_USERCOUNT_H
#define PORTREEVE_LIB_USERCOUNT_H

#include <sys/types.h>

#include <stdint.h>

#define USERCOUNT_UNKNOWN UINT32_MAX

/*
 * Processes of a real uid, threads counted as the kernel's limit does;
 * USERCOUNT_UNKNOWN where /proc cannot be read.
 */
uint32_t usercount(uid_t uid);

#endif
