/*
 * Every message in every state, from every role to every role, with every
 * number of descriptors: what the catalogue does not allow is refused, changes
 * nothing and keeps no descriptor. By the tables, then over real channels.
 */
#include <sys/socket.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/channel.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "tests/state/ipc/plan.h"

#define FDS_TRIED 5 /* 0 to 4: one more than the most of any message */

static struct plan plan;
static int null_fd;

static size_t
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n);
}

#define EACH(type, v, count)                                                   \
	for (type v = (type)0; (unsigned)v < (count); v = (type)(v + 1))

/* What the catalogue says, in the order in which it is asked. */
static int
expected(enum msg_type t, enum role from, enum role to, enum ipc_state s,
    size_t nfds)
{
	const struct msg_permit *p = &msg_permits[t];

	if ((p->from >> from & 1) == 0 || (p->to >> to & 1) == 0)
		return (ERR_SENDER);
	if ((p->states >> s & 1) == 0)
		return (ERR_STATE);
	return (nfds < p->fds_least || nfds > p->fds_most ? ERR_FDS : 0);
}

static void
test_tables(void **state)
{
	size_t allowed = 0;

	(void)state;
	EACH(enum msg_type, t, MSG_COUNT)
	{
		EACH(enum role, from, ROLE_COUNT)
		{
			EACH(enum role, to, ROLE_COUNT)
			{
				EACH(enum ipc_state, s, ST_COUNT)
				{
					for (size_t n = 0; n < FDS_TRIED; n++) {
						int err = msg_check_permit(
						    t, from, to, s, n);

						assert_int_equal(
						    err, expected(t, from, to,
							     s, n));
						allowed += err == 0;
					}
				}
			}
		}
	}
	assert_true(allowed >= MSG_COUNT);
	assert_int_equal(
	    msg_check_permit(MSG_COUNT, ROLE_MONITOR, ROLE_MASTER, ST_UP, 0),
	    ERR_TYPE);
}

/*
 * What must hold whatever rows are added: said here once more, by hand, so
 * that a careless row does not pass.
 */
static void
test_privilege(void **state)
{
	const uint32_t monitor = 1u << ROLE_MONITOR;
	const uint32_t login = 1u << ROLE_LOGIN;
	const uint32_t strangers = 1u << ROLE_WORKER | 1u << ROLE_SESSION;

	(void)state;
	EACH(enum msg_type, t, MSG_COUNT)
	{
		const struct msg_permit *p = &msg_permits[t];

		assert_true(p->from != 0 && p->to != 0 && p->states != 0);
		assert_true(p->from < 1u << ROLE_COUNT);
		assert_true(p->to < 1u << ROLE_COUNT);
		assert_true(p->fds_least <= p->fds_most);
		assert_true(p->fds_most <= IPC_FDS_MAX);
		assert_true((unsigned)p->next <= ST_COUNT);
		/* Who reads a stranger's bytes has no way to the monitor. */
		if ((p->to & monitor) != 0) {
			assert_true((p->from & strangers) == 0);
			assert_true((p->from & 1u << ROLE_LOOKUP) == 0 ||
				    t == MSG_READY || t == MSG_FAILED ||
				    t == MSG_PONG);
			assert_true((p->from & 1u << ROLE_CLIENT) == 0);
		}
		/* A worker speaks to its master and to no one else... */
		if ((p->from & strangers) != 0 && t != MSG_LOOKUP_ASK &&
		    t != MSG_LOGIN_USER && t != MSG_LOGIN_ANSWER)
			assert_int_equal(p->to, 1u << ROLE_MASTER);
		/* ...but its own login, to which it can say two things. */
		if ((p->from & strangers) != 0 && (p->to & login) != 0) {
			assert_true(
			    t == MSG_LOGIN_USER || t == MSG_LOGIN_ANSWER);
			assert_int_equal(p->fds_most, 0);
		}
		/* A login process tells the monitor much, and passes none. */
		if ((p->from & login) != 0 && (p->to & monitor) != 0)
			assert_int_equal(p->fds_most, 0);
		/* Clients speak to the master alone, and pass nothing. */
		if ((p->from & 1u << ROLE_CLIENT) != 0) {
			assert_int_equal(p->to, 1u << ROLE_MASTER);
			assert_int_equal(p->fds_most, 0);
		}
		/* Events reach audit and nobody else; none is a worker's. */
		if (t == MSG_EVENT) {
			assert_int_equal(p->to, 1u << ROLE_AUDIT);
			assert_true((p->from & strangers) == 0);
		}
		/* Before it is sealed, a role hears how and nothing more. */
		if ((p->states & 1u << ST_NEW) != 0)
			assert_true(t == MSG_SEAL || t == MSG_FAILED ||
				    t == MSG_LOGIN_START || t == MSG_HELLO ||
				    t == MSG_PAM_HELLO);
	}
	assert_int_equal(msg_permits[MSG_SEAL].from, monitor);
	assert_int_equal(msg_permits[MSG_STOP].from, monitor);
	assert_int_equal(msg_permits[MSG_START].from, 1u << ROLE_MASTER);
	assert_string_equal(msg_name(MSG_SEAL), "SEAL");
	assert_string_equal(msg_name(MSG_COUNT), "?");
	assert_string_equal(ipc_state_name(ST_UP), "UP");
	assert_string_equal(ipc_state_name(ST_COUNT), "?");
}

