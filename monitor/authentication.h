/*
 * What our PAM module needs to ask whom authentication-order names: files below
 * the run-time folder, and a variable that names them. Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_AUTHENTICATION_H
#define PORTREEVE_MONITOR_AUTHENTICATION_H

#include "monitor/monitor.h"
#include "monitor/plan.h"

/*
 * Write the files of a plan that is about to be taken, in place of those before
 * them. 0, or an ERR_, logged.
 */
int authentication_commit(struct monitor *mon, const struct plan *plan);

/* The socket on which tacplus is asked; -1 where no plan names a server. */
int authentication_listener(void);

/* Whether two plans have the same servers of TACACS+. */
bool authentication_same_tacplus(const struct plan *a, const struct plan *b);

/* "PORTREEVE_PAM_ORDER=FOLDER:METHODS" for an environment. */
void authentication_variable(
    const struct monitor *mon, const char *order, char *buf, size_t size);

#endif
