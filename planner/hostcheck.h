/* What the host says against a configuration: warnings. Planner. */
#ifndef PORTREEVE_PLANNER_HOSTCHECK_H
#define PORTREEVE_PLANNER_HOSTCHECK_H

#include "planner/planner.h"

/*
 * Warn of what the system's sshd_config, hosts.allow and hosts.deny say and
 * the configuration does not carry over, of services that this version does
 * not serve, and of a missing PAM service file.
 */
void hostcheck_warn(const struct planner *p, const struct conf *conf,
    struct conf_report *report);

#endif
