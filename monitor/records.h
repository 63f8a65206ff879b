/* Closing login records that nobody else can close. Monitor (root). */
#ifndef PORTREEVE_MONITOR_RECORDS_H
#define PORTREEVE_MONITOR_RECORDS_H

#include <sys/types.h>

#include "monitor/monitor.h"

/*
 * A process that was killed had a login record (utmp): mark it dead there and
 * say so in wtmp. Does nothing where there is none. Does not wait: it is done
 * by a child, soon. What cannot be done is an event.
 */
void records_close(struct monitor *mon, pid_t pid);

/* A child has ended; false when it was none of ours. */
bool records_reaped(struct monitor *mon, pid_t child, int status);

#endif
