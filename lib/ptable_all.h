/*
 * The kernel's processes, all of them or a process's children: to find a
 * session's, and who has a uid. Ender, planner. One file per system; what it
 * costs grows with the number of processes.
 */
#ifndef PORTREEVE_LIB_PTABLE_ALL_H
#define PORTREEVE_LIB_PTABLE_ALL_H

#include "lib/ptable.h"

struct ptable {
	struct ptable_row *rows;
	size_t count, room;
};

/*
 * Start from {0}. ERR_SYSTEM, ERR_NO_MEMORY, or ERR_SHORT when descriptors or
 * memory ran out: the table is not whole then.
 */
int ptable_read(struct ptable *t);

/* The same without anybody's uid, in less than half the time. */
int ptable_read_tree(struct ptable *t);
void ptable_free(struct ptable *t);

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
