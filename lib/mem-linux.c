/*
 * Room for shared memory, by madvise(2)'s MADV_POPULATE_WRITE (Linux 5.14):
 * it says EFAULT where a store would be SIGBUS. Any process.
 */
#include <sys/mman.h>

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/mem.h"

int
mem_reserve(const void *p, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)p & ~(page - 1);
	uintptr_t to = ((uintptr_t)p + n + page - 1) & ~(page - 1);

	if (madvise((void *)from, to - from, MADV_POPULATE_WRITE) == 0 ||
	    errno == EINVAL)
		return (0);
	if (errno == EFAULT)
		errno = ENOSPC;
	return (ERR_SYSTEM);
}
