/*
 * The channels that events come in by. Audit alone. Distrusts every one: who
 * speaks is known by the channel, what it may say by the catalogue.
 */
#ifndef PORTREEVE_AUDIT_WRITER_SOURCE_H
#define PORTREEVE_AUDIT_WRITER_SOURCE_H

#include "audit/event.h"

/* Monitor, master, two logreaders, and as many that are being replaced. */
#define SOURCES_MAX 16

struct source {
	struct ipc_channel ch; /* ch.fd -1: free */
	uint32_t number;       /* the monitor's own for it */
};

/* Take the channel over, non-blocking. ERR_FULL (closes it) past the most. */
int source_add(int fd, enum role role, uint32_t number);

/* The i-th, or NULL when it is free; i below SOURCES_MAX. */
struct source *source_at(size_t i);

void source_close(struct source *s);

/*
 * Read a batch of at most OUTPUT_BATCH events, without waiting, and hand each
 * to take. Returns how many, 0 when there are none, ERR_SHORT with errno when
 * there is no memory just now, ERR_CLOSED at the channel's end, ERR_SYSTEM of a
 * channel that is broken, or the error by which the sender broke the
 * catalogues: nothing behind it is read.
 */
int source_read(struct source *s, void (*take)(const struct event_view *v));

#endif
