/* The audit process in the foreground: lines, breaches, losses, turns. */
#include "tests/stage/audit.h"

static void
test_lines(void **state)
{
	struct event_builder b;
	struct audit a;
	int master, mon;

	(void)state;
	audit_run(&a, 1, NULL);
	master = audit_source(&a, ROLE_MASTER, 1);
	mon = audit_source(&a, ROLE_MONITOR, 2);
	event_begin(&b, EV_READY);
	event_text(&b, FIELD_SERVICES, "finger");
	assert_int_equal(audit_send_event(mon, &b), 0);
	assert_string_equal(audit_line(&a), "event=ready services=finger");
	audit_accepted(&b, 7);
	assert_int_equal(audit_send_event(master, &b), 0);
	assert_string_equal(audit_line(&a),
	    "event=connection-accepted service=finger session=7");
	/* What was sent before STOP is written. */
	event_begin(&b, EV_STOPPED);
	assert_int_equal(audit_send_event(mon, &b), 0);
	{
		struct msg_stop stop = {0};

		assert_int_equal(ipc_send(&a.ch, MSG_STOP, &stop, NULL, 0), 0);
	}
	assert_string_equal(audit_line(&a), "event=stopped");
	assert_string_equal(audit_line(&a), "");
	audit_wait_exit(&a, 0);
	close(master);
	close(mon);
}

/* The monitor dies: what others still say is written, then it ends. */
static void
test_orphaned(void **state)
{
	struct event_builder b;
	struct audit a;
	int master;

	(void)state;
	audit_run(&a, 1, NULL);
	master = audit_source(&a, ROLE_MASTER, 1);
	audit_accepted(&b, 1);
	assert_int_equal(audit_send_event(master, &b), 0);
	ipc_channel_close(&a.ch);
	assert_non_null(strstr(audit_line(&a), "session=1"));
	audit_accepted(&b, 2);
	assert_int_equal(audit_send_event(master, &b), 0);
	assert_non_null(strstr(audit_line(&a), "session=2"));
	close(master);
	assert_string_equal(audit_line(&a), "");
	audit_wait_exit(&a, 0);
}

/* Ways to break the catalogues, each of a source that was good before. */

static void
break_foreign(int fd)
{
	struct event_builder b;

	event_begin(&b, EV_READY); /* the monitor's */
	assert_int_equal(audit_send_event(fd, &b), 0);
}

static void
break_garbage(int fd)
{
	uint8_t buf[100];

	memset(buf, 0xff, sizeof(buf));
	assert_int_equal(send(fd, buf, sizeof(buf), 0), sizeof(buf));
}

static void
break_short(int fd)
{
	assert_int_equal(send(fd, "x", 1, 0), 1);
}

static void
break_long(int fd)
{
	static uint8_t buf[2 * sizeof(struct msg_event)];
	struct event_builder b;

	audit_accepted(&b, 2);
	assert_true(msg_encode(MSG_EVENT, &b.msg, buf, sizeof(buf)) > 0);
	assert_int_equal(send(fd, buf, sizeof(buf), 0), sizeof(buf));
}

/* A good event, with a descriptor. */
static void
break_descriptor(int fd)
{
	static uint8_t buf[IPC_MESSAGE_MAX];
	struct event_builder b;
	struct iovec iov = {.iov_base = buf};
	union {
		char b[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} c;
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = c.b,
	    .msg_controllen = sizeof(c)};
	int n;

	memset(&c, 0, sizeof(c));
	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.align), &fd, sizeof(fd));
	audit_accepted(&b, 2);
	n = msg_encode(MSG_EVENT, &b.msg, buf, sizeof(buf));
	assert_true(n > 0);
	iov.iov_len = (size_t)n;
	assert_int_equal(sendmsg(fd, &hdr, 0), n);
}

/* A good message, of another channel's. */
static void
break_other(int fd)
{
	struct msg_ready ready = {0};
	struct ipc_channel ch = {.fd = fd,
	    .self = ROLE_MASTER,
	    .peer = ROLE_MONITOR,
	    .state = ST_SEALED};

	assert_int_equal(ipc_send(&ch, MSG_READY, &ready, NULL, 0), 0);
}

