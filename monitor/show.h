/* What `portreeved -d` tells a person on stdout. Monitor. */
#ifndef PORTREEVE_MONITOR_SHOW_H
#define PORTREEVE_MONITOR_SHOW_H

#include "monitor/monitor.h"

/* A table of what listens, and what to type to try it. */
void show_table(struct monitor *mon);

#endif
