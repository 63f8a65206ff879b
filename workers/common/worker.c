/*
 * Reading and writing of one connection in the worker (without privilege;
 * distrusts the peer), bounded in bytes and in time. First the call, and only
 * when it would block the wait: an answer to a peer that is there costs one
 * system call.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/common/worker.h"

#define NS_PER_MS 1000000u
#define DROP_AT_ONCE 65536 /* bytes that a linger drops in one call */
#define AGAINS_MOST 8	   /* sends without room, in a row */
#define DROP_CALLS 1024	   /* and calls, so that a flood ends */

uint64_t
worker_deadline(uint64_t ms)
{
	return (time_boot_ns() + ms * NS_PER_MS);
}

uint64_t
worker_deadline_since(const struct worker *w, uint64_t ms)
{
	return (w->began + ms * NS_PER_MS);
}

int
worker_wait(int fd, short events, uint64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now = time_boot_ns(), ms;
		int n;

		if (now >= deadline)
			return (ERR_TIMEOUT);
		ms = (deadline - now + NS_PER_MS - 1) / NS_PER_MS;
		n = poll(&p, 1, ms > 3600000 ? 3600000 : (int)ms);
		if (n > 0)
			return (0);
		if (n < 0 && errno != EINTR)
			return (ERR_SYSTEM);
	}
}

/* The kernel is short: a moment's rest or, too often in a row, the end. */
static int
worker_short(struct worker *w, unsigned *shorts)
{
	time_rest(WORKER_REST_MS);
	if (++*shorts <= WORKER_RESTS_MOST)
		return (0);
	w->why = WORKER_WHY_SHORT;
	return (ERR_SYSTEM);
}

/* More bytes into buf; 0 when some came. */
static int
worker_input_fill(struct worker *w, struct worker_input *in, uint64_t deadline)
{
	unsigned shorts = 0;

	for (;;) {
		ssize_t n = recv(w->connection, in->buf + in->have,
		    in->size - in->have, MSG_DONTWAIT);
		int err = 0;

		if (n > 0) {
			in->have += (size_t)n;
			w->bytes_in += (uint64_t)n;
			return (0);
		}
		if (n == 0 || errno == ECONNRESET)
			return (ERR_CLOSED);
		if (errno == EINTR)
			continue;
		if (worker_is_short(errno))
			err = worker_short(w, &shorts);
		else if (errno != EAGAIN && errno != EWOULDBLOCK)
			return (ERR_SYSTEM);
		if (err == 0)
			err = worker_wait(w->connection, POLLIN, deadline);
		if (err != 0)
			return (err);
	}
}

/* Where the line ends; a loop, as memchr()'s page of code is not here yet. */
static const uint8_t *
worker_input_find_end(const struct worker_input *in, size_t from)
{
	for (size_t i = from; i < in->have; i++) {
		if (in->buf[i] == '\n')
			return (in->buf + i);
	}
	return (NULL);
}

int
worker_read_line(struct worker *w, struct worker_input *in, uint64_t deadline,
    const uint8_t **line, size_t *n)
{
	size_t seen = 0; /* bytes known to hold no LF */

	if (in->used > 0) {
		memmove(in->buf, in->buf + in->used, in->have - in->used);
		in->have -= in->used;
		in->used = 0;
	}
	*line = in->buf;
	for (;;) {
		const uint8_t *lf = worker_input_find_end(in, seen);
		int err;

		if (lf != NULL) {
			*n = (size_t)(lf - in->buf);
			in->used = *n + 1;
			if (*n > 0 && in->buf[*n - 1] == '\r')
				(*n)--;
			return (0);
		}
		seen = in->have;
		*n = in->have;
		if (in->have == in->size)
			return (ERR_TOO_LONG);
		err = worker_input_fill(w, in, deadline);
		if (err != 0)
			return (err);
	}
}

int
worker_write_all(struct worker *w, const void *buf, size_t n, uint64_t deadline)
{
	const uint8_t *p = buf;
	unsigned agains = 0, shorts = 0; /* in a row */

	while (n > 0) {
		ssize_t sent =
		    send(w->connection, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		int err = 0;

		if (sent >= 0) {
			p += sent;
			n -= (size_t)sent;
			w->bytes_out += (uint64_t)sent;
			agains = shorts = 0;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EPIPE || errno == ECONNRESET)
			return (ERR_CLOSED);
		/* poll() may say that there is room: no spinning. */
		if (worker_is_short(errno))
			err = worker_short(w, &shorts);
		else if (errno != EAGAIN && errno != EWOULDBLOCK)
			return (ERR_SYSTEM);
		else if (++agains > AGAINS_MOST)
			time_rest(WORKER_REST_MS);
		if (err == 0)
			err = worker_wait(w->connection, POLLOUT, deadline);
		if (err != 0)
			return (err);
	}
	return (0);
}

void
worker_linger(struct worker *w, uint64_t deadline)
{
	if (shutdown(w->connection, SHUT_WR) < 0)
		return;
	for (int calls = 0; calls < DROP_CALLS; calls++) {
		ssize_t n = recv(w->connection, NULL, DROP_AT_ONCE,
		    MSG_TRUNC | MSG_DONTWAIT);

		if (n > 0) {
			w->bytes_in += (uint64_t)n;
			continue;
		}
		if (n == 0)
			return;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return;
		if (worker_wait(w->connection, POLLIN, deadline) != 0)
			return;
	}
}
