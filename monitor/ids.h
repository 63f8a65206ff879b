/*
 * The uids of sealed roles and of services without `user`, as a planner has
 * chosen them. Monitor (root), which judges them before it takes them.
 */
#ifndef PORTREEVE_MONITOR_IDS_H
#define PORTREEVE_MONITOR_IDS_H

#include "monitor/monitor.h"
#include "monitor/plan.h"

/*
 * Take the lock of a number, by which no other daemon of
 * this host gives it, to the monitor's end. False: it is another's.
 */
bool ids_lock(uint32_t number);

/*
 * Why the numbers of a whole plan are none to take, in a few words; NULL: they
 * are. start: the roles' are among them, and only then.
 */
const char *ids_judge(
    const struct monitor *mon, const struct plan *plan, bool start);

/* Take those of a plan that was judged. */
void ids_take(struct monitor *mon, const struct plan *plan);

/* The first of the roles' numbers; 0: all of them are accounts. */
uint32_t ids_block(void);

#endif
