/*
 * The file of endings that were begun. Monitor (root); it is the monitor's own,
 * and yet a number in it may be another process's by now: the ender compares
 * the times.
 */
#include <sys/mman.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "monitor/sessions/begun.h"

#define BEGUN_MAX 1024
#define BEGUN_MAGIC 0x31676562u

struct begun_file {
	uint32_t magic;
	uint32_t all; /* so many endings of all sessions */
	struct {
		int32_t ending; /* 0: free */
		struct msg_end_leader leader;
	} records[BEGUN_MAX];
};

static struct begun_file *begun, before;
static int last;
static size_t taken;

static struct begun_file *
begun_map(int fd)
{
	void *p;

	if (ftruncate(fd, (off_t)sizeof(*begun)) < 0)
		return (NULL);
	p = mmap(
	    NULL, sizeof(*begun), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return (NULL);
	if (memory_reserve(p, sizeof(*begun)) == 0)
		return (p);
	munmap(p, sizeof(*begun));
	return (NULL);
}

void
begun_open(struct monitor *mon)
{
	char path[PATH_MAX + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/state/endings", mon->run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	begun = fd < 0 ? NULL : begun_map(fd);
	if (begun == NULL)
		log_errno("cannot use %s", path);
	fd_close(&fd);
	if (begun == NULL)
		return;
	if (begun->magic == BEGUN_MAGIC)
		before = *begun;
	memset(begun, 0, sizeof(*begun));
	begun->magic = BEGUN_MAGIC;
}

void
begun_note(struct ending *e)
{
	size_t n = 0;

	if (begun == NULL)
		return;
	e->begun = last = last == INT32_MAX ? 1 : last + 1;
	begun->all += e->all;
	for (size_t i = 0; !e->all && n < e->n && i < BEGUN_MAX; i++) {
		if (begun->records[i].ending != 0)
			continue;
		begun->records[i].leader = e->leaders[n++];
		begun->records[i].ending = e->begun;
	}
}

void
begun_over(struct ending *e)
{
	if (begun == NULL || e->begun == 0)
		return;
	begun->all -= e->all;
	for (size_t i = 0; !e->all && i < BEGUN_MAX; i++) {
		if (begun->records[i].ending == e->begun)
			begun->records[i].ending = 0;
	}
}

bool
begun_take(struct msg_end_leader *leader, bool *all)
{
	*all = before.all > 0;
	before.all = 0;
	if (*all)
		return (true);
	while (taken < BEGUN_MAX && before.records[taken].ending == 0)
		taken++;
	if (taken == BEGUN_MAX)
		return (false);
	*leader = before.records[taken++].leader;
	return (true);
}
