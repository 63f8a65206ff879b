/* Reading and applying a configuration. Monitor (root). */
#ifndef PORTREEVE_MONITOR_RELOAD_H
#define PORTREEVE_MONITOR_RELOAD_H

#include "monitor/monitor.h"
#include "monitor/plan.h"

/* Warnings as events, everything in the log. */
void reload_warnings(
    struct monitor *mon, const struct plan *plan, bool applied);

/*
 * Put a plan in force: services, listeners, roles, master. It is taken over;
 * but where that fails, ERR_FULL or ERR_SYSTEM, nothing has changed.
 */
int reload_apply(struct monitor *mon, struct plan *plan);

/*
 * SIGHUP, or (asked) a client's request: have a planner read the file, and
 * apply what it brings. Returns at once; the client is answered, and the events
 * come, when the plan is there.
 */
void reload_run(struct monitor *mon, bool asked, uint32_t request);

/* All notes of a plan on stderr, as `-n` prints them. */
void reload_print(struct monitor *mon, const struct plan *plan);

#endif
