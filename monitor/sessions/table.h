/* The table of services. Monitor (root). */
#ifndef PORTREEVE_MONITOR_SESSIONS_TABLE_H
#define PORTREEVE_MONITOR_SESSIONS_TABLE_H

#include "monitor/monitor.h"

/* The one monitor of this process. */
struct monitor *table_monitor(void);

/*
 * Take the services of a plan over into mon->services: a service
 * keeps its number as long as its name and kind stay; those no longer there
 * become unconfigured. *changed[number] is set for each whose zygote must be
 * replaced. There must be room for them.
 */
void table_configure(struct monitor *mon, const struct plan *old,
    struct plan *plan, bool changed[SERVICES_MAX]);

/*
 * Whether all its services have room, beside those that are no longer there
 * but have sessions still; SERVICES_MAX in all.
 */
bool table_has_room(struct monitor *mon, const struct plan *plan);

/* Whether it is to be served: configured, built, and not waiting. */
bool table_service_runs(const struct mon_service *s);

/* Forget an unconfigured service when nothing of it lives on. */
void table_service_release(struct monitor *mon, struct mon_service *s);

/* Whether an inetd-style service runs its program as uid 0. */
bool table_program_is_root(const struct mon_service *s);

/*
 * Give the master's state file the length that the configuration needs, before
 * the master is told of it. It never shrinks, but from what no length of ours
 * is.
 */
void table_fit_state(struct monitor *mon);

#endif
