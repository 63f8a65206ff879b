/*
 * Where a process's events go: its channel to audit, and a bounded queue of
 * encoded datagrams for when audit is slow or is being replaced. Any process
 * that reports events. Never waits, but for a millisecond when the kernel has
 * no memory, and where the caller ends; never grows; what does not fit is
 * counted and reported by one events-dropped, in its place in the order.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "audit/event.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"

#define SINK_BATCH 64 /* datagrams of one system call */
#define FAILURES_MOST 100
#define AGAINS_MOST 8 /* in a row, before poll() is asked */
#define REST_MS 5

/* Bytes to keep an event of usual length; longer ones take others' room. */
#define SINK_EVENT_BYTES 256

/* An entry of the ring: its length, then its bytes, never around the end. */
#define ENTRY_HEAD sizeof(uint16_t)
#define ENTRY_MAX (ENTRY_HEAD + sizeof(struct msg_event) + 16)

struct event_sink {
	enum role self;
	int fd;
	int hold;
	int full;	   /* the channel took no more the last time */
	unsigned failures; /* of calls, in a row, that are no shortage */
	unsigned agains;   /* in a row */
	unsigned skipped;  /* tries left out since then */
	size_t capacity;   /* events */
	size_t count;
	uint64_t dropped;
	uint64_t sent;
	size_t size;	   /* bytes of ring */
	size_t head, tail; /* first entry, first free byte */
	size_t end;	   /* where entries stop before they go on at 0 */
	uint8_t *ring;
};

struct event_sink *
event_sink_new(enum role self, size_t capacity)
{
	struct event_sink *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return (NULL);
	s->self = self;
	s->fd = -1;
	s->capacity = capacity;
	s->size = capacity * SINK_EVENT_BYTES + 2 * ENTRY_MAX;
	s->end = s->size;
	s->ring = malloc(s->size);
	if (s->ring == NULL) {
		free(s);
		return (NULL);
	}
	return (s);
}

void
event_sink_free(struct event_sink *s)
{
	if (s == NULL)
		return;
	fd_close(&s->fd);
	free(s->ring);
	free(s);
}

void
event_sink_attach(struct event_sink *s, int fd)
{
	fd_close(&s->fd);
	s->fd = fd;
	s->full = 0;
	if (fd < 0)
		return;
	fd_set_nonblock(fd, 1);
	fd_set_cloexec(fd, 1);
	event_sink_flush(s);
}

void
event_sink_hold(struct event_sink *s, int on)
{
	s->hold = on;
}

/* Room for an entry of the longest length, contiguous; NULL when full. */
static uint8_t *
sink_room(struct event_sink *s)
{
	if (s->count >= s->capacity)
		return (NULL);
	if (s->count == 0) {
		s->head = s->tail = 0;
		s->end = s->size;
	}
	if (s->count == 0 || s->tail > s->head) {
		if (s->size - s->tail >= ENTRY_MAX)
			return (s->ring + s->tail);
		if (s->head < ENTRY_MAX)
			return (NULL);
		s->end = s->tail;
		s->tail = 0;
	}
	return (s->head - s->tail >= ENTRY_MAX ? s->ring + s->tail : NULL);
}

/* 0, ERR_FULL, or what msg_encode() says. */
static int
sink_push(struct event_sink *s, const struct event_builder *b)
{
	uint8_t *p = sink_room(s);
	uint16_t len;
	int n;

	if (p == NULL)
		return (ERR_FULL);
	n = msg_encode(
	    MSG_EVENT, &b->msg, p + ENTRY_HEAD, ENTRY_MAX - ENTRY_HEAD);
	if (n < 0)
		return (n);
	len = (uint16_t)n;
	memcpy(p, &len, ENTRY_HEAD);
	s->tail += ENTRY_HEAD + len;
	s->count++;
	return (0);
}

/* The entry at offset *at as an iovec; *at moves to the next one. */
static void
sink_entry(const struct event_sink *s, size_t *at, struct iovec *iov)
{
	uint16_t len;

	if (*at == s->end)
		*at = 0;
	memcpy(&len, s->ring + *at, ENTRY_HEAD);
	iov->iov_base = s->ring + *at + ENTRY_HEAD;
	iov->iov_len = len;
	*at += ENTRY_HEAD + len;
}

