/*
 * The kernel's table of processes, read at one moment. Monitor (root): to
 * verify a process id before it is killed or counted. One file per system.
 */
#ifndef PORTREEVE_MONITOR_PTABLE_H
#define PORTREEVE_MONITOR_PTABLE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ptable_row {
	pid_t pid, parent, group, session;
	uid_t uid;	/* real */
	uint64_t start; /* ns of CLOCK_BOOTTIME, to the kernel's tick */
	bool zombie;
	bool stopped; /* by a signal or a tracer: it forks no more */
	bool marked; /* the caller's */
};

struct ptable {
	struct ptable_row *rows;
	size_t count, room;
};

/* How exact `start` is: one tick of the kernel's clock. */
#define PTABLE_TICK_NS 10000000u

/* Start from {0}. ERR_SYSTEM or ERR_NO_MEMORY. */
int ptable_read(struct ptable *t);
void ptable_free(struct ptable *t);

/* NULL when there is none. */
struct ptable_row *ptable_find(struct ptable *t, pid_t pid);

/* One process; 0, or ERR_NOT_FOUND. */
int ptable_read_one(pid_t pid, struct ptable_row *out);

/*
 * A signal to the very process that a row tells of: never to one that has its
 * number since.
 */
void ptable_signal(const struct ptable_row *row, int signal);

/*
 * Mark a process, its process group, the session that it leads, and all that
 * descends from any of these.
 */
void ptable_mark_descent(struct ptable *t, pid_t leader);

/* Processes of a real uid, threads counted as the kernel's limit does. */
uint32_t ptable_count_uid(uid_t uid);

#endif
