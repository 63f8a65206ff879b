/*
 * Linux: restartable sequences (rseq(2)), and the program's own headers. In
 * the zygote, before it is sealed; see lean.h.
 */
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <unistd.h>

#include "workers/common/lean.h"

/*
 * The kernel would write the number of the processor into a page of the C
 * library's whenever the worker is scheduled: a copy of that page for each
 * worker, for what no worker asks.
 */
static void
lean_forget_rseq(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
	unsigned size = __rseq_size < 32 ? 32 : __rseq_size;

	if (__rseq_size != 0)
		syscall(SYS_rseq, area, size, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

/*
 * The first segment of a static program is for its start: symbols and
 * relocations. With a dynamic linker it belongs to that.
 */
static void
lean_forget_headers(void)
{
	const ElfW(Phdr) *ph = (const void *)getauxval(AT_PHDR);
	unsigned long n = getauxval(AT_PHNUM);
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start, end;

	if (ph == NULL || getauxval(AT_BASE) != 0)
		return;
	for (; n > 0 && ph->p_type != PT_LOAD; n--)
		ph++;
	if (n == 0 || ph->p_flags != PF_R || ph->p_offset != 0)
		return;
	start = getauxval(AT_PHDR) & ~(page - 1);
	end = (start + ph->p_memsz + page - 1) & ~(page - 1);
	madvise((void *)start, end - start, MADV_DONTFORK);
}

void
lean_begin(void)
{
	lean_forget_rseq();
	lean_forget_headers();
}
