/*
 * A role that does not read: what the monitor has to say to it is kept, arrives
 * whole and in its order, and the monitor never waits.
 */
#include <sys/socket.h>

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

/* NOLINTNEXTLINE(bugprone-suspicious-include): the real one */
#include "monitor/roles/outbox.c"

#define MANY 5000

static int watched;

void
loop_watch_events(struct watch *w, int events)
{
	(void)w;
	watched = events;
}

/* A master that is up, whose monitor never waits. */
static void
master_begin(struct proc *p, struct ipc_channel *master)
{
	static int watch;
	int pair[2];

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	assert_int_equal(fd_set_nonblock(pair[0], 1), 0);
	memset(p, 0, sizeof(*p));
	STAILQ_INIT(&p->outbox);
	ipc_channel_init(&p->ch, pair[0], ROLE_MONITOR, ROLE_MASTER, ST_UP);
	ipc_channel_init(master, pair[1], ROLE_MASTER, ROLE_MONITOR, ST_UP);
	/* Only compared with NULL by the real one. */
	p->watch = (struct watch *)&watch;
}

static int
say(struct proc *p, uint32_t number, int fd)
{
	struct msg_listener listener = {.id = number,
	    .service = SERVICES_MAX,
	    .address.family = FAMILY_INET};
	struct msg_listener_gone gone = {.id = number};

	if (fd >= 0)
		return (outbox_send(p, MSG_LISTENER, &listener, &fd, 1));
	return (outbox_send(p, MSG_LISTENER_GONE, &gone, NULL, 0));
}

static void
hear(struct ipc_channel *master, uint32_t number, bool with_fd)
{
	static struct ipc_in in;

	assert_int_equal(ipc_recv_now(master, &in), 0);
	assert_int_equal(in.type, with_fd ? MSG_LISTENER : MSG_LISTENER_GONE);
	assert_int_equal(
	    with_fd ? in.msg.listener.id : in.msg.listener_gone.id, number);
	assert_int_equal(in.nfds, with_fd);
	ipc_in_close(&in);
}

static void
test_keeps_what_has_no_room(void **state)
{
	struct ipc_channel master;
	uint32_t heard = 0;
	struct proc p;

	(void)state;
	master_begin(&p, &master);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(say(&p, i, i % 100 == 7 ? 1 : -1), 0);
	assert_true(outbox_holds(&p));
	/* Whatever poll() says of room: the next look is a timer's. */
	assert_int_equal(watched, POLLIN);
	assert_int_equal(outbox_flush(&p), 0);
	assert_int_equal(watched, POLLIN);
	while (heard < MANY) {
		hear(&master, heard, heard % 100 == 7);
		heard++;
		assert_int_equal(outbox_flush(&p), 0);
		/* Some was taken: poll() says when there is room for more. */
		if (heard == 1)
			assert_int_equal(watched, POLLIN | POLLOUT);
	}
	assert_false(outbox_holds(&p));
	assert_int_equal(watched, POLLIN);
	ipc_channel_close(&master);
	ipc_channel_close(&p.ch);
}

static void
test_state_follows_what_is_kept(void **state)
{
	const struct msg_stop stop = {.keep_sessions = 1};
	struct ipc_channel master;
	struct proc p;

	(void)state;
	master_begin(&p, &master);
	for (uint32_t i = 0; !outbox_holds(&p); i++)
		assert_int_equal(say(&p, i, -1), 0);
	assert_int_equal(outbox_send(&p, MSG_STOP, &stop, NULL, 0), 0);
	/* Nothing of that kind may follow a STOP. */
	assert_int_equal(say(&p, 0, -1), ERR_STATE);
	outbox_clear(&p);
	assert_false(outbox_holds(&p));
	ipc_channel_close(&master);
	ipc_channel_close(&p.ch);
}

static void
test_end_of_the_role(void **state)
{
	struct ipc_channel master;
	struct proc p;

	(void)state;
	master_begin(&p, &master);
	for (uint32_t i = 0; !outbox_holds(&p); i++)
		assert_int_equal(say(&p, i, 1), 0);
	ipc_channel_close(&master);
	assert_int_equal(outbox_flush(&p), ERR_CLOSED);
	outbox_clear(&p);
	assert_int_equal(say(&p, 0, -1), ERR_CLOSED);
	ipc_channel_close(&p.ch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keeps_what_has_no_room),
	    cmocka_unit_test(test_state_follows_what_is_kept),
	    cmocka_unit_test(test_end_of_the_role),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
