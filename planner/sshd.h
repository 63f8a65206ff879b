/*
 * The installed sshd: where it is, which version, its host keys, and its
 * configuration rendered from ours. Planner.
 */
#ifndef PORTREEVE_PLANNER_SSHD_H
#define PORTREEVE_PLANNER_SSHD_H

#include "planner/planner.h"

/*
 * Find sshd and its host keys, which are made below the lasting state where
 * there are none; render the configuration of conf's ssh service below the
 * run-time folder, with copies of the sshd-config FILE, and have sshd judge it.
 * 0, or an ERR_ with errors in the report. sshd is not asked where it
 * would only say again what is in the report.
 */
int sshd_check(const struct planner *p, const struct conf *conf,
    struct conf_report *report);

/* Say in the service's message which sshd it is, and how PAM is asked. */
void sshd_describe(const struct planner *p, const struct conf_service *ssh,
    struct msg_plan_service *m);

/* Remove what a check has written, host keys included. */
void sshd_remove_prepared(const struct planner *p);

#endif
