/* Who a user is, by the password database. Planner. */
#ifndef PORTREEVE_PLANNER_USER_H
#define PORTREEVE_PLANNER_USER_H

#include "planner/planner.h"

/*
 * Send PLAN_USER: of the user that was asked for, and at a start, where there
 * is none of that name, of whoever started the daemon.
 */
void user_send(const struct planner *p);

#endif
