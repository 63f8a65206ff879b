/*
 * Reading events from their channels, many by one system call. Audit alone.
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

static struct source sources[SOURCES_MAX];
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
source_take(struct source *s, const struct mmsghdr *m,
    void (*take)(const struct event_view *v))
{
	static union msg_any msg;
	const struct msghdr *hdr = &m->msg_hdr;
	struct event_view v;
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
	if (err == 0)
		err = event_decode(&msg.event, s->ch.peer, &v);
	if (err == 0)
		take(&v);
	return (err);
}

int
source_read(struct source *s, void (*take)(const struct event_view *v))
{
	static uint8_t buf[OUTPUT_BATCH][SOURCE_MESSAGE];
	struct iovec iov[OUTPUT_BATCH];
	struct mmsghdr m[OUTPUT_BATCH];
	int n, err;

	memset(m, 0, sizeof(m));
	for (int i = 0; i < OUTPUT_BATCH; i++) {
		iov[i].iov_base = buf[i];
		iov[i].iov_len = sizeof(buf[i]);
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	do {
		n = recvmmsg(s->ch.fd, m, OUTPUT_BATCH, MSG_DONTWAIT, NULL);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return (0);
		if (errno == ENOMEM || errno == ENOBUFS)
			return (ERR_SHORT);
		return (errno == ECONNRESET ? ERR_CLOSED : ERR_SYSTEM);
	}
	for (int i = 0; i < n; i++) {
		err = source_take(s, &m[i], take);
		if (err != 0)
			return (err);
	}
	return (n);
}
