/*
 * The sessions of a daemon before this one that still run. Monitor (root). Of
 * two with one session or leader, the first is found by it.
 */
#ifndef PORTREEVE_MONITOR_SESSIONS_ADOPTED_H
#define PORTREEVE_MONITOR_SESSIONS_ADOPTED_H

#include "monitor/sessions/slots.h"

struct adopted {
	TAILQ_ENTRY(adopted) next;
	struct monitor *mon;
	uint32_t slot, instance;
	uint64_t session, start;
	pid_t leader;
	struct addr peer;
	char service[SERVICE_NAME_MAX];
	int pidfd; /* of the leader; -1 when that has ended */
	struct watch *watch;
	TAILQ_ENTRY(adopted) of_groups;
	bool group; /* in adopted_groups: others of its group are left */
};

/* It stays the caller's. ERR_NO_MEMORY. */
int adopted_put(struct adopted *a);
void adopted_remove(struct adopted *a);

/* The one behind it; of NULL, the first. */
struct adopted *adopted_next(const struct adopted *a);

/* Whether there is one that a zygote's instance had. */
bool adopted_any_of(uint32_t instance);

/* The slot of every session that was adopted is below this. */
uint32_t adopted_slots(void);

/*
 * The verified leader of an adopted session, or pid 0; with start 0 it has
 * ended, and others of its group have not.
 */
struct end_process adopted_find(uint64_t session);

/* The adopted session whose process group has this leader, or 0. */
uint64_t adopted_find_group(
    pid_t group, struct addr *peer, char service[SERVICE_NAME_MAX]);

/* Call end for the leader of each, as adopted_find() tells of it. */
void adopted_end_all(void (*end)(pid_t leader, uint64_t start));

#endif
