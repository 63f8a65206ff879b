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

/*
 * Take one ended child, if there is one. Returns false when there is none
 * now. *ended is the program whose leader it was, *over the one whose session
 * is over by this; both still in the table, or NULL.
 */
bool program_reap(struct program_table *t, enum reap_mode mode,
    struct program_run **ended, struct program_run **over);

/*
 * With REAP_LEADER_KILLS a group of which something was left is over when the
 * last of it has been waited for. Until then the program stays in the table,
 * its leader gone; the caller need not wait for it.
 */

#endif