static void
sink_pop(struct event_sink *s, size_t n)
{
	struct iovec iov;

	s->count -= n;
	s->sent += n;
	while (n-- > 0) {
		sink_entry(s, &s->head, &iov);
		if (s->head == s->end) {
			s->head = 0;
			s->end = s->size;
		}
	}
}

/* If events were lost, say so behind what is queued; 0 when nothing is owed. */
static int
sink_tell_drops(struct event_sink *s)
{
	struct event_builder b;
	int err;

	if (s->dropped == 0)
		return (0);
	event_begin(&b, EV_EVENTS_DROPPED);
	event_text(&b, FIELD_ROLE, role_name(s->self));
	event_number(&b, FIELD_COUNT, s->dropped);
	err = sink_push(s, &b);
	if (err == 0)
		s->dropped = 0;
	return (err);
}

/*
 * Again, out of memory, or at its end: then the next audit gets the queue. What
 * is neither is tried some times more. Where poll() would say at once that
 * there is room, and there is none, a moment passes here: nobody's loop spins.
 */
static void
sink_failed(struct event_sink *s, int error)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};

	if ((error == EAGAIN || error == EWOULDBLOCK) &&
	    (++s->agains < AGAINS_MOST || poll(&p, 1, 0) <= 0))
		return;
	if (error == EPIPE || error == ECONNRESET || error == ENOTCONN ||
	    (error != ENOBUFS && error != ENOMEM && error != EAGAIN &&
		++s->failures == FAILURES_MOST))
		fd_close(&s->fd);
	else
		time_rest(REST_MS);
}

/* Send up to a batch; whether there may be room for more. */
static int
sink_send(struct event_sink *s)
{
	struct mmsghdr m[SINK_BATCH];
	struct iovec iov[SINK_BATCH];
	size_t at = s->head, n = 0;
	int sent;

	memset(m, 0,
	    sizeof(m[0]) * (s->count < SINK_BATCH ? s->count : SINK_BATCH));
	for (; n < s->count && n < SINK_BATCH; n++) {
		sink_entry(s, &at, &iov[n]);
		m[n].msg_hdr.msg_iov = &iov[n];
		m[n].msg_hdr.msg_iovlen = 1;
	}
	do {
		sent = sendmmsg(
		    s->fd, m, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0) {
		sink_failed(s, errno);
		s->full = 1;
		return (0);
	}
	s->failures = s->agains = 0;
	sink_pop(s, (size_t)sent);
	s->full = (size_t)sent < n;
	return (!s->full);
}

void
event_sink_flush(struct event_sink *s)
{
	while (s->fd >= 0 && (s->count > 0 || s->dropped > 0)) {
		sink_tell_drops(s);
		if (!sink_send(s))
			return;
	}
}

void
event_sink_finish(struct event_sink *s, unsigned ms)
{
	uint64_t until = time_boot_ns() + ms * UINT64_C(1000000);

	for (event_sink_flush(s); event_sink_wants_write(s);
	     event_sink_flush(s)) {
		struct pollfd p = {.fd = s->fd, .events = POLLOUT};

		if (time_boot_ns() >= until)
			return;
		(void)poll(&p, 1, 50);
	}
}

void
event_emit(struct event_sink *s, struct event_builder *b)
{
	int err;

	if (b->err != 0) {
		/* Our own bug: tell the developer, and count it. */
		log_info("event %s has a field that is not its own",
		    event_name((enum event)b->msg.event));
		s->dropped++;
		return;
	}
	/* Behind the news of earlier losses, or lost with them. */
	err = sink_tell_drops(s);
	if (err == 0)
		err = sink_push(s, b);
	if (err != 0)
		s->dropped++;
	/* While the channel is full, a try for each event would be a waste. */
	if (s->full && ++s->skipped % SINK_BATCH != 0)
		return;
	if (!s->hold || s->count >= SINK_BATCH)
		event_sink_flush(s);
}

int
event_sink_fd(const struct event_sink *s)
{
	return (s->fd);
}

int
event_sink_wants_write(const struct event_sink *s)
{
	return (s->fd >= 0 && (s->count > 0 || s->dropped > 0));
}

size_t
event_sink_queued(const struct event_sink *s)
{
	return (s->count);
}

uint64_t
event_sink_sent(const struct event_sink *s)
{
	return (s->sent);
}

uint64_t
event_sink_dropped(const struct event_sink *s)
{
	return (s->dropped);
}
