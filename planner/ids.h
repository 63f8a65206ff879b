/*
 * The uids of sealed roles and of services without `user`. Planner; what it
 * chooses the monitor judges once more (monitor/ids.h).
 */
#ifndef PORTREEVE_PLANNER_IDS_H
#define PORTREEVE_PLANNER_IDS_H

#include "planner/planner.h"

/*
 * Send PLAN_ROLE for each role: the accounts portreeve-ROLE where they exist,
 * else numbers from the configured range that no passwd entry, group or running
 * process has, and that no other daemon on this host has taken. Nothing where
 * an ordinary user started the daemon. 0, or ERR_REFUSED with a sentence.
 */
int ids_send_roles(const struct planner *p, const struct conf *conf,
    char *reason, size_t size);

/*
 * *uid for a service without `user`: the one that its name has, or one that no
 * name ever had, written down. 0 for others, where an ordinary user started the
 * daemon, and in a check. ERR_REFUSED with a sentence.
 */
int ids_find_service(const struct planner *p, const struct conf *conf,
    const struct conf_service *s, uint32_t *uid, char *reason, size_t size);

#endif
