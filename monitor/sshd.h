/*
 * sshd's configuration, put in place as a planner has written and tried it.
 * Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_SSHD_H
#define PORTREEVE_MONITOR_SSHD_H

#include "monitor/monitor.h"
#include "monitor/plan.h"

/* Make /run/sshd, where there is an sshd to need it; Debian's own unit removes
 * it. */
void sshd_make_folder(const struct monitor *mon);

/* The same, once ssh is served. */
void sshd_keep_folder(const struct monitor *mon);

/* The number of the files that the next planner is to write. */
uint32_t sshd_next_number(void);

/* Put the newest of them in place of those before: of this plan's ssh. */
int sshd_commit(struct monitor *mon, const struct plan_service *ssh);

/* The file's path once it is in place. */
void sshd_config_path(struct monitor *mon, char *buf, size_t size);

/* Whether our PAM module decides who logs in by ssh. */
bool sshd_by_pam(void);

#endif
