/* What the host says against a configuration: warnings. Monitor (root). */
#ifndef PORTREEVE_MONITOR_HOSTCHECK_H
#define PORTREEVE_MONITOR_HOSTCHECK_H

#include "monitor/monitor.h"

/*
 * Warn of what the system's sshd_config, hosts.allow and hosts.deny say and
 * the configuration does not carry over, of services that this version does
 * not serve, and of a missing PAM service file.
 */
void hostcheck_warn(
    struct monitor *mon, const struct conf *conf, struct conf_report *report);

#endif
