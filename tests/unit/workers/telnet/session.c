/*
 * A connection's phases, what its peer's side comes to, and the rest of a
 * terminal whose shell has ended.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/fd.h"
#include "workers/telnet/conn.h"

#define REST 3000

static struct conn c;
static struct worker w;
static int peer;

static int
setup(void **state)
{
	int pair[2];

	(void)state;
	memset(&c, 0, sizeof(c));
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	w = (struct worker){.connection = pair[0], .master.fd = -1};
	peer = pair[1];
	assert_int_equal(conn_open(&c, &w), 0);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	fd_close(&w.connection);
	fd_close(&peer);
	fd_close(&c.session.pty);
	return (0);
}

static void
test_not_provided(void **state)
{
	(void)state;
	assert_int_equal(c.phase, PHASE_GREETING);
	conn_step(&c, PHASE_OPENS);
	for (int event = 0; event < PHASE_EVENTS; event++) {
		assert_int_equal(c.phase, PHASE_END);
		conn_step(&c, (enum phase_event)event);
	}
}

static void
test_late(void **state)
{
	(void)state;
	conn_step(&c, PHASE_ASKS_NAME);
	conn_step(&c, PHASE_IS_LATE);
	conn_step(&c, PHASE_IS_LATE); /* asked again */
	assert_int_equal(c.phase, PHASE_LATE);
	/* There was to be no login process. */
	conn_step(&c, PHASE_TRIES);
	assert_int_equal(c.phase, PHASE_END);
}

static void
test_peer(void **state)
{
	(void)state;
	assert_int_equal(write(peer, "ab", 2), 2);
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	conn_read(&c, POLLIN | POLLRDHUP);
	assert_int_equal(c.peer, PEER_HALF_CLOSED);
	assert_int_equal(c.have, 2);
	c.have = 0;
	conn_read(&c, POLLIN | POLLRDHUP);
	assert_int_equal(c.peer, PEER_ENDED);
	assert_int_equal(conn_events(&c) & (POLLIN | POLLRDHUP), 0);
	assert_int_equal(c.phase, PHASE_GREETING);
	fd_close(&peer);
	conn_flush(&c); /* the first offers */
	assert_int_equal(c.peer, PEER_GONE);
	assert_int_equal(c.phase, PHASE_END);
	conn_read(&c, POLLRDHUP);
	assert_int_equal(c.peer, PEER_GONE);
}

/* Everything that is queued; how many bytes `wanted` are among it. */
static size_t
take(uint8_t wanted)
{
	static uint8_t buf[65536];
	const uint8_t *p;
	size_t found = 0;
	bool urgent;
	ssize_t n;

	do {
		c.blocked = false;
		conn_flush(&c);
		while ((n = recv(peer, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
			for (ssize_t i = 0; i < n; i++)
				found += buf[i] == wanted;
		}
	} while (telnet_pending(&c.telnet, &p, &urgent) > 0);
	return (found);
}

/* A terminal; the user's side of it. */
static int
open_terminal(void)
{
	int pty = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios t;
	int tty;

	assert_true(pty >= 0);
	assert_int_equal(grantpt(pty), 0);
	assert_int_equal(unlockpt(pty), 0);
	tty = open(ptsname(pty), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(tty >= 0);
	assert_int_equal(tcgetattr(tty, &t), 0);
	cfmakeraw(&t);
	assert_int_equal(tcsetattr(tty, TCSANOW, &t), 0);
	conn_step(&c, PHASE_ASKS_NAME);
	conn_step(&c, PHASE_ASKS_LOGIN);
	conn_step(&c, PHASE_TRIES);
	session_begin(&c, pty);
	assert_int_equal(c.phase, PHASE_SESSION);
	return (tty);
}

/* What the shell left in the terminal waits until the peer reads on. */
static void
test_rest_behind_shell(void **state)
{
	static const uint8_t full[1024];
	uint8_t rest[REST];
	int tty = open_terminal();

	(void)state;
	memset(rest, 'x', sizeof(rest));
	while (telnet_room(&c.telnet) > sizeof(full))
		(void)telnet_output(&c.telnet, full, sizeof(full));
	assert_int_equal(write(tty, rest, sizeof(rest)), sizeof(rest));
	session_over(&c);
	assert_int_equal(c.phase, PHASE_OVER);
	assert_true(conn_has_session(&c));
	session_read(&c);
	assert_int_equal(c.phase, PHASE_OVER);
	assert_int_equal(take('x'), 0);
	/* Somebody has the terminal still: its end is that nothing comes. */
	session_read(&c);
	assert_int_equal(c.phase, PHASE_END);
	assert_int_equal(take('x'), REST);
	close(tty);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_not_provided, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_late, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_peer, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_rest_behind_shell, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
