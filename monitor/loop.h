/*
 * The monitor's event loop: descriptors (monitor/poller.h), timers, signals by
 * a pipe. Runs as root, so it is small; it reads only what the kernel and our
 * own roles send. One loop a process.
 */
#ifndef PORTREEVE_MONITOR_LOOP_H
#define PORTREEVE_MONITOR_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watch;

/* revents as poll(2)'s. May delete any watch, its own too. */
typedef void watch_cb(void *arg, int revents);

/*
 * Call cb when fd has one of events (POLLIN, POLLOUT); errors and hang-ups
 * always count. The descriptor stays the caller's, and must be open until
 * loop_unwatch(), and be watched once. NULL when out of memory.
 */
struct watch *loop_watch(int fd, int events, watch_cb *cb, void *arg);
void loop_watch_events(struct watch *w, int events);
/* *w may be NULL; it is NULL afterwards. */
void loop_unwatch(struct watch **w);

/* A one-shot timer, embedded in its owner; zero-initialised is unset. */
struct loop_timer {
	uint64_t at; /* CLOCK_BOOTTIME ns; 0: not set */
	void (*cb)(void *arg);
	void *arg;
	struct loop_timer *next;
	bool linked;
};

/* (Re)arm it in delay ns from now; replaces an earlier arming. */
void loop_timer_in(
    struct loop_timer *t, uint64_t delay, void (*cb)(void *arg), void *arg);
void loop_timer_clear(struct loop_timer *t);

#define MILLISECOND 1000000u
#define SECOND 1000000000u

/*
 * Route these signals into the loop: cb runs in loop context, once for any
 * number of arrivals. ERR_SYSTEM with errno.
 */
int loop_signals(const int *signals, unsigned n,
    void (*cb)(int signal, void *arg), void *arg);

/* One turn: waits for something, runs what is due. */
void loop_turn(void);

#endif
