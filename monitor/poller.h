/*
 * Waiting for descriptors, at a cost that does not grow with their number.
 * Monitor (root). One file per system.
 */
#ifndef PORTREEVE_MONITOR_POLLER_H
#define PORTREEVE_MONITOR_POLLER_H

/*
 * Wait for events (POLLIN, POLLOUT; errors and hang-ups always count) of a
 * descriptor, in the name of `who`. A descriptor once. 0, or ERR_SYSTEM with
 * errno.
 */
int poller_add(int fd, int events, void *who);
void poller_change(int fd, int events, void *who);

/* While it is open. What is being reported may still name who. */
void poller_remove(int fd);

/*
 * Wait so many milliseconds, -1 for ever, and call tell for each that has
 * something, with revents as poll(2)'s.
 */
void poller_wait(int timeout, void (*tell)(void *who, int revents));

#endif
