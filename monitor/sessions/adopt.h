/*
 * Sessions of a daemon before this one. Monitor (root): finds them in the slot
 * files, verifies each process, tells the master, and watches it to its end.
 */
#ifndef PORTREEVE_MONITOR_SESSIONS_ADOPT_H
#define PORTREEVE_MONITOR_SESSIONS_ADOPT_H

#include "monitor/monitor.h"
#include "monitor/sessions/end.h"

/*
 * Read every slot file below the run-time state folder; call once, before the
 * first role is started. Sets mon->next_instance past all that were seen.
 */
void adopt_find_all(struct monitor *mon);

/* Tell a new master of each adopted session. */
void adopt_tell_master(struct monitor *mon);

/* The slot of every session that was adopted is below this. */
uint32_t adopt_slots(void);

/*
 * The verified leader of an adopted session, or pid 0; with start 0 it has
 * ended, and others of its group have not.
 */
struct end_process adopt_find(uint64_t session);

/* The adopted session whose process group has this leader, or 0. */
uint64_t adopt_find_group(
    pid_t group, struct addr *peer, char service[SERVICE_NAME_MAX]);

/* Call end for the leader of each, as adopt_find() tells of it. */
void adopt_end_all(void (*end)(pid_t leader, uint64_t start));

/* Whether an adopted session has a process of this uid. */
bool adopt_has_pid(pid_t pid);

#endif
