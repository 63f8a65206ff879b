/*
 * Endings under way: each has a list of leaders and, one after the other, an
 * ender that is told it. Monitor (root). Whom to end is said by end.c.
 */
#ifndef PORTREEVE_MONITOR_SESSIONS_ENDING_H
#define PORTREEVE_MONITOR_SESSIONS_ENDING_H

#include "monitor/sessions/end.h"

struct record_of;

struct ending {
	TAILQ_ENTRY(ending) next;
	struct monitor *mon;
	struct msg_end_leader *leaders;
	size_t n, room;
	struct proc *ender; /* at work, or NULL */
	struct loop_timer again;
	bool all;      /* every session that there is */
	bool answered; /* who asked for it knows */
	end_done *done;
	uint64_t session, cookie;
	struct msg_end_left left; /* the present ender's answer */
	bool heard;
	uint32_t instance; /* of a zygote that died; 0 */
	/* Records to close: whose the leaders' are, and what the ender found.
	 */
	struct record_of *who, *records;
	size_t nrecords, recorded;
	int32_t begun; /* its number in the file of endings; 0 */
};

/* NULL when out of memory. */
struct ending *ending_new(struct monitor *mon);
void ending_free(struct ending *e);

/* 0 or ERR_NO_MEMORY. */
int ending_add(struct ending *e, const struct msg_end_leader *leader);

/* Begin, or wait for others to be done; e is its own from now on. */
void ending_begin(struct ending *e);

/* Whether there is one. */
bool ending_any(void);

#endif
