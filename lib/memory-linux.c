/*
 * Memory given back, on Linux with glibc; lib/memory.h says which. Any
 * process. Nothing depends on it: what cannot be given back is kept.
 */
#include <sys/mman.h>

#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

#include "lib/memory.h"

/* Deeper than any library of ours goes, and far from the next mapping. */
#define STACK_DEPTH (1024ul * 1024)
/* For the frames of the call itself. */
#define STACK_SPARED 512

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
