/*
 * Sending and receiving on a channel. Any process. Every datagram is taken
 * whole, checked by the catalogue, and its descriptors closed when it fails.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "lib/err.h"
#include "lib/fd.h"

/* Most messages are short: a large buffer would only spread the stack. */
#define SMALL_MESSAGE 512

/* How often, and after how long, a send that waits is tried again. */
#define PAUSES_MOST 500
#define PAUSE_MS 10
#define AGAINS_MOST 8

/* Room for more descriptors than any message has, so that too many are seen. */
#define CONTROL_FDS 8

union control {
	char buf[CMSG_SPACE(CONTROL_FDS * sizeof(int)) +
		 CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr align;
};

void
ipc_channel_init(struct ipc_channel *ch, int fd, enum role self, enum role peer,
    enum ipc_state state)
{
	*ch = (struct ipc_channel){fd, self, peer, state};
}

void
ipc_channel_pass(struct ipc_channel *ch, enum msg_type type)
{
	ch->state = msg_next_state(type, ch->state);
}

void
ipc_channel_close(struct ipc_channel *ch)
{
	fd_close(&ch->fd);
}

/*
 * What a call that failed means for the channel: again, out of resources, or
 * broken. Descriptors under way count, too (ETOOMANYREFS, unix(7)).
 */
static int
channel_error(int error)
{
	switch (error) {
	case EAGAIN:
		return (ERR_AGAIN);
	case ENOBUFS:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ETOOMANYREFS:
		return (ERR_SHORT);
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return (ERR_CLOSED);
	default:
		return (ERR_SYSTEM);
	}
}

/* Send n bytes, whatever they are. */
static int
channel_send_bytes(struct ipc_channel *ch, const uint8_t *buf, size_t n,
    const int *fds, size_t nfds, int flags)
{
	union control control;
	union {
		const uint8_t *in;
		void *out;
	} base = {.in = buf};
	struct iovec iov = {.iov_base = base.out, .iov_len = n};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		hdr.msg_control = control.buf;
		hdr.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	while (sendmsg(ch->fd, &hdr, flags | MSG_NOSIGNAL) < 0) {
		if (errno != EINTR)
			return (channel_error(errno));
	}
	return (0);
}

/* Send the n bytes of an encoded message. */
static int
channel_send_encoded(struct ipc_channel *ch, enum msg_type type,
    const uint8_t *buf, int n, const int *fds, size_t nfds, int flags)
{
	int err =
	    n < 0 ? n
		  : channel_send_bytes(ch, buf, (size_t)n, fds, nfds, flags);

	if (err == 0)
		ipc_channel_pass(ch, type);
	return (err);
}

static __attribute__((noinline)) int
channel_send_large(struct ipc_channel *ch, enum msg_type type, const void *msg,
    const int *fds, size_t nfds, int flags)
{
	uint8_t buf[IPC_MESSAGE_MAX];
	int err;

	err = channel_send_encoded(ch, type, buf,
	    msg_encode(type, msg, buf, sizeof(buf)), fds, nfds, flags);
	if (msg_is_secret(type))
		explicit_bzero(buf, sizeof(buf));
	return (err);
}

static int
channel_send_flags(struct ipc_channel *ch, enum msg_type type, const void *msg,
    const int *fds, size_t nfds, int flags)
{
	uint8_t buf[SMALL_MESSAGE];
	int n, err;

	if (ch->fd < 0)
		return (ERR_CLOSED);
	err = msg_check_permit(type, ch->self, ch->peer, ch->state, nfds);
	if (err != 0)
		return (err);
	n = msg_encode(type, msg, buf, sizeof(buf));
	if (n == ERR_TOO_LONG)
		err = channel_send_large(ch, type, msg, fds, nfds, flags);
	else
		err = channel_send_encoded(ch, type, buf, n, fds, nfds, flags);
	if (msg_is_secret(type))
		explicit_bzero(buf, sizeof(buf));
	return (err);
}

int
ipc_send(struct ipc_channel *ch, enum msg_type type, const void *msg,
    const int *fds, size_t nfds)
{
	return (channel_send_flags(ch, type, msg, fds, nfds, MSG_DONTWAIT));
}

int
ipc_prepare(const struct ipc_channel *ch, enum msg_type type, const void *msg,
    size_t nfds, uint8_t *buf, size_t size)
{
	int n = msg_check_permit(type, ch->self, ch->peer, ch->state, nfds);

	return (n == 0 ? msg_encode(type, msg, buf, size) : n);
}

int
ipc_send_prepared(struct ipc_channel *ch, const uint8_t *buf, size_t n,
    const int *fds, size_t nfds)
{
	return (ch->fd < 0
		    ? ERR_CLOSED
		    : channel_send_bytes(ch, buf, n, fds, nfds, MSG_DONTWAIT));
}

int
ipc_send_wait(struct ipc_channel *ch, enum msg_type type, const void *msg,
    const int *fds, size_t nfds)
{
	for (unsigned pauses = 0, agains = 0;;) {
		int err = channel_send_flags(ch, type, msg, fds, nfds, 0);
		struct pollfd p = {.fd = ch->fd, .events = POLLOUT};

		if (err == ERR_AGAIN &&
		    (poll(&p, 1, -1) >= 0 || errno == EINTR)) {
			/* poll() may say that there is room: no spinning. */
			if (++agains > AGAINS_MOST)
				time_rest(PAUSE_MS);
			continue;
		}
		if ((err != ERR_AGAIN && err != ERR_SHORT) ||
		    pauses++ == PAUSES_MOST)
			return (err);
		time_rest(PAUSE_MS); /* out of memory, for now */
	}
}

/* Take descriptors out of the control data; more than fit are closed. */
static void
channel_take_fds(struct msghdr *hdr, struct ipc_in *in, size_t *got)
{
	struct cmsghdr *c;

	*got = 0;
	for (c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (in->nfds < IPC_FDS_MAX)
				in->fds[in->nfds++] = fd;
			else
				close(fd);
			(*got)++;
		}
	}
}

