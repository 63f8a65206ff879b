/*
 * Waiting for programs and for whatever they leave behind. In program zygotes,
 * which are subreapers: every process that a session's dead parents leave
 * comes here. Signals process groups only while their leader, or a member, is
 * an unreaped child: never a number that may be someone else's by now.
 */
#ifndef PORTREEVE_WORKERS_COMMON_PROGRAM_REAP_H
#define PORTREEVE_WORKERS_COMMON_PROGRAM_REAP_H

#include <stdbool.h>

#include "workers/common/program_table.h"

/* How a leader's group ends. */
enum reap_mode {
	REAP_WHOLE_GROUP,  /* kill it, and the session ends with its last */
	REAP_LEADER_KILLS, /* kill it, count it, and the session is over */
	REAP_LEADER_ONLY   /* leave it (statement `detach`) */
};

/* What is known of children that have ended. */
struct program_reaper {
	int epoll;	 /* the leaders' pidfds: readable once they ended */
	int last;	 /* descriptors from here on are for connections */
	unsigned unheld; /* leaders without one */
	bool due;	 /* a child ended that may be none of those told */
	uint64_t again;	 /* no look at all children before this time */
};

/*
 * Once, before the zygote is sealed, with the limit of descriptors that it will
 * have: -1 with errno.
 */
int program_reaper_open(struct program_reaper *r);

/*
 * Watch a leader that has just been made. Where descriptors are nearly out it
 * is found by a look at all children, and they are left for connections.
 */
void program_reaper_hold(struct program_reaper *r, struct program_run *run);
/* It is taken out of the table. */
void program_reaper_drop(struct program_reaper *r, struct program_run *run);

/* The next leader that has ended; 0: there is none now. */
int32_t program_reaper_next(const struct program_reaper *r);

/*
 * A look at all children is the kernel's walk over them, and costs as many
 * steps. It is there for what no pidfd tells: orphans, some of whose SIGCHLDs
 * are lost behind another's. It comes soon while a session waits for one
 * (`hurry`), else after a second; and takes a tenth of the time at most: spent
 * is what it has computed for.
 */
bool program_reaper_may_look(
    const struct program_reaper *r, bool hurry, uint64_t now);
void program_reaper_looked(
    struct program_reaper *r, uint64_t spent, uint64_t now);
/* ms until program_reaper_may_look(); -1: nothing to look for. */
int program_reaper_timeout(
    const struct program_reaper *r, bool hurry, uint64_t now);

/*
 * Take one ended child: pid, or with pid 0 any. Returns 1; 0 when it has not
 * ended, or there is none; ERR_SYSTEM when the wait failed. *ended is the
 * program whose leader it was, *over the one whose session is over by this;
 * both still in the table, or NULL.
 */
int program_reap(struct program_table *t, enum reap_mode mode, int32_t pid,
    struct program_run **ended, struct program_run **over);

/*
 * A group of which something was left is over when the last of it has been
 * waited for. Until then the program stays in the table, its leader gone; with
 * REAP_LEADER_KILLS the caller need not wait for it. Whether that is so by
 * now, whatever was missed.
 */
bool program_group_is_over(const struct program_run *run);

#endif
