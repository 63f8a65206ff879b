/*
 * The kernel's processes: to verify a process id before it is killed or
 * counted, and to find a session's. Monitor (root), and the ender. One file per
 * system.
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

struct ptable {
	struct ptable_row *rows;
	size_t count, room;
};

/* How exact `start` is: one tick of the kernel's clock. */
#define PTABLE_TICK_NS 10000000u

/*
 * Start from {0}. ERR_SYSTEM, ERR_NO_MEMORY, or ERR_SHORT when descriptors or
 * memory ran out: the table is not whole then.
 */
int ptable_read(struct ptable *t);

/* The same without anybody's uid, in less than half the time. */
int ptable_read_tree(struct ptable *t);
void ptable_free(struct ptable *t);

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

/*
 * Call cb for each child of each thread of the process that a row tells of;
 * some may have ended since, and one that is being made may be missing. 0,
 * ERR_NOT_FOUND, ERR_SHORT, or ERR_UNSUPPORTED where the kernel does not tell.
 */
typedef void ptable_child(pid_t child, void *arg);
int ptable_children(const struct ptable_row *row, ptable_child *cb, void *arg);

/*
 * Whether a number is a process's, a group's or a session's: the kernel gives
 * it to nobody else while it is. True where that cannot be told.
 */
bool ptable_number_is_used(pid_t number);

#endif
