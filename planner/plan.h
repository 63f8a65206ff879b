/* Making the plan. Planner. */
#ifndef PORTREEVE_PLANNER_PLAN_H
#define PORTREEVE_PLANNER_PLAN_H

#include "planner/planner.h"

/*
 * Make the plan that was asked for, and send it, or in a check only say what is
 * wrong; exits where that fails. Whether it is a plan, and not a refusal.
 */
bool plan_make(const struct planner *p);

#endif