/* Send bytes with copies of descriptors, past every check. */
static void
raw_send(int fd, const void *p, size_t n, size_t nfds)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	union {
		char b[CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} c;
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};

	memset(&c, 0, sizeof(c));
	if (nfds > 0) {
		hdr.msg_control = c.b;
		hdr.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c.align.cmsg_level = SOL_SOCKET;
		c.align.cmsg_type = SCM_RIGHTS;
		c.align.cmsg_len = CMSG_LEN(nfds * sizeof(int));
		for (size_t i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(&c.align) + i * sizeof(int), &null_fd,
			    sizeof(null_fd));
	}
	assert_true(sendmsg(fd, &hdr, MSG_NOSIGNAL) == (ssize_t)n);
}

/* One datagram through a channel in that state: the error, and what follows. */
static void
over_channel(int pair[2], enum msg_type t, enum role from, enum role to,
    enum ipc_state s, size_t nfds)
{
	static struct ipc_in in;
	struct ipc_channel ch = {
	    .fd = pair[1], .self = to, .peer = from, .state = s};
	int want = expected(t, from, to, s, nfds);

	raw_send(pair[0], plan.wire, plan.n, nfds);
	assert_int_equal(ipc_recv(&ch, &in), want);
	assert_int_equal(in.type, t);
	assert_int_equal(in.nfds, want == 0 ? nfds : 0);
	assert_int_equal(ch.state, want == 0 ? msg_next_state(t, s) : s);
	for (size_t i = 0; i < in.nfds; i++)
		assert_int_equal(fcntl(in.fds[i], F_GETFD), FD_CLOEXEC);
	ipc_in_close(&in);
}

/* Every state and number of descriptors between right ends. */
static void
test_states_over_channels(void **state)
{
	size_t before = open_descriptors();
	int pair[2];

	(void)state;
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	EACH(enum msg_type, t, MSG_COUNT)
	{
		plan_make(&plan, t, PLAN_BETWEEN);
		EACH(enum role, from, ROLE_COUNT)
		{
			EACH(enum role, to, ROLE_COUNT)
			{
				if ((msg_permits[t].from >> from & 1) == 0 ||
				    (msg_permits[t].to >> to & 1) == 0)
					continue;
				EACH(enum ipc_state, s, ST_COUNT)
				for (size_t n = 0; n < FDS_TRIED; n++)
					over_channel(pair, t, from, to, s, n);
			}
		}
	}
	assert_int_equal(open_descriptors(), before + 2);
	close(pair[0]);
	close(pair[1]);
}

/* Every wrong sender and receiver, with descriptors that must not stay. */
static void
test_senders_over_channels(void **state)
{
	size_t before = open_descriptors();
	int pair[2];

	(void)state;
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	EACH(enum msg_type, t, MSG_COUNT)
	{
		plan_make(&plan, t, PLAN_LEAST);
		EACH(enum role, from, ROLE_COUNT)
		{
			EACH(enum role, to, ROLE_COUNT)
			over_channel(
			    pair, t, from, to, ST_UP, msg_permits[t].fds_most);
		}
	}
	assert_int_equal(open_descriptors(), before + 2);
	close(pair[0]);
	close(pair[1]);
}

