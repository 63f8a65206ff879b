/*
 * A worker's view of its one connection: bounded reading and writing with
 * deadlines, and the way out. Runs in the worker, which speaks with a stranger
 * and has no right but two descriptors. Distrusts every byte and every pause
 * of the peer. Never waits past a deadline, never allocates.
 *
 * Deadlines are points of CLOCK_BOOTTIME in nanoseconds (lib/fd.h).
 */
#ifndef PORTREEVE_WORKERS_WORKER_H
#define PORTREEVE_WORKERS_WORKER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "ipc/state.h"
#include "lib/addr.h"

/* What a worker has open besides 0, 1 and 2. */
#define WORKER_CONNECTION_FD 3
#define WORKER_MASTER_FD 4

struct worker {
	int connection; /* blocking or not, both are served alike */
	struct ipc_channel master;
	uint64_t session;
	uint64_t began; /* about when the connection was handed over */
	struct addr peer, local;
	uint64_t bytes_in, bytes_out; /* over the connection so far */
	enum worker_why why; /* it was ended from here; said at its end */
};

/* A line buffer; the caller gives the memory. */
struct worker_input {
	uint8_t *buf;
	size_t size; /* the longest line with its end */
	size_t have; /* bytes in buf */
	size_t used; /* of these, already handed out */
};

/*
 * The deadline that many milliseconds from now, and from the connection's
 * beginning; the latter reads no clock.
 */
uint64_t worker_deadline(uint64_t ms);
uint64_t worker_deadline_since(const struct worker *w, uint64_t ms);

/* The kernel is out of memory: after a moment, of so many ms, once more. Too
 * often in a row, the connection is ended. */
#define WORKER_REST_MS 20
#define WORKER_RESTS_MOST 100 /* in a row */

static inline bool
worker_is_short(int error)
{
	return (error == ENOMEM || error == ENOBUFS);
}

/*
 * Wait for poll() events on fd. 0; ERR_TIMEOUT when the deadline passed;
 * ERR_SYSTEM.
 */
int worker_wait(int fd, short events, uint64_t deadline);

/*
 * The next line: *line points into the buffer, valid until the next call, *n
 * is its length without LF or CRLF. ERR_TOO_LONG: no end of line within the
 * buffer, which *line and *n then tell; ERR_CLOSED: the peer finished, *line
 * and *n are what it sent since the last line's end; ERR_TIMEOUT; ERR_SYSTEM.
 */
int worker_read_line(struct worker *w, struct worker_input *in,
    uint64_t deadline, const uint8_t **line, size_t *n);

/* All n bytes. 0, ERR_TIMEOUT, ERR_CLOSED or ERR_SYSTEM. */
int worker_write_all(
    struct worker *w, const void *buf, size_t n, uint64_t deadline);

/*
 * Half-close, then drop what the peer still sends until it closes too, so that
 * it reads our last words and not a reset. For when it was cut short.
 */
void worker_linger(struct worker *w, uint64_t deadline);

#endif
