/* A configuration against this host. Planner. */
#ifndef PORTREEVE_PLANNER_CHECK_H
#define PORTREEVE_PLANNER_CHECK_H

#include "planner/planner.h"

/* Why each service of the configuration waits, by its place in it; "" not. */
typedef char check_waits[CONF_SERVICES_MAX][CONF_MESSAGE_MAX];

/*
 * Load what is asked for and check it whole, host and sshd included. *out is
 * what could be read, NULL for nothing; it is to take effect only where the
 * report has no error. At a start, and of the service of a retry, what the host
 * lacks is no error but in waits.
 */
void check_configuration(const struct planner *p, struct conf **out,
    check_waits waits, struct conf_report *report);

#endif
