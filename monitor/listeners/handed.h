/*
 * Sockets that the service manager handed over, against the statements: which
 * address and port hold. Monitor (root). They are also written down beside the
 * run-time state, so that a check of another configuration, which has none of
 * them, can be held against those of the daemon that runs.
 */
#ifndef PORTREEVE_MONITOR_LISTENERS_HANDED_H
#define PORTREEVE_MONITOR_LISTENERS_HANDED_H

#include "monitor/monitor.h"

#define HANDED_WORDS_MAX 320

/*
 * Whether a service's statements say that address and port (without
 * listen-address: that port); if not, a sentence with both.
 */
bool handed_is_stated(const struct plan_service *s, const struct addr *address,
    char words[HANDED_WORDS_MAX]);

/* A sentence about one whose name is no active service's. */
void handed_is_unclaimed(
    const char *name, const struct addr *address, char words[HANDED_WORDS_MAX]);

/* Once, at a start: write down what there is in the run-time folder. */
void handed_write(struct monitor *mon);

/*
 * For -n: of the daemon that runs with that run-time folder, if any and if the
 * caller may read it, warnings of both kinds, added to the plan's notes.
 */
void handed_check(const char *run_dir, struct plan *plan);

#endif
