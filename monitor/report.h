/* The monitor's own events, and its channel to audit. */
#ifndef PORTREEVE_MONITOR_REPORT_H
#define PORTREEVE_MONITOR_REPORT_H

#include "monitor/monitor.h"

/* Send events to audit by this channel, which is taken; -1: keep them. */
void report_attach(struct monitor *mon, int fd);

void report_ready(struct monitor *mon);
void report_stopped(struct monitor *mon, const char *reason);
/* status: as waitpid() gave it. */
void report_role_restarted(
    struct monitor *mon, const struct proc *p, int status);
void report_listener_failed(
    struct monitor *mon, const struct listener *l, const char *reason);
/* A service waits, for this reason, or waits no more. */
void report_service(struct monitor *mon, const struct mon_service *s,
    bool failed, const char *reason);
void report_configuration(
    struct monitor *mon, bool applied, const char *reason);
void report_warning(
    struct monitor *mon, const char *service, const char *reason);

/* Coalesced: at most one a second a role; the count says how many. */
void report_short(
    struct monitor *mon, enum role role, int error, const char *reason);

/* Send what waits, as far as it goes; ask for the rest to be sent later. */
void report_emit(struct monitor *mon, struct event_builder *b);

/*
 * "finger,ssh": the configured services, for an event; `listening`: those that
 * have a socket of ours.
 */
const char *report_services(
    struct monitor *mon, bool listening, char *buf, size_t size);

#endif
