/* Whether what lies in the run-time state is of this boot. Monitor (root). */
#ifndef PORTREEVE_MONITOR_BOOT_H
#define PORTREEVE_MONITOR_BOOT_H

#include "monitor/monitor.h"

/*
 * Process ids and times in DIR/state are good for one boot. Where DIR outlives
 * it, what another boot left is removed; call it once, with DIR locked, before
 * anything there is opened. What cannot be done is logged.
 */
void boot_forget_others(struct monitor *mon);

#endif