/*
 * Each is told in an event, and to the monitor with the source's number, and
 * ends that source alone.
 */
static void
test_breach(void **state)
{
	static void (*const breaks[])(int) = {break_foreign, break_garbage,
	    break_short, break_long, break_descriptor, break_other};
	struct event_builder b;
	struct audit a;
	int mon;

	(void)state;
	audit_run(&a, 1, NULL);
	mon = audit_source(&a, ROLE_MONITOR, 0);
	for (uint32_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		int fd = audit_source(&a, ROLE_MASTER, 100 + i);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		struct ipc_in in;

		audit_accepted(&b, 1);
		assert_int_equal(audit_send_event(fd, &b), 0);
		breaks[i](fd);
		assert_non_null(strstr(audit_line(&a), "session=1"));
		assert_non_null(strstr(
		    audit_line(&a), "event=warning reason=\"the master sent"));
		stage_expect(&a.ch, MSG_AUDIT_BREACH, &in);
		assert_int_equal(in.msg.audit_breach.role, ROLE_MASTER);
		assert_int_equal(in.msg.audit_breach.number, 100 + i);
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		assert_true((p.revents & POLLHUP) != 0);
		close(fd);
	}
	/* The others are still heard. */
	event_begin(&b, EV_READY);
	assert_int_equal(audit_send_event(mon, &b), 0);
	assert_string_equal(audit_line(&a), "event=ready");
	close(mon);
	audit_stop(&a);
}

/*
 * Nobody reads what it writes: the reporting side goes on at once, and at the
 * end every event was either written, in order, or counted as dropped.
 */
static void
test_full_pipe(void **state)
{
	const uint64_t events = 30000;
	struct event_sink *s = event_sink_new(ROLE_MASTER, 64);
	struct event_builder b;
	uint64_t next = 1, lost = 0;
	struct audit a;
	int fd;

	(void)state;
	audit_run(&a, 1, NULL);
	fd = audit_source(&a, ROLE_MASTER, 1);
	event_sink_attach(s, fd);
	for (uint64_t i = 1; i <= events; i++) {
		audit_accepted(&b, i);
		event_emit(s, &b);
	}
	while (next <= events) {
		const char *line = audit_line(&a), *p;

		assert_string_not_equal(line, "");
		event_sink_flush(s);
		p = strstr(line, "count=");
		if (p != NULL) {
			/* By the sender: audit took no more than it kept. */
			assert_non_null(
			    strstr(line, "event=events-dropped role=master"));
			lost += strtoull(p + 6, NULL, 10);
			next += strtoull(p + 6, NULL, 10);
			continue;
		}
		p = strstr(line, "session=");
		assert_non_null(p);
		assert_true(strtoull(p + 8, NULL, 10) == next);
		next++;
	}
	assert_true(lost > 0);
	event_sink_free(s);
	audit_stop(&a);
}

/*
 * Told to go while nobody reads its pipe: what it was given is in the pipe when
 * it has ended, to the last.
 */
static void
test_stop_while_nobody_reads(void **state)
{
	enum { EVENTS = 4000 };
	struct event_sink *s = event_sink_new(ROLE_MASTER, EVENTS + 1);
	struct msg_stop stop = {.end_ = 0};
	struct event_builder b;
	struct audit a;
	uint64_t next = 1;
	int status;

	(void)state;
	audit_run(&a, 1, NULL);
	event_sink_attach(s, audit_source(&a, ROLE_MASTER, 1));
	for (uint64_t i = 1; i <= EVENTS; i++) {
		audit_accepted(&b, i);
		event_emit(s, &b);
	}
	event_sink_finish(s, PATIENCE_MS);
	assert_int_equal(event_sink_queued(s), 0);
	assert_int_equal(ipc_send(&a.ch, MSG_STOP, &stop, NULL, 0), 0);
	assert_int_equal(waitpid(a.pid, &status, 0), a.pid);
	assert_int_equal(status, 0);
	for (; next <= EVENTS; next++) {
		const char *p = strstr(audit_line(&a), "session=");

		assert_non_null(p);
		assert_true(strtoull(p + 8, NULL, 10) == next);
	}
	assert_string_equal(audit_line(&a), "");
	event_sink_free(s);
	ipc_channel_close(&a.ch);
	fd_close(&a.out);
}

