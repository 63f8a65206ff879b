/*
 * A channel whose receiver has no descriptor left, or too many are under way:
 * that is its own shortage, not the sender's breach, and the channel is whole.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/channel.h"
#include "lib/err.h"
#include "lib/fd.h"

static void
limit_descriptors(rlim_t soft)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = soft;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
}

static rlim_t
descriptors(void)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	return (r.rlim_cur);
}

static void
open_channels(struct ipc_channel *master, struct ipc_channel *zygote)
{
	int pair[2];

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	ipc_channel_init(master, pair[0], ROLE_MASTER, ROLE_ZYGOTE, ST_UP);
	ipc_channel_init(zygote, pair[1], ROLE_ZYGOTE, ROLE_MASTER, ST_UP);
	fd_set_nonblock(pair[1], 1);
}

/* Two START of three descriptors each; room for all, for two, for none. */
static void
receiver_is_short(void **state)
{
	struct msg_start start = {.slot = 5, .session = 7};
	struct ipc_channel master, zygote;
	struct ipc_in in;
	rlim_t before = descriptors();

	(void)state;
	open_channels(&master, &zygote);
	for (rlim_t room = 0; room < 4; room++) {
		int fds[3] = {0, 1, 2};
		int lowest = dup(0);

		close(lowest);
		assert_int_equal(
		    ipc_send(&master, MSG_START, &start, fds, 3), 0);
		limit_descriptors((rlim_t)lowest + room);
		if (room == 3) {
			assert_int_equal(ipc_recv(&zygote, &in), 0);
			assert_int_equal(in.nfds, 3);
		} else {
			assert_int_equal(ipc_recv(&zygote, &in), ERR_SHORT);
			assert_int_equal(errno, EMFILE);
			assert_int_equal(in.nfds, 0);
			assert_false(ipc_error_is_breach(ERR_SHORT));
		}
		limit_descriptors(before);
		/* Which it was is known, and what is left is its own. */
		assert_int_equal(in.type, MSG_START);
		assert_int_equal(in.msg.start.slot, 5);
		assert_int_equal(in.msg.start.session, 7);
		ipc_in_close(&in);
		assert_int_equal(dup(0), lowest);
		close(lowest);
	}
	assert_int_equal(ipc_recv(&zygote, &in), ERR_AGAIN);
	ipc_channel_close(&master);
	ipc_channel_close(&zygote);
}

/* Far more than any message has is the sender's fault, room or none. */
static void
too_many_is_a_breach(void **state)
{
	char control[CMSG_SPACE(20 * sizeof(int))];
	uint8_t buf[256];
	struct msg_ended ended = {.slot = 1, .session = 1};
	struct ipc_channel master, zygote;
	struct iovec iov = {.iov_base = buf};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	struct ipc_in in;
	int lowest = dup(0);

	(void)state;
	close(lowest);
	open_channels(&master, &zygote);
	iov.iov_len = (size_t)msg_encode(MSG_ENDED, &ended, buf, sizeof(buf));
	memset(control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&hdr);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(20 * sizeof(int));
	assert_true(sendmsg(zygote.fd, &hdr, 0) > 0);
	assert_int_equal(ipc_recv(&master, &in), ERR_FDS);
	assert_true(ipc_error_is_breach(ERR_FDS));
	ipc_channel_close(&master);
	ipc_channel_close(&zygote);
	assert_int_equal(dup(0), lowest);
	close(lowest);
}

/* So many descriptors are under way that the kernel takes no more. */
static void
too_many_under_way(void **state)
{
	struct msg_start start = {.slot = 1, .session = 1};
	struct ipc_channel master, zygote;
	struct ipc_in in;
	rlim_t before = descriptors();
	int fds[3] = {0, 1, 2}, err = 0, sent = 0;

	(void)state;
	if (geteuid() == 0)
		assert_int_equal(seteuid(64321), 0); /* root is not limited */
	open_channels(&master, &zygote);
	limit_descriptors(16);
	while (sent < 100 &&
	       (err = ipc_send(&master, MSG_START, &start, fds, 3)) == 0)
		sent++;
	limit_descriptors(before);
	assert_int_equal(err, ERR_SHORT);
	assert_int_equal(errno, ETOOMANYREFS);
	for (; sent > 0; sent--) {
		assert_int_equal(ipc_recv(&zygote, &in), 0);
		ipc_in_close(&in);
	}
	assert_int_equal(ipc_send(&master, MSG_START, &start, fds, 3), 0);
	ipc_channel_close(&master);
	ipc_channel_close(&zygote);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(receiver_is_short),
	    cmocka_unit_test(too_many_is_a_breach),
	    cmocka_unit_test(too_many_under_way),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
