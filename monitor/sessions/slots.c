/*
 * Zygotes' slot files. Monitor (root). They lie in DIR/state, mode 0600, and
 * outlive the monitor: the next one finds in them which sessions to adopt. A
 * zygote writes its own and could lie, so that a process is compared with its
 * slot before anything is done by it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/ptable.h"
#include "monitor/plan.h"
#include "monitor/sessions/slots.h"

/* A fork takes a while on a loaded machine, and the kernel's tick is coarse. */
#define START_SLACK_NS (5ull * SECOND)

void
slots_path(struct monitor *mon, uint32_t instance, char *buf, size_t size)
{
	snprintf(buf, size, "%s/state/slots.%u", mon->run_dir, instance);
}

int
slots_make(struct monitor *mon, struct proc *p)
{
	char path[PATH_MAX + 64];

	slots_path(mon, p->instance, path, sizeof(path));
	p->slots_fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	p->slots_read_fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (p->slots_fd < 0 || p->slots_read_fd < 0 ||
	    ftruncate(
		p->slots_fd, (off_t)SLOT_TABLE_BYTES((size_t)mon->slots)) < 0 ||
	    (p->slots = slot_table_map(p->slots_fd, 1)) == NULL) {
		log_errno("cannot make %s", path);
		return (ERR_SYSTEM);
	}
	p->slots->count = mon->slots;
	p->slots->instance = p->instance;
	p->slots->kind = (uint32_t)p->kind;
	snprintf(p->slots->service, sizeof(p->slots->service), "%s",
	    p->service != NULL ? p->service->name : "");
	p->slots->magic = SLOT_TABLE_MAGIC;
	return (0);
}

void
slots_drop(struct monitor *mon, struct proc *p)
{
	char path[PATH_MAX + 64];
	bool keep = false;

	fd_close(&p->slots_read_fd);
	if (p->slots_fd < 0)
		return;
	if (monitor_is_stopping(mon) && mon->plan != NULL &&
	    mon->plan->is.keep_sessions && p->slots != NULL) {
		struct slot slot;

		for (uint32_t i = 0;
		     i < p->slots->high && i < SLOTS_MAX && !keep; i++)
			keep = slot_read(p->slots, i, &slot) == 0 &&
			       slot.use == SLOT_RUNNING;
	}
	slots_path(mon, p->instance, path, sizeof(path));
	if (!keep)
		unlink(path);
	slot_table_unmap(p->slots);
	p->slots = NULL;
	fd_close(&p->slots_fd);
}

uint64_t
slots_least(const struct slot *slot)
{
	return (
	    slot->start > PTABLE_TICK_NS ? slot->start - PTABLE_TICK_NS : 0);
}

uint64_t
slots_most(const struct slot *slot)
{
	return (slot->start < UINT64_MAX - START_SLACK_NS
		    ? slot->start + START_SLACK_NS
		    : UINT64_MAX);
}

bool
slots_verify(const struct slot *slot, pid_t parent, struct ptable_row *row)
{
	if (slot->pid <= 1 || ptable_read_one(slot->pid, row) < 0)
		return (false);
	if (parent != 0 && row->parent != parent)
		return (false);
	return (
	    row->start >= slots_least(slot) && row->start <= slots_most(slot));
}
