/* What the zygotes of programs are to run. Monitor (root). */
#ifndef PORTREEVE_MONITOR_PROGRAM_H
#define PORTREEVE_MONITOR_PROGRAM_H

#include "monitor/monitor.h"

/*
 * Send MSG_PROGRAM to a zygote of ssh or of an inetd-style program. 0, or an
 * ERR_, logged, with a sentence in reason where the service is to wait for the
 * host to change, and "" where not.
 */
int program_send(
    struct monitor *mon, struct proc *zygote, char reason[REASON_MAX]);

#endif
