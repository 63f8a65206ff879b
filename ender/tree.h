/*
 * The processes of the sessions that are to be ended: each leader, its process
 * group, the session that it leads, and all that descends from any of these.
 * Ender: own uid, CAP_KILL, sealed. Who is a leader is the monitor's word; all
 * else is read from the kernel, and what a process calls itself is not.
 */
#ifndef PORTREEVE_ENDER_TREE_H
#define PORTREEVE_ENDER_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/msg.h"

/*
 * One leader more. 0, ERR_NOT_FOUND (there is no such process), ERR_REFUSED
 * (there is one of that number, which cannot be seen), ERR_SHORT or
 * ERR_NO_MEMORY.
 */
int tree_add_leader(const struct msg_end_leader *m);

/*
 * Whether somebody of an ended leader's group or session may be left whose
 * parent has ended; tree_freeze() looks for these from then on. To be asked
 * when all have ended.
 */
bool tree_has_orphans(void);

/*
 * Find all and stop them, until nobody new is there: what is stopped forks no
 * more. all: those of END_LAST as well. 0, or an error when some may have been
 * missed; those that were found are stopped all the same.
 */
int tree_freeze(bool all);

/*
 * SIGKILL to all; but where all is not set SIGTERM to leaders of END_GRACE, and
 * nothing to those of END_LAST. 0 or the first error.
 */
int tree_kill(bool all);

/*
 * Wait until all have ended, or all but those of END_LAST, or until that time
 * (ns of CLOCK_BOOTTIME); the number of those that have not.
 */
uint32_t tree_wait(uint64_t deadline, bool all);

/* Call tell for each leader and each child of one. */
void tree_tell(void (*tell)(uint32_t number, int32_t pid));

#endif
