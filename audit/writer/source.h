/*
 * The channels that events come in by. Only audit. Distrusts every one: who
 * speaks is known by the channel, what it may say by the catalogue.
 */
#ifndef PORTREEVE_AUDIT_WRITER_SOURCE_H
#define PORTREEVE_AUDIT_WRITER_SOURCE_H

#include <stdint.h>

#include "audit/event.h"

/* Monitor, master, two logreaders, and as many that are being replaced. */
#define SOURCES_MAX 16

struct source {
	struct ipc_channel ch; /* ch.fd -1: free */
	uint32_t number;       /* the monitor's own for it */
	unsigned next, n;      /* of its events: the first not taken, all */
	int err;	       /* what came instead of another event */
	unsigned turns;	       /* since they were read */
	uint64_t last;	       /* the time of the last, ns */
};

/* Take the channel over, non-blocking. ERR_FULL (closes it) past the most. */
int source_add(int fd, enum role role, uint32_t number);

/* The i-th, or NULL when it is free; i below SOURCES_MAX. */
struct source *source_at(size_t i);

void source_close(struct source *s);

/*
 * A turn: read at most OUTPUT_BATCH events of each source, without waiting, and
 * hand them to take in the order in which they were said, whoever said them:
 * what one role says because of another's word comes after it. What may yet be
 * preceded by one that was not read is held for a later turn, but not for many,
 * so that no source keeps another waiting. Stops while room() is 0. Returns how
 * many were taken.
 */
int sources_turn(void (*take)(const struct event_view *v), int (*room)(void));

/* Whether events are held for a later turn. */
int sources_held(void);

/*
 * What stands behind a source's last event; 0 while there are events before it.
 * ERR_SHORT, once and with errno, when there was no memory; ERR_CLOSED at the
 * channel's end, ERR_SYSTEM of one that is broken, or the error by which the
 * sender broke the catalogues: nothing behind it is read.
 */
int source_error(struct source *s);

#endif
