/*
 * Reading events from their channels, many by one system call. Audit only.
 * Descriptors that come along are dropped by the kernel (there is no room for
 * them), and are a breach like every other.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>

#include "audit/writer/output.h"
#include "audit/writer/source.h"
#include "lib/err.h"
#include "lib/fd.h"

/* A byte more than the longest event, so that a longer message is seen. */
#define SOURCE_MESSAGE (sizeof(struct msg_event) + 1)

/* An event is held for so many turns at the most. */
#define TURNS_HELD 3

/* An event that was read and not taken; view points into event. */
struct held {
	struct msg_event event;
	struct event_view view;
};

static struct source sources[SOURCES_MAX];
static struct held held[SOURCES_MAX][OUTPUT_BATCH];
static int sources_ready;

struct source *
source_at(size_t i)
{
	if (!sources_ready || i >= SOURCES_MAX || sources[i].ch.fd < 0)
		return (NULL);
	return (&sources[i]);
}

int
source_add(int fd, enum role role, uint32_t number)
{
	if (!sources_ready) {
		for (size_t i = 0; i < SOURCES_MAX; i++)
			sources[i].ch.fd = -1;
		sources_ready = 1;
	}
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *s = &sources[i];

		if (s->ch.fd >= 0)
			continue;
		fd_set_nonblock(fd, 1);
		ipc_channel_init(&s->ch, fd, ROLE_AUDIT, role, ST_UP);
		s->number = number;
		s->next = s->n = 0;
		s->err = 0;
		return (0);
	}
	fd_close(&fd);
	return (ERR_FULL);
}

void
source_close(struct source *s)
{
	ipc_channel_close(&s->ch);
}

/* One datagram: 0, ERR_CLOSED or a breach. */
static int
source_decode(const struct source *s, const struct mmsghdr *m, struct held *h)
{
	static union msg_any msg;
	const struct msghdr *hdr = &m->msg_hdr;
	enum msg_type type;
	int err;

	if ((hdr->msg_flags & MSG_CTRUNC) != 0)
		return (ERR_FDS);
	if ((hdr->msg_flags & MSG_TRUNC) != 0)
		return (ERR_TOO_LONG);
	if (m->msg_len == 0)
		return (ERR_CLOSED);
	err = msg_decode(hdr->msg_iov->iov_base, m->msg_len, &type, &msg);
	if (err == 0)
		err = msg_check_permit(
		    type, s->ch.peer, ROLE_AUDIT, s->ch.state, 0);
	if (err == 0 && type != MSG_EVENT)
		err = ERR_TYPE;
	if (err != 0)
		return (err);
	h->event = msg.event;
	return (event_decode(&h->event, s->ch.peer, &h->view));
}

/* How many datagrams, or an ERR_; 0: none just now. */
static int
source_receive(struct source *s, struct mmsghdr *m)
{
	int n;

	do {
		n = recvmmsg(s->ch.fd, m, OUTPUT_BATCH, MSG_DONTWAIT, NULL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return (n);
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return (0);
	if (errno == ENOMEM || errno == ENOBUFS)
		return (ERR_SHORT);
	return (errno == ECONNRESET ? ERR_CLOSED : ERR_SYSTEM);
}

/* A batch of one from which all events have been taken. */
static void
source_fill(struct source *s)
{
	static uint8_t buf[OUTPUT_BATCH][SOURCE_MESSAGE];
	struct iovec iov[OUTPUT_BATCH];
	struct mmsghdr m[OUTPUT_BATCH];
	struct held *h = held[s - sources];
	int n;

	memset(m, 0, sizeof(m));
	for (int i = 0; i < OUTPUT_BATCH; i++) {
		iov[i].iov_base = buf[i];
		iov[i].iov_len = sizeof(buf[i]);
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	n = source_receive(s, m);
	s->next = s->n = 0;
	s->err = n < 0 ? n : 0;
	for (int i = 0; i < n && s->err == 0; i++) {
		s->err = source_decode(s, &m[i], &h[s->n]);
		if (s->err == 0)
			s->last = h[s->n++].view.time;
	}
	s->turns = 0;
}

/*
 * Fill all that are empty. Returns the time up to which all has been read that
 * was said: what comes later may follow from an event that is not here yet.
 */
static uint64_t
sources_fill(void)
{
	uint64_t until = time_wall_ns();

	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *s = source_at(i);

		if (s == NULL)
			continue;
		s->turns++;
		if (s->next == s->n && s->err == 0)
			source_fill(s);
		/* There may be more of it, which is not read yet. */
		if (s->n == 0 || s->last >= until)
			continue;
		if (s->turns > 0 ? s->next < s->n : s->n == OUTPUT_BATCH)
			until = s->last;
	}
	return (until);
}

/* The one whose next event was said first and is not to be held, or NULL. */
static struct source *
sources_first(uint64_t until)
{
	struct source *first = NULL;
	uint64_t least = 0;

	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *s = source_at(i);
		uint64_t time;

		if (s == NULL || s->next == s->n)
			continue;
		time = held[i][s->next].view.time;
		if ((s->turns < TURNS_HELD && time > until) ||
		    (first != NULL && time >= least))
			continue;
		first = s;
		least = time;
	}
	return (first);
}

int
sources_turn(void (*take)(const struct event_view *v), int (*room)(void))
{
	uint64_t until = sources_fill();
	struct source *s;
	int taken = 0;

	while (room() && (s = sources_first(until)) != NULL) {
		take(&held[s - sources][s->next++].view);
		taken++;
	}
	return (taken);
}

int
sources_held(void)
{
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		const struct source *s = source_at(i);

		if (s != NULL && s->next < s->n)
			return (1);
	}
	return (0);
}

int
source_error(struct source *s)
{
	int err = s->next < s->n ? 0 : s->err;

	if (err == ERR_SHORT)
		s->err = 0;
	return (err);
}