/*
 * A peer that ended with messages of ours unread is told first, by one
 * ECONNRESET; what it had sent before is still there.
 */
static ssize_t
channel_recv_message(int fd, struct msghdr *hdr, int flags)
{
	bool reset = false;
	ssize_t n;

	for (;;) {
		n = recvmsg(fd, hdr, MSG_CMSG_CLOEXEC | flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ECONNRESET && !reset) {
			reset = true;
			continue;
		}
		return (n);
	}
}

static int
channel_recv_flags(struct ipc_channel *ch, struct ipc_in *in, int flags)
{
	union control control;
	struct iovec iov = {.iov_base = in->raw, .iov_len = sizeof(in->raw)};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control)};
	size_t got;
	bool cut; /* descriptors are missing */
	ssize_t n;
	int err;

	in->type = MSG_COUNT;
	in->nfds = 0;
	if (ch->fd < 0)
		return (ERR_CLOSED);
	n = channel_recv_message(ch->fd, &hdr, flags);
	if (n < 0)
		return (channel_error(errno));
	channel_take_fds(&hdr, in, &got);
	cut = (hdr.msg_flags & MSG_CTRUNC) != 0;
	if (n == 0 && got == 0 && !cut)
		return (ERR_CLOSED);
	if ((hdr.msg_flags & MSG_TRUNC) != 0)
		err = ERR_TOO_LONG;
	else if (cut && got >= CONTROL_FDS)
		err = ERR_FDS;
	else
		err = msg_decode(in->raw, (size_t)n, &in->type, &in->msg);
	/* There was room for all of them: what is missing is ours to blame. */
	if (err == 0 && cut)
		got = msg_permits[in->type].fds_least;
	if (err == 0)
		err = msg_check_permit(
		    in->type, ch->peer, ch->self, ch->state, got);
	if (err == 0 && (flags & MSG_PEEK) == 0)
		ipc_channel_pass(ch, in->type);
	if (err == 0 && cut) {
		err = ERR_SHORT;
		errno = EMFILE;
	}
	if (err != 0)
		ipc_in_close(in);
	return (err);
}

int
ipc_peek_now(struct ipc_channel *ch, struct ipc_in *in)
{
	return (channel_recv_flags(ch, in, MSG_DONTWAIT | MSG_PEEK));
}

int
ipc_recv(struct ipc_channel *ch, struct ipc_in *in)
{
	return (channel_recv_flags(ch, in, 0));
}

int
ipc_recv_now(struct ipc_channel *ch, struct ipc_in *in)
{
	return (channel_recv_flags(ch, in, MSG_DONTWAIT));
}

void
ipc_in_close(struct ipc_in *in)
{
	for (size_t i = 0; i < in->nfds; i++)
		fd_close(&in->fds[i]);
	in->nfds = 0;
}

void
ipc_in_wipe(struct ipc_in *in)
{
	explicit_bzero(&in->msg, sizeof(in->msg));
	explicit_bzero(in->raw, sizeof(in->raw));
}

int
ipc_error_is_breach(int err)
{
	switch (err) {
	case ERR_TYPE:
	case ERR_TRUNCATED:
	case ERR_TOO_LONG:
	case ERR_VALUE:
	case ERR_SENDER:
	case ERR_STATE:
	case ERR_FDS:
		return (1);
	default:
		return (0);
	}
}
