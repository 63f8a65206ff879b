/*
 * The empty root: a file system with nothing in it. POSIX systems. Called
 * while a process seals itself.
 */
#ifndef PORTREEVE_SANDBOX_ROOT_H
#define PORTREEVE_SANDBOX_ROOT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Make path, an empty directory, the root and the working directory. It must
 * be root's, or the own user's, and writable to no others. Needs
 * CAP_SYS_CHROOT. 0; ERR_VALUE with a sentence in why when the directory does
 * not fit; ERR_SYSTEM with errno.
 */
int root_enter(const char *path, char *why, size_t size);

#endif
