/*
 * Sockets that the service manager handed over, against the statements: which
 * address and port hold. Planner.
 */
#ifndef PORTREEVE_PLANNER_HANDED_H
#define PORTREEVE_PLANNER_HANDED_H

#include "planner/planner.h"

/*
 * Send a warning for each socket of the daemon that runs with p->daemon, if any
 * and if we may read of it, which has another address or port than the
 * statements say, or that none of them wants; at most so many.
 */
void handed_send(const struct planner *p, const struct conf *conf, size_t most);

#endif