/* Bad bytes with good descriptors: cut, too long, no type, far too long. */
static void
test_bad_bytes_over_channels(void **state)
{
	static uint8_t longest[IPC_MESSAGE_MAX + 1];
	size_t before = open_descriptors();
	static struct ipc_in in;
	struct ipc_channel ch;
	int pair[2];

	(void)state;
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	ipc_channel_init(&ch, pair[1], ROLE_ZYGOTE, ROLE_MASTER, ST_UP);
	plan_make(&plan, MSG_START, PLAN_BETWEEN);
	for (size_t n = 0; n <= plan.n + 1; n++) {
		int want = ERR_TRUNCATED;

		if (n >= plan.n)
			want = n == plan.n ? 0 : ERR_TOO_LONG;
		raw_send(pair[0], plan.wire, n, 3);
		assert_int_equal(ipc_recv(&ch, &in), want);
		assert_true(want == 0 || ipc_error_is_breach(want));
		ipc_in_close(&in);
	}
	memcpy(longest, plan.wire, plan.n);
	raw_send(pair[0], longest, sizeof(longest), 3);
	assert_int_equal(ipc_recv(&ch, &in), ERR_TOO_LONG);
	longest[0] = longest[1] = 0xff;
	raw_send(pair[0], longest, plan.n, 1);
	assert_int_equal(ipc_recv(&ch, &in), ERR_TYPE);
	assert_int_equal(in.type, MSG_COUNT);
	/* More descriptors than the control buffer holds. */
	raw_send(pair[0], plan.wire, plan.n, 16);
	assert_int_equal(ipc_recv(&ch, &in), ERR_FDS);
	assert_int_equal(ch.state, ST_UP);
	assert_int_equal(open_descriptors(), before + 2);
	/* And the channel is as good as before. */
	raw_send(pair[0], plan.wire, plan.n, 2);
	assert_int_equal(ipc_recv(&ch, &in), 0);
	assert_int_equal(in.nfds, 2);
	ipc_in_close(&in);
	close(pair[0]);
	ipc_channel_close(&ch);
	assert_int_equal(open_descriptors(), before);
}

/* What the sender may not send never leaves it. */
static void
test_sender_is_held(void **state)
{
	struct msg_start start = {.session = 1};
	struct ipc_channel ch;
	uint8_t byte;
	int pair[2];

	(void)state;
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	ipc_channel_init(&ch, pair[0], ROLE_MASTER, ROLE_ZYGOTE, ST_UP);
	assert_int_equal(ipc_send(&ch, MSG_START, &start, NULL, 0), ERR_FDS);
	assert_int_equal(ipc_send(&ch, MSG_SEAL, &start, NULL, 0), ERR_SENDER);
	ch.state = ST_NEW;
	assert_int_equal(
	    ipc_send(&ch, MSG_START, &start, &null_fd, 1), ERR_STATE);
	ch.state = ST_UP;
	start.session = 0;
	assert_int_equal(
	    ipc_send(&ch, MSG_START, &start, &null_fd, 1), ERR_VALUE);
	assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	start.session = 1;
	assert_int_equal(ipc_send(&ch, MSG_START, &start, &null_fd, 1), 0);
	assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), 1);
	close(pair[1]);
	assert_int_equal(
	    ipc_send(&ch, MSG_START, &start, &null_fd, 1), ERR_CLOSED);
	ipc_channel_close(&ch);
	ipc_channel_close(&ch);
	assert_int_equal(
	    ipc_send(&ch, MSG_START, &start, &null_fd, 1), ERR_CLOSED);
}

/* A full queue, an empty one, and the end. */
static void
test_waiting(void **state)
{
	struct msg_ping ping = {.number = 7};
	struct ipc_channel a, b;
	static struct ipc_in in;
	int pair[2], err, sent = 0;

	(void)state;
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	ipc_channel_init(&a, pair[0], ROLE_MONITOR, ROLE_MASTER, ST_UP);
	ipc_channel_init(&b, pair[1], ROLE_MASTER, ROLE_MONITOR, ST_UP);
	assert_int_equal(fd_set_nonblock(b.fd, 1), 0);
	assert_int_equal(ipc_recv(&b, &in), ERR_AGAIN);
	while ((err = ipc_send(&a, MSG_PING, &ping, NULL, 0)) == 0)
		sent++;
	assert_int_equal(err, ERR_AGAIN);
	assert_true(sent > 10);
	ipc_channel_close(&a);
	while ((err = ipc_recv(&b, &in)) == 0) {
		assert_int_equal(in.msg.ping.number, 7);
		sent--;
	}
	assert_int_equal(err, ERR_CLOSED);
	assert_int_equal(sent, 0);
	ipc_channel_close(&b);
	assert_int_equal(ipc_recv(&b, &in), ERR_CLOSED);
	assert_false(ipc_error_is_breach(ERR_CLOSED));
	assert_false(ipc_error_is_breach(ERR_AGAIN));
	assert_false(ipc_error_is_breach(ERR_SYSTEM));
	assert_false(ipc_error_is_breach(0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_privilege),
	    cmocka_unit_test(test_states_over_channels),
	    cmocka_unit_test(test_senders_over_channels),
	    cmocka_unit_test(test_bad_bytes_over_channels),
	    cmocka_unit_test(test_sender_is_held),
	    cmocka_unit_test(test_waiting),
	};

	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
