/* Telling the monitor the plan. Planner. */
#ifndef PORTREEVE_PLANNER_PLAN_H
#define PORTREEVE_PLANNER_PLAN_H

#include "planner/planner.h"

/* Make the plan that was asked for, and send it; exits where that fails. */
void plan_make(const struct planner *p);

#endif
