/*
 * Planners: one at a time, for a start, a reload or the retry of a service
 * that waits. Monitor (root), which goes on meanwhile: who asks is called when
 * the planner has ended.
 */
#ifndef PORTREEVE_MONITOR_PLANNER_H
#define PORTREEVE_MONITOR_PLANNER_H

#include "monitor/monitor.h"
#include "monitor/plan.h"

/*
 * The planner has ended. failed: why it brought no plan, in words; NULL when
 * plan->whole. The plan, which may hold only notes, is the callee's to free.
 */
typedef void planner_done(struct monitor *mon, const char *name,
    struct plan *plan, const char *failed);

/*
 * Ask for a plan, when those before it are done; one that waits already is not
 * asked for twice. name: of a retry the service, or the user, else "".
 */
void planner_ask(struct monitor *mon, enum plan_what what, const char *name,
    planner_done *done);

/* At a stop: none goes on, and none is started any more. */
void planner_stop(struct monitor *mon);

#endif
