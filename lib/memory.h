/*
 * Memory asked for before it is needed, and given back when it is not. Any
 * process.
 */
#ifndef PORTREEVE_LIB_MEMORY_H
#define PORTREEVE_LIB_MEMORY_H

#include <stddef.h>

/*
 * Shared memory that is a file below the run-time state is sparse, and a store
 * into a page of it that the file system has no room for is SIGBUS. Have room
 * for the n bytes from p on, and for the rest of their pages, so that storing
 * into them cannot fail any more. 0, or ERR_SYSTEM with errno ENOSPC or ENOMEM;
 * a system that cannot tell beforehand says 0.
 */
int memory_reserve(const void *p, size_t n);

/*
 * What a process has touched once and does not use for now: for processes of
 * which there is one per session. What making the session took, hundreds of
 * idle ones should not keep. The whole pages among the n bytes at p, which are
 * private and writable; what they held is lost, and they may be written again
 * at any time.
 */
void memory_release(void *p, size_t n);

/* The stack below the caller, left there by calls that have returned. */
void memory_release_stack(void);

/* What free() has got back, and kept. */
void memory_release_heap(void);

#endif
