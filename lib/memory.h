/*
 * Memory that a process has touched once and does not use for now, given back
 * to the system. For processes of which there is one per session: what making
 * the session took, hundreds of idle ones should not keep. Any process.
 */
#ifndef PORTREEVE_LIB_MEMORY_H
#define PORTREEVE_LIB_MEMORY_H

#include <stddef.h>

/*
 * The whole pages among the n bytes at p, which are private and writable; what
 * they held is lost, and they may be written again at any time.
 */
void memory_release(void *p, size_t n);

/* The stack below the caller, left there by calls that have returned. */
void memory_release_stack(void);

/* What free() has got back, and kept. */
void memory_release_heap(void);

#endif
