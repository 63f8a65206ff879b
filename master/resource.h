/*
 * Running out of descriptors and memory. A reserve of descriptors is kept, so
 * that a connection that cannot be served can be accepted and refused; where
 * not even that works the listeners rest for a while. Master only.
 */
#ifndef PORTREEVE_MASTER_RESOURCE_H
#define PORTREEVE_MASTER_RESOURCE_H

#include <stdbool.h>

#include "master/master.h"

/* Also raises the limit of descriptors to what is allowed. */
int resource_init(struct master *m);

/*
 * error (an errno) stood in the way once more, of the master or of that role:
 * reported by one event in a while.
 */
void resource_short(struct master *m, const char *service, int error);
void resource_short_of(
    struct master *m, enum role role, const char *service, int error);

/* Give the reserve away for one accept4(); false when there is none. */
bool resource_reserve_open(struct master *m);
/* Take it back; without it the listeners rest until it can be had. */
void resource_reserve_take(struct master *m);

/* Listeners rest and are tried again: after 100 ms, then 200, … to 1.6 s. */
void resource_rest(struct master *m);
/* Something worked: the next rest is a short one. */
void resource_recovered(struct master *m);

/*
 * Whether a new descriptor is one of the last, which are kept for the
 * monitor's messages and for clients of the control socket.
 */
bool resource_is_last(struct master *m, int fd);

/* Whether an errno means that descriptors or memory are out. */
bool resource_is_short(int error);

#endif
