/*
 * Those whom the ender ends, by the place in which they were found. Ender.
 */
#ifndef PORTREEVE_ENDER_VICTIM_H
#define PORTREEVE_ENDER_VICTIM_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/ending.h"
#include "ipc/msg.h"
#include "lib/ptable.h"

struct victim {
	pid_t pid, parent;
	uint64_t start;
	uint32_t leader;  /* the place of its leader */
	uint32_t number;  /* a leader's, as the monitor said */
	enum end_how how; /* its leader's */
	bool told;	  /* to stop */
	bool gone;
};

/* Pointers to victims are good until the next is added. */
uint32_t victim_count(void);
struct victim *victim_at(uint32_t place);

/* By process id, or NULL. */
struct victim *victim_find(pid_t pid);

/* The leader whose group or session that is, or NULL. */
struct victim *victim_leader_of(pid_t group, pid_t session);

/* Whether it is the one at that place, and a leader. */
bool victim_is_leader(uint32_t place);

/* The place of a new one, or ERR_NO_MEMORY. */
int64_t victim_add(const struct ptable_row *row);

/* The errors of tree_add_leader(). */
int victim_add_leader(const struct msg_end_leader *m);

/*
 * Nobody has a leader's number but itself: while its group or session has a
 * member, it is given to no other process.
 */
bool victim_has_number(const struct victim *leader);

/*
 * Whether an ended leader's number is in use, after what its parent takes to
 * wait for it, and the kernel to forget it; until that time (ns of
 * CLOCK_BOOTTIME) at most, and then true.
 */
bool victim_number_stays(const struct victim *leader, uint64_t patience);

/* The errors of ptable_signal(). */
int victim_signal(const struct victim *v, int signal);

/* Waits for its end until that time (ns of CLOCK_BOOTTIME) at most. */
bool victim_has_ended(const struct victim *v, uint64_t deadline);

#endif
