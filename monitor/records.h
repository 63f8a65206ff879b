/* Closing login records that nobody else can close. Monitor (root). */
#ifndef PORTREEVE_MONITOR_RECORDS_H
#define PORTREEVE_MONITOR_RECORDS_H

#include <sys/types.h>

/*
 * A process that was killed had a login record (utmp): mark it dead there and
 * say so in wtmp. Does nothing where there is none. Does not wait: it is done
 * by a child, soon.
 */
void records_close(pid_t pid);

#endif
