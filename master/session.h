/*
 * The session table: one entry for each connection that was accepted and has
 * not ended, keyed by its slot; counts follow it. An entry is in the journal
 * of the state as long as it is here. Master only.
 */
#ifndef PORTREEVE_MASTER_SESSION_H
#define PORTREEVE_MASTER_SESSION_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "ipc/state.h"
#include "master/master.h"
#include "master/service.h"

struct listener;

/*
 * A session's state. Who has its connection, and who vouches for it, is one
 * thing: whatever it waits for, it waits for nothing else.
 */
enum session_state {
	SESSION_FREE,	     /* this slot is nobody's */
	SESSION_NEW,	     /* nobody has it: just accepted, or about to end */
	SESSION_HELD,	     /* it waits in the service's list */
	SESSION_GIVEN,	     /* its zygote has it */
	SESSION_UNDELIVERED, /* its ASSIGN failed: ENDED comes, then again */
	SESSION_INHERITED,   /* of an earlier master, nobody vouched yet */
	SESSION_ADOPTED,     /* of an earlier daemon; the monitor watches it */
	SESSION_OVER,	     /* its end is being reported */
	SESSION_TOLD,	     /* session-closed was made: it may be freed */
	SESSION_STATES
};

enum session_event {
	SESSION_ACCEPTS,
	SESSION_INHERITS, /* it was in the journal */
	SESSION_HOLDS,
	SESSION_GIVES,
	SESSION_FAILS, /* to deliver it to a worker forked ahead */
	SESSION_LEAVES,
	SESSION_ADOPTS,
	SESSION_ENDS,
	SESSION_TELLS,
	SESSION_FREES,
	SESSION_EVENTS
};

enum question_state {
	QUESTION_NONE,
	QUESTION_QUEUED,
	QUESTION_SENT, /* lookup has it */
	QUESTION_BEGUN /* and part of its answer is with the worker */
};

/* report.c's: what of it is still to be reported, or waits to leave. */
struct session_report {
	TAILQ_ENTRY(session) settle_link, await_link;
	uint64_t await_since; /* uv_now(), ms */
	/* event_sink_sent() when its last event is out, and its first. */
	uint64_t last, accepted;
	bool awaits;   /* connection-accepted waits for its process */
	bool settling; /* it is in the list */
};

/* workers.c's: the channel to its worker, and when it is watched. */
struct session_worker {
	struct ipc_channel channel; /* fd -1: none */
	struct watch watch;
	TAILQ_ENTRY(session) unwatched_link;
	bool unwatched; /* it is to be watched soon */
};

/* finger's question; lookup.c's. */
struct session_question {
	enum question_state state;
	TAILQ_ENTRY(session) link;
	uint32_t request;
	uint8_t what, details;
	uint8_t lost; /* lookups that died or hung with it */
	char name[33];
};

/* claim.c's: what it holds of its service's limits. */
struct session_claim {
	bool source;  /* one of its source's, too */
	bool pending; /* it has not logged in */
};

struct session {
	uint64_t id; /* 0: this slot is free */
	enum session_state state;
	uint32_t slot;
	int32_t pid;	  /* of an adopted one; others' are in the slot table */
	int32_t pool_pid; /* of its worker forked ahead; 0 on order */
	struct service *service;
	struct zygote *zygote;	   /* NULL: held, adopted or inherited */
	uint32_t instance;	   /* as in the journal */
	TAILQ_ENTRY(session) link; /* in its zygote's list or a held list */
	struct session_report report;
	struct session *hash_next;
	struct master *master; /* for the watch's callback */
	struct addr peer, local;
	uint64_t accepted;	      /* CLOCK_BOOTTIME, ns */
	uint64_t since;		      /* wall clock, ns */
	uint64_t bytes_in, bytes_out; /* UINT64_MAX unknown */
	int connection;		      /* until handed over; -1 */
	int copy;	      /* of it, for a login that may be asked for; -1 */
	uint64_t login_asked; /* CLOCK_BOOTTIME, ns; 0: never */
	uint8_t login_asks;
	struct session_worker worker;
	int32_t violation;   /* system call number; -1 none */
	uint32_t listener;   /* MSG_LISTENER's id */
	bool holds_listener; /* that listener rests until the end */
	bool announced;	     /* connection-accepted is out */
	bool finished;	     /* the worker has said its last: STATS */
	bool clearing;	     /* an administrator has it ended */
	uint64_t held_since; /* CLOCK_BOOTTIME, ns */
	uint8_t why;	     /* enum worker_why, as its worker says */
	uint8_t exit_how;    /* of the user's session: enum ended */
	int32_t exit_value;
	struct session_question question;
	struct session_claim claim;
};

/* How a session ended, as far as it is known. */
struct session_end {
	int how; /* enum ended; ENDED_UNKNOWN */
	int32_t value;
	int32_t pid;	 /* 0 unknown */
	uint32_t killed; /* of a program's group, when it had ended */
	bool timed_out;	 /* session-timeout ended it */
	uint32_t step;	 /* ENDED_FAILED: enum step */
};

int sessions_init(struct master *m);

/* The one way from a state to the next; where there is none, it is a bug. */
void session_change(struct session *s, enum session_event event);

/* Its end has been seen: its books are closed, or about to be. */
static inline bool
session_is_over(const struct session *s)
{
	return (s->state == SESSION_OVER || s->state == SESSION_TOLD);
}

/* STATE came: every entry of the journal becomes an inherited session. */
int sessions_inherit(struct master *m);

/*
 * A new session for an accepted peer, in the journal, not announced, counted
 * already by policy. NULL with errno when slots, memory or the room of the
 * run-time folder are out; report_give_up() may make room.
 */
struct session *session_new(struct master *m, struct service *sv,
    const struct listener *l, const struct addr *peer, uint64_t now);

/* NULL when the slot is free; ended ones are not found. */
struct session *session_by_slot(struct master *m, uint32_t slot);

/*
 * An earlier daemon's session that the books do not know goes into them. NULL
 * where its slot is another's, or there is no room.
 */
struct session *session_adopt(
    struct master *m, uint32_t slot, const struct journal *j);
struct session *session_by_id(struct master *m, uint64_t id);

/* The first session in a slot >= slot; NULL. For walks over all. */
struct session *session_from(struct master *m, uint32_t slot);

/* Join the sessions of a zygote. */
void session_join(struct master *m, struct session *s, struct zygote *z);
/* Leave a zygote or a held list. */
void session_leave(struct session *s);

/* By its number it is not found any more. */
void session_forget(struct master *m, struct session *s);

/* For report_flush(): the slot is free. */
void session_free(struct master *m, struct session *s);

/*
 * What the zygote's slot table says of it; *end is how it ended, ENDED_UNKNOWN
 * when the table does not say.
 */
enum session_table { SESSION_ABSENT, SESSION_RUNNING, SESSION_ENDED };
enum session_table session_in_table(const struct session *s,
    const struct slot_table *t, struct session_end *end);

#endif
