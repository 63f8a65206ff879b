/*
 * lib/memory.h on Linux with glibc. Any process. Nothing depends on what is
 * given back: what cannot be is kept.
 */
#include <sys/mman.h>

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/memory.h"

/* Deeper than any library of ours goes, and far from the next mapping. */
#define STACK_DEPTH (1024ul * 1024)
/* For the frames of the call itself. */
#define STACK_SPARED 512

/*
 * By madvise(2)'s MADV_POPULATE_WRITE (Linux 5.14), which says EFAULT where a
 * store would be SIGBUS.
 */
int
memory_reserve(const void *p, size_t n)
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

static void
release_pages(uintptr_t begin, uintptr_t end)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	begin += page - 1;
	begin -= begin % page;
	end -= end % page;
	if (begin < end)
		(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

void
memory_release(void *p, size_t n)
{
	release_pages((uintptr_t)p, (uintptr_t)p + n);
}

/*
 * A stack is mapped as far down as it was ever used; below that the call
 * reaches nothing, says so by an error, and has done what was asked.
 */
__attribute__((noinline)) void
memory_release_stack(void)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	release_pages(frame - STACK_DEPTH, frame - STACK_SPARED);
}

void
memory_release_heap(void)
{
	malloc_trim(0);
}
