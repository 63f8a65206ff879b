/* What the zygotes of programs are to run. Monitor (root). */
#ifndef PORTREEVE_MONITOR_PROGRAM_H
#define PORTREEVE_MONITOR_PROGRAM_H

#include "monitor/monitor.h"

/*
 * Send MSG_PROGRAM to a zygote of ssh or of an inetd-style program. 0, or an
 * ERR_, logged. The program's file is the planner's to judge, which looks at it
 * whenever a zygote is started once more (monitor/waiting.h).
 */
int program_send(struct monitor *mon, struct proc *zygote);

#endif
