/* The uids of sealed roles and of services. Monitor (root). */
#ifndef PORTREEVE_MONITOR_IDS_H
#define PORTREEVE_MONITOR_IDS_H

#include "monitor/monitor.h"

/*
 * Fill mon->ids: the accounts portreeve-ROLE where they exist, else numbers
 * from the configured range that no passwd entry, group or running process
 * has, and that no other daemon on this host has taken (a lock per block of
 * numbers, held to the monitor's end). 0, or ERR_REFUSED with a sentence.
 */
int ids_choose(struct monitor *mon, char *reason, size_t size);

/*
 * s->uid for a service without `user`: the one that its name has, or one that
 * no name ever had. Nothing to do for others. ERR_REFUSED with a sentence.
 */
int ids_for_service(
    struct monitor *mon, struct mon_service *s, char *reason, size_t size);

#endif
