/* Reading and applying a configuration. Monitor (root). */
#ifndef PORTREEVE_MONITOR_RELOAD_H
#define PORTREEVE_MONITOR_RELOAD_H

#include "monitor/monitor.h"

/*
 * Load and check the file whole, host and sshd included. On 0 *out is the new
 * configuration, with warnings in the report; else nothing has changed, and
 * the report says every error. Of a daemon that is starting, what a service
 * lacks of this host is no error: reload_apply() lets that service wait.
 */
int reload_check(struct monitor *mon, bool starting, struct conf **out,
    struct conf_report *report);

/* One service against this host, sshd's own view of it included. */
void reload_check_service(struct monitor *mon, const struct conf *conf,
    const struct conf_service *s, struct conf_report *report);

/* -n: the same, but without the run-time state: sshd -t has a file of its own
 * in a temporary folder. */
int reload_check_only(
    struct monitor *mon, struct conf **out, struct conf_report *report);

/* Warnings as events, everything in the log. */
void reload_warnings(
    struct monitor *mon, const struct conf_report *report, bool applied);

/*
 * Put a checked configuration in force: services, listeners, roles, master.
 * It is taken over. ERR_FULL or ERR_SYSTEM: nothing has changed.
 */
int reload_apply(struct monitor *mon, struct conf *conf);

/* SIGHUP, or (asked) a client's request: both of the above, and the events. */
void reload_run(struct monitor *mon, bool asked, uint32_t request);

/* All messages of a report on stderr, as `-n` prints them. */
void reload_print(struct monitor *mon, const struct conf_report *report);

#endif
