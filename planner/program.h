/* What the zygote of an inetd-style program is to run. Planner. */
#ifndef PORTREEVE_PLANNER_PROGRAM_H
#define PORTREEVE_PLANNER_PROGRAM_H

#include "planner/planner.h"

/*
 * Fill m for a service that a program serves; without `user` its uid is
 * UINT32_MAX, for the monitor to set. 0, or an ERR_ with a sentence in reason.
 */
int program_fill(const struct planner *p, const struct conf_service *s,
    struct msg_program *m, char reason[CONF_MESSAGE_MAX]);

#endif
