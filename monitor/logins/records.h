/* Closing login records that nobody else can close. Monitor (root). */
#ifndef PORTREEVE_MONITOR_LOGINS_RECORDS_H
#define PORTREEVE_MONITOR_LOGINS_RECORDS_H

#include <sys/types.h>

#include "monitor/monitor.h"

/* A process that was killed, and the user whose login record it had. */
struct record_of {
	pid_t pid;
	char user[33]; /* utmp's bound; another's record is not touched */
};

/*
 * Processes that were killed had login records (utmp): mark them dead there
 * and say so in wtmp. Does nothing where there is none of that process and
 * that user. Does not wait: it is done by a child, soon. What cannot be done
 * is an event.
 */
void records_close_all(
    struct monitor *mon, const struct record_of *who, size_t n);
void records_close(struct monitor *mon, pid_t pid, const char *user);

/* A child has ended; false when it was none of ours. */
bool records_reaped(struct monitor *mon, pid_t child, int status);

#endif
