/*
 * Shared memory that is a file: whether it can be written. A file below the
 * run-time state is sparse, and a store into a page of it that the file system
 * has no room for is SIGBUS. Any process that writes such memory.
 */
#ifndef PORTREEVE_LIB_MEM_H
#define PORTREEVE_LIB_MEM_H

#include <stddef.h>

/*
 * Have room for the n bytes from p on, and for the rest of their pages, so
 * that storing into them cannot fail any more. 0, or ERR_SYSTEM with errno
 * ENOSPC or ENOMEM; a system that cannot tell beforehand says 0.
 */
int mem_reserve(const void *p, size_t n);

#endif
