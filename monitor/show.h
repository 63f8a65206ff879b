/* What `portreeved -d` tells a person on stdout. Monitor. */
#ifndef PORTREEVE_MONITOR_SHOW_H
#define PORTREEVE_MONITOR_SHOW_H

#include "monitor/monitor.h"
#include "monitor/plan.h"

/* Under -d by sudo, the name of who sits there; else "". */
const char *show_person_name(const struct monitor *mon);

/* Who that is, or whoever started us, as a planner has found. */
void show_take_person(const struct msg_plan_user *user);

/* A table of what listens, and what to type to try it. */
void show_table(struct monitor *mon);

#endif