/*
 * What was said first is written first, whichever channel it came by, also
 * where one has said more than is read at a time.
 */
static void
test_order(void **state)
{
	struct event_builder b;
	int logreader, master;
	char want[64];
	struct audit a;

	(void)state;
	audit_run(&a, 1, NULL);
	logreader = audit_source(&a, ROLE_LOGREADER, 1);
	master = audit_source(&a, ROLE_MASTER, 2);
	audit_accepted(&b, 0);
	assert_int_equal(audit_send_event(master, &b), 0);
	assert_non_null(strstr(audit_line(&a), "session=0"));
	kill(a.pid, SIGSTOP);
	for (int i = 1; i <= 100; i++) {
		audit_accepted(&b, (uint64_t)i);
		assert_int_equal(audit_send_event(master, &b), 0);
		if (i % 50 != 0)
			continue;
		event_begin(&b, EV_SSHD_OUTPUT);
		event_number(&b, FIELD_SESSION, (uint64_t)i);
		assert_int_equal(audit_send_event(logreader, &b), 0);
	}
	kill(a.pid, SIGCONT);
	for (int i = 1; i <= 100; i++) {
		snprintf(want, sizeof(want),
		    "event=connection-accepted service=finger session=%d", i);
		assert_string_equal(audit_line(&a), want);
		if (i % 50 != 0)
			continue;
		snprintf(want, sizeof(want), "event=sshd-output session=%d", i);
		assert_string_equal(audit_line(&a), want);
	}
	close(logreader);
	close(master);
	audit_stop(&a);
}

/* A clock that was set back, or a role that lies of the time, keeps nothing. */
static void
test_time_to_come(void **state)
{
	struct event_builder b;
	struct audit a;
	int master;

	(void)state;
	audit_run(&a, 1, NULL);
	master = audit_source(&a, ROLE_MASTER, 1);
	audit_accepted(&b, 1);
	b.msg.time = UINT64_MAX;
	assert_int_equal(audit_send_event(master, &b), 0);
	assert_non_null(strstr(audit_line(&a), "session=1"));
	audit_accepted(&b, 2);
	assert_int_equal(audit_send_event(master, &b), 0);
	assert_non_null(strstr(audit_line(&a), "session=2"));
	close(master);
	audit_stop(&a);
}

/* One source's flood does not keep another's event waiting. */
static void
test_fair(void **state)
{
	struct event_builder b;
	struct audit a;
	int flood, mon, before = 0;

	(void)state;
	audit_run(&a, 1, NULL);
	kill(a.pid, SIGSTOP);
	flood = audit_source(&a, ROLE_MASTER, 1);
	mon = audit_source(&a, ROLE_MONITOR, 2);
	audit_accepted(&b, 1);
	for (int i = 0; i < 200; i++)
		assert_int_equal(audit_send_event(flood, &b), 0);
	event_begin(&b, EV_READY);
	assert_int_equal(audit_send_event(mon, &b), 0);
	kill(a.pid, SIGCONT);
	while (strstr(audit_line(&a), "event=ready") == NULL)
		before++;
	assert_true(before < 180);
	while (before < 200) {
		assert_non_null(strstr(audit_line(&a), "session=1"));
		before++;
	}
	close(flood);
	close(mon);
	audit_stop(&a);
}

/* The reader of its lines goes: it lives, and tells the loss to the next. */
static void
test_reader_gone(void **state)
{
	struct event_builder b;
	struct audit a;
	int master;

	(void)state;
	audit_run(&a, 1, NULL);
	master = audit_source(&a, ROLE_MASTER, 1);
	fd_close(&a.out);
	audit_accepted(&b, 1);
	assert_int_equal(audit_send_event(master, &b), 0);
	assert_int_equal(audit_send_event(master, &b), 0);
	close(master);
	audit_stop(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_orphaned),
	    cmocka_unit_test(test_breach),
	    cmocka_unit_test(test_full_pipe),
	    cmocka_unit_test(test_stop_while_nobody_reads),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_time_to_come),
	    cmocka_unit_test(test_fair),
	    cmocka_unit_test(test_reader_gone),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
