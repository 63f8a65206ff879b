/*
 * Mapping a slot table. Zygotes, to write; monitor and master, to read: they go
 * by the file's size, which only the monitor can change.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "ipc/slots_private.h"
#include "lib/memory.h"

/* What a file of this size is a table of; false: of none. */
static bool
slots_measure(off_t size, struct slots_known *k)
{
	k->size = (size_t)size;
	/* As an earlier version made them all. */
	k->count = SLOTS_MAX;
	k->lists = 0;
	if (k->size ==
	    sizeof(struct slot_table) + SLOTS_MAX * sizeof(struct slot))
		return (true);
	for (k->count = SLOT_INDEX_SHARE; k->count <= SLOTS_MAX;
	     k->count *= 2) {
		k->lists = k->count / SLOT_INDEX_SHARE;
		if (k->size == SLOT_TABLE_BYTES((size_t)k->count))
			return (true);
	}
	return (false);
}

static size_t
slots_page(void)
{
	return ((size_t)sysconf(_SC_PAGESIZE));
}

/* A page of ours, and behind it the file; NULL with errno. */
static struct slot_table *
slots_map(int fd, int prot, const struct slots_known *k)
{
	const size_t page = slots_page();
	char *p = mmap(NULL, page + k->size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return (NULL);
	if (mmap(p + page, k->size, prot, MAP_SHARED | MAP_FIXED, fd, 0) ==
		MAP_FAILED ||
	    madvise(p, page + k->size, MADV_DONTFORK) < 0) {
		munmap(p, page + k->size);
		return (NULL);
	}
	*((struct slots_known *)(void *)(p + page) - 1) = *k;
	return ((struct slot_table *)(void *)(p + page));
}

struct slot_table *
slot_table_map(int fd, int writable)
{
	struct slots_known k;
	struct slot_table *t;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return (NULL);
	if (!slots_measure(st.st_size, &k)) {
		errno = EINVAL;
		return (NULL);
	}
	t = slots_map(fd, PROT_READ | (writable ? PROT_WRITE : 0), &k);
	if (t == NULL || !writable)
		return (t);
	if (memory_reserve(t, sizeof(*t)) != 0 ||
	    (k.lists > 0 && memory_reserve(slots_index(t),
				sizeof(struct slot_index) +
				    sizeof(uint32_t) * 2 * k.lists) != 0)) {
		slot_table_unmap(t);
		return (NULL);
	}
	return (t);
}

void
slot_table_unmap(struct slot_table *t)
{
	const size_t page = slots_page();

	if (t != NULL)
		munmap((char *)t - page, page + slots_known(t)->size);
}
