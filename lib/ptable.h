/*
 * One of the kernel's processes: to verify a process id before it is killed or
 * counted. Monitor (root), ender, planner. One file per system.
 */
#ifndef PORTREEVE_LIB_PTABLE_H
#define PORTREEVE_LIB_PTABLE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ptable_row {
	pid_t pid, parent, group, session;
	uid_t uid;	/* real */
	uint64_t start; /* ns of CLOCK_BOOTTIME, to the kernel's tick */
	unsigned threads;
	bool zombie;  /* all of its threads are */
	bool stopped; /* by a signal or a tracer: it forks no more */
};

/* How exact `start` is: one tick of the kernel's clock. */
#define PTABLE_TICK_NS 10000000u

/*
 * Why a file of a process could not be read, by its errno: ERR_NOT_FOUND, it
 * has gone or is none of ours to see (hidepid, of an ordinary user's);
 * ERR_SHORT, that cannot be told now.
 */
int ptable_read_error(int error);

/* One process; 0, ERR_NOT_FOUND, or ERR_SHORT when it could not be read. */
int ptable_read_one(pid_t pid, struct ptable_row *out);

/* The same without its uid. */
int ptable_look(pid_t pid, struct ptable_row *out);

/*
 * A signal to the very process that a row tells of: never to one that has its
 * number since. 0 when it was sent, or there is no such process any more;
 * ERR_SHORT or ERR_SYSTEM with errno when it could not be.
 */
int ptable_signal(const struct ptable_row *row, int signal);

#endif
