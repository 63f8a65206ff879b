/* The slot files, and the processes that they name. Monitor (root). */
#ifndef PORTREEVE_MONITOR_SESSIONS_SLOTS_H
#define PORTREEVE_MONITOR_SESSIONS_SLOTS_H

#include "monitor/monitor.h"

struct ptable_row;

/* A process, and when it began: as struct ptable_row has it. */
struct end_process {
	pid_t pid;
	uint64_t start;
};

/* Make a zygote's slot file and map it; 0 or ERR_SYSTEM, logged. */
int slots_make(struct monitor *mon, struct proc *p);

/* Unmap it and remove the file, unless sessions in it shall be adopted. */
void slots_drop(struct monitor *mon, struct proc *p);

/* The path of an instance's slot file. */
void slots_path(struct monitor *mon, uint32_t instance, char *buf, size_t size);

/* Between which times of CLOCK_BOOTTIME, in ns, a slot's process began. */
uint64_t slots_least(const struct slot *slot);
uint64_t slots_most(const struct slot *slot);

/*
 * Whether the process in a slot is the one that the zygote started: a child of
 * `parent` (0: of anybody) that began when the slot says. The row is filled.
 */
bool slots_verify(
    const struct slot *slot, pid_t parent, struct ptable_row *row);

#endif
