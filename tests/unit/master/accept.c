/*
 * From a connection to START and to the end of its books: programs, built-in
 * services, workers forked ahead, addresses, one-at-a-time listeners. With
 * the master's own program.
 */
#include "tests/stage/master.h"

#define N FIXTURE_NUMBER

static void
begin(struct fixture *f, enum service_kind kind, const char *name)
{
	fixture_begin(
	    f, &(struct fixture_service){
		   .kind = kind, .name = name, .connections = 10, .rate = 250});
}

/* A program: the connection itself arrives, with both addresses. */
static void
program_is_started(void **state)
{
	struct sockaddr_in me;
	socklen_t len = sizeof(me);
	struct event_view v;
	struct fixture f;
	struct start s;
	char buf[8];
	int peer;

	(void)state;
	begin(&f, SERVICE_EXEC, "echo");
	peer = peer_connect_from("127.0.0.5", &f.a);
	getsockname(peer, (struct sockaddr *)&me, &len);
	stub_start(&f.z, &s, 0);
	event_next(&f.w, EV_CONNECTION_ACCEPTED, &v);
	event_has(&v, FIELD_SERVICE, "echo");
	event_has(&v, FIELD_FAMILY, "inet");
	event_has(&v, FIELD_SOURCE, "127.0.0.5");
	event_counts(&v, FIELD_SOURCE_PORT, ntohs(me.sin_port));
	event_counts(&v, FIELD_SESSION, s.msg.session);
	assert_int_equal(s.msg.peer.port, ntohs(me.sin_port));
	assert_true(addr_equal(&s.msg.local, &f.a));
	/* It is the very connection, and blocking, as programs want it. */
	assert_int_equal(fcntl(s.connection, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(write(s.connection, "hello", 5), 5);
	stage_readable(peer);
	assert_int_equal(read(peer, buf, sizeof(buf)), 5);
	stub_ended(&f.z, &s, ENDED_EXITED, 7);
	event_closed(&f.w, s.msg.session, "7");
	peer_reads(peer, "");
	fixture_end(&f);
}

/* A built-in service: its worker's channel, and what it says there. */
static void
worker_is_started(void **state)
{
	struct msg_traffic sofar = {.bytes_in = 11, .bytes_out = 22};
	struct msg_stats stats = {.bytes_in = 12, .bytes_out = 3456};
	struct event_view v;
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f, SERVICE_FINGER, "finger");
	peer = stub_serve(&f.w, &f.z, &f.a, "finger", &s, 1);
	assert_int_not_equal(fcntl(s.connection, F_GETFL) & O_NONBLOCK, 0);
	stage_tell(&s.worker, MSG_TRAFFIC, &sofar, NULL, 0);
	stage_tell(&s.worker, MSG_STATS, &stats, NULL, 0);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_next(&f.w, EV_SESSION_CLOSED, &v);
	event_counts(&v, FIELD_SESSION, s.msg.session);
	event_counts(&v, FIELD_BYTES_IN, 12);
	event_counts(&v, FIELD_BYTES_OUT, 3456);
	event_has(&v, FIELD_EXIT, "0");
	assert_non_null(v.fields[FIELD_DURATION_MS].p);
	peer_reads(peer, "");
	fixture_end(&f);
}

/* A worker that is killed has told what had moved then, and not at its end. */
static void
traffic_so_far_is_not_all(void **state)
{
	struct msg_traffic sofar = {.bytes_in = 11, .bytes_out = 22};
	struct event_view v;
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f, SERVICE_FINGER, "finger");
	peer = stub_serve(&f.w, &f.z, &f.a, "finger", &s, 1);
	stage_tell(&s.worker, MSG_TRAFFIC, &sofar, NULL, 0);
	stub_ended(&f.z, &s, ENDED_SIGNAL, SIGKILL);
	event_next(&f.w, EV_WORKER_FAILED, &v);
	event_next(&f.w, EV_SESSION_CLOSED, &v);
	event_has(&v, FIELD_BYTES_IN, NULL);
	event_has(&v, FIELD_BYTES_OUT, NULL);
	peer_reads(peer, "");
	fixture_end(&f);
}

/*
 * After a login it is the user's shell that counts: said by the monitor before
 * the zygote can tell the worker's end. What it has not said is unknown, and a
 * worker that died says so itself.
 */
static void
login_says_how_it_ended(void **state)
{
	static const struct {
		enum ended said;
		int32_t value;
		enum ended worker;
		int32_t status;
		const char *exit;
	} cases[] = {
	    {ENDED_EXITED, 7, ENDED_EXITED, 0, "7"},
	    {ENDED_SIGNAL, SIGKILL, ENDED_EXITED, 0, "SIGKILL"},
	    {ENDED_UNKNOWN, 0, ENDED_EXITED, 0, NULL},
	    {ENDED_EXITED, 7, ENDED_SIGNAL, SIGSEGV, "SIGSEGV"},
	};
	struct msg_session_user user = {.user = "alice", .tty = "pts/9"};
	struct event_view v;
	struct fixture f;

	(void)state;
	begin(&f, SERVICE_TELNET, "telnet");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msg_session_exit said = {
		    .how = (uint8_t)cases[i].said, .value = cases[i].value};
		struct start s;
		int peer = stub_serve(&f.w, &f.z, &f.a, "telnet", &s, 1);

		user.session = said.session = s.msg.session;
		kill(f.w.master, SIGSTOP);
		stage_tell(&f.w.mon, MSG_SESSION_USER, &user, NULL, 0);
		if (cases[i].said != ENDED_UNKNOWN)
			stage_tell(&f.w.mon, MSG_SESSION_EXIT, &said, NULL, 0);
		stub_ended(&f.z, &s, cases[i].worker, cases[i].status);
		kill(f.w.master, SIGCONT);
		if (cases[i].worker == ENDED_SIGNAL)
			event_next(&f.w, EV_WORKER_FAILED, &v);
		event_next(&f.w, EV_SESSION_CLOSED, &v);
		if (cases[i].exit != NULL)
			event_has(&v, FIELD_EXIT, cases[i].exit);
		else
			assert_null(v.fields[FIELD_EXIT].p);
		close(peer);
	}
	fixture_end(&f);
}

/* Died by a signal, or never started: worker-failed comes first. */
static void
failures_are_told(void **state)
{
	struct msg_violation violation = {.syscall = 41};
	struct event_view v;
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f, SERVICE_FINGER, "finger");
	peer = stub_serve(&f.w, &f.z, &f.a, "finger", &s, 1);
	stub_ended(&f.z, &s, ENDED_SIGNAL, SIGSEGV);
	event_next(&f.w, EV_WORKER_FAILED, &v);
	event_has(&v, FIELD_SIGNAL, "SIGSEGV");
	event_has(&v, FIELD_REASON, NULL);
	event_counts(&v, FIELD_PID, 4242);
	event_closed(&f.w, s.msg.session, "SIGSEGV");
	peer_reads(peer, "");

	peer = stub_serve(&f.w, &f.z, &f.a, "finger", &s, 1);
	stage_tell(&s.worker, MSG_VIOLATION, &violation, NULL, 0);
	stub_ended(&f.z, &s, ENDED_SIGNAL, SIGSYS);
	event_next(&f.w, EV_WORKER_FAILED, &v);
	event_has(&v, FIELD_SIGNAL, "SIGSYS");
	event_has(&v, FIELD_REASON, "sandbox");
	assert_non_null(v.fields[FIELD_SYSCALL].p);
	event_closed(&f.w, s.msg.session, "SIGSYS");
	peer_reads(peer, "");

	peer = stub_serve(&f.w, &f.z, &f.a, "finger", &s, 1);
	stub_ended_at(&f.z, &s, ENDED_FAILED, ENOENT, STEP_EXEC);
	event_next(&f.w, EV_WORKER_FAILED, &v);
	event_has(&v, FIELD_ERRNO, "ENOENT");
	event_has(&v, FIELD_STEP, "exec");
	event_closed(&f.w, s.msg.session, NULL);
	peer_reads(peer, "");
	fixture_end(&f);
}

/* A worker forked ahead of time: the zygote hears first, then the worker. */
static void
pool_is_used(void **state)
{
	struct msg_pooled pooled = {.pid = 77};
	struct ipc_channel idle;
	struct fixture f;
	struct start s = {.kept = -1};
	struct ipc_in in;
	int peer, pair[2];

	(void)state;
	begin(&f, SERVICE_FINGER, "finger");
	stage_pair(pair);
	ipc_channel_init(&idle, pair[1], ROLE_WORKER, ROLE_MASTER, ST_IDLE);
	stage_tell(&f.z.ch, MSG_POOLED, &pooled, &pair[0], 1);
	close(pair[0]);
	world_sync(&f.w);
	peer = peer_connect(&f.a);
	stage_expect(&f.z.ch, MSG_POOL_TAKEN, &in);
	assert_int_equal(in.msg.pool_taken.pid, 77);
	s.msg.slot = in.msg.pool_taken.slot;
	s.msg.session = in.msg.pool_taken.session;
	slot_claim(f.z.slots, s.msg.slot, s.msg.session,
	    &in.msg.pool_taken.peer, time_boot_ns());
	stage_expect(&idle, MSG_ASSIGN, &in);
	assert_int_equal(in.msg.assign.session, s.msg.session);
	s.connection = in.fds[0];
	s.worker = idle;
	assert_int_equal(event_accepted(&f.w, "finger"), s.msg.session);
	assert_int_equal(ipc_send(&s.worker, MSG_STATS,
			     &(struct msg_stats){.bytes_in = 1}, NULL, 0),
	    0);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_closed(&f.w, s.msg.session, "0");
	peer_reads(peer, "");
	/* The pool is empty: the next is forked on order. */
	peer = stub_serve(&f.w, &f.z, &f.a, "finger", &s, 1);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_closed(&f.w, s.msg.session, "0");
	peer_reads(peer, "");
	fixture_end(&f);
}

/* One that ended while it was idle gets no connection. */
static void
dead_pool_is_left(void **state)
{
	struct msg_pooled pooled = {.pid = 78};
	struct pollfd p = {.events = 0};
	struct fixture f;
	struct start s;
	int peer, pair[2];

	(void)state;
	begin(&f, SERVICE_FINGER, "finger");
	stage_pair(pair);
	stage_tell(&f.z.ch, MSG_POOLED, &pooled, &pair[0], 1);
	close(pair[1]); /* the worker's end: it is dead */
	p.fd = pair[0];
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	close(pair[0]);
	world_sync(&f.w);
	peer = stub_serve(&f.w, &f.z, &f.a, "finger", &s, 1);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_closed(&f.w, s.msg.session, "0");
	peer_reads(peer, "");
	fixture_end(&f);
}

/* One that was let go just before its ASSIGN: the connection is kept. */
static void
failed_assign_goes_again(void **state)
{
	struct msg_ended ended = {.pid = 79, .how = ENDED_EXITED};
	struct msg_pooled pooled = {.pid = 79};
	struct fixture f;
	struct start s;
	struct ipc_in in;
	int peer, pair[2];

	(void)state;
	begin(&f, SERVICE_FINGER, "finger");
	stage_pair(pair);
	stage_tell(&f.z.ch, MSG_POOLED, &pooled, &pair[0], 1);
	/* As a zygote does that retires: what the master sends fails now. */
	assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
	world_sync(&f.w);
	peer = peer_connect(&f.a);
	stage_expect(&f.z.ch, MSG_POOL_TAKEN, &in);
	ended.slot = in.msg.pool_taken.slot;
	ended.session = event_accepted(&f.w, "finger");
	assert_int_equal(in.msg.pool_taken.session, ended.session);
	event_none(&f.w);
	stage_tell(&f.z.ch, MSG_ENDED, &ended, NULL, 0);
	stub_start(&f.z, &s, 1);
	assert_int_equal(s.msg.session, ended.session);
	assert_int_equal(write(s.connection, "x", 1), 1);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_closed(&f.w, s.msg.session, "0");
	peer_reads(peer, "x");
	close(pair[0]);
	close(pair[1]);
	fixture_end(&f);
}

/* On a listener for every address: IPv4 is IPv4, and the local one is told. */
static void
mapped_peer_is_inet(void **state)
{
	struct addr any, to;
	struct event_view v;
	struct fixture f;
	struct start s;
	char text[ADDR_TEXT_MAX];
	int peer, fd;

	(void)state;
	begin(&f, SERVICE_EXEC, "echo");
	fd = world_listen(&f.w, 8, N, "echo", "::", &any);
	world_configured(&f.w);
	assert_int_equal(addr_parse(&to, "127.0.0.9", any.port), 0);
	peer = peer_connect(&to);
	stub_start(&f.z, &s, 0);
	event_next(&f.w, EV_CONNECTION_ACCEPTED, &v);
	event_has(&v, FIELD_FAMILY, "inet");
	assert_int_equal(s.msg.peer.family, FAMILY_INET);
	assert_string_equal(addr_text(&s.msg.local, text), "127.0.0.9");
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_closed(&f.w, s.msg.session, "0");
	peer_reads(peer, "");

	assert_int_equal(addr_parse(&to, "::1", any.port), 0);
	peer = peer_connect(&to);
	stub_start(&f.z, &s, 0);
	event_next(&f.w, EV_CONNECTION_ACCEPTED, &v);
	event_has(&v, FIELD_FAMILY, "inet6");
	event_has(&v, FIELD_SOURCE, "::1");
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_closed(&f.w, s.msg.session, "0");
	peer_reads(peer, "");
	close(fd);
	fixture_end(&f);
}

/* No statement wants it: accepted and closed, and said why. */
static void
not_configured_is_closed(void **state)
{
	struct fixture f;
	struct addr a;
	int peer, fd;

	(void)state;
	begin(&f, SERVICE_EXEC, "echo");
	fd = world_bind("127.0.0.1", SOCK_STREAM, &a);
	world_listener_fd(&f.w, 9, SERVICES_MAX, "telnet", fd, &a, 0, 0);
	world_configured(&f.w);
	peer = peer_connect(&a);
	event_refused(&f.w, "telnet", "not-configured");
	peer_reads(peer, "");
	close(fd);
	fixture_end(&f);
}

/* wait yes: the listener goes to one program at a time. */
static void
wait_yes_is_alone(void **state)
{
	struct pollfd p;
	struct fixture f;
	struct addr a;
	struct start s;
	int peer, again, fd;

	(void)state;
	begin(&f, SERVICE_EXEC, "echo");
	world_service(&f.w, 2, SERVICE_EXEC, "waiter", 5, 250);
	f.z.instance = 2;
	world_attach(&f.w, &f.z, 2, 0);
	fd = world_bind("127.0.0.1", SOCK_STREAM, &a);
	world_listener_fd(&f.w, 10, 2, "waiter", fd, &a, 0, 1);
	world_configured(&f.w);
	peer = peer_connect(&a);
	stub_start(&f.z, &s, 0);
	assert_int_equal(event_accepted(&f.w, "waiter"), s.msg.session);
	/* It accepts for itself; who comes meanwhile is its own affair. */
	again = peer_connect(&a);
	p = (struct pollfd){.fd = f.z.ch.fd, .events = POLLIN};
	world_sync(&f.w);
	assert_int_equal(poll(&p, 1, 0), 0);
	close(accept(s.connection, NULL, NULL));
	peer_reads(peer, "");
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_closed(&f.w, s.msg.session, "0");
	/* It left one: the next program is started for that. */
	stub_start(&f.z, &s, 0);
	assert_int_equal(event_accepted(&f.w, "waiter"), s.msg.session);
	close(accept(s.connection, NULL, NULL));
	peer_reads(again, "");
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_closed(&f.w, s.msg.session, "0");
	close(fd);
	fixture_end(&f);
}

/* Datagrams: one start is one connection; past the rate they are dropped. */
static void
datagrams_are_served(void **state)
{
	struct sockaddr_storage ss;
	struct sockaddr_in from;
	socklen_t room = sizeof(from);
	struct event_view v;
	struct fixture f;
	struct addr a;
	struct start s;
	socklen_t len;
	char buf[8];
	int peer, fd;

	(void)state;
	begin(&f, SERVICE_EXEC, "echo");
	world_service(&f.w, 2, SERVICE_EXEC, "udp", 1, 2);
	f.z.instance = 2;
	world_attach(&f.w, &f.z, 2, 0);
	fd = world_bind("127.0.0.1", SOCK_DGRAM, &a);
	world_listener_fd(&f.w, 11, 2, "udp", fd, &a, 1, 0);
	world_configured(&f.w);
	addr_to_sockaddr(&a, &ss, &len);
	peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 2; i++) {
		sendto(peer, "ask", 3, 0, (struct sockaddr *)&ss, len);
		stub_start(&f.z, &s, 0);
		event_next(&f.w, EV_CONNECTION_ACCEPTED, &v);
		event_has(&v, FIELD_SOURCE, "127.0.0.1");
		assert_int_equal(
		    getsockname(peer, (struct sockaddr *)&from, &room), 0);
		event_counts(&v, FIELD_SOURCE_PORT, ntohs(from.sin_port));
		assert_int_equal(recv(s.connection, buf, sizeof(buf), 0), 3);
		stub_ended(&f.z, &s, ENDED_EXITED, 0);
		event_closed(&f.w, s.msg.session, "0");
	}
	sendto(peer, "ask", 3, 0, (struct sockaddr *)&ss, len);
	event_refused(&f.w, "udp", "rate-limit");
	/* It is gone from the socket: nothing spins. */
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	close(peer);
	close(fd);
	fixture_end(&f);
}

/* A service that is taken away lets its sessions go on. */
static void
gone_service_keeps_sessions(void **state)
{
	struct msg_service_gone gone = {.number = N};
	struct msg_listener_gone lgone = {.id = 7};
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f, SERVICE_EXEC, "echo");
	peer = stub_serve(&f.w, &f.z, &f.a, "echo", &s, 0);
	stage_tell(&f.w.mon, MSG_SERVICE_GONE, &gone, NULL, 0);
	stage_tell(&f.w.mon, MSG_LISTENER_GONE, &lgone, NULL, 0);
	world_configured(&f.w);
	assert_int_equal(write(s.connection, "x", 1), 1);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_closed(&f.w, s.msg.session, "0");
	peer_reads(peer, "x");
	/* And back again, it serves as before. */
	world_service(&f.w, N, SERVICE_EXEC, "echo", 10, 250);
	world_listener_fd(&f.w, 7, N, "echo", f.listener, &f.a, 0, 0);
	stub_end(&f.z);
	world_zygote(&f.w, &f.z, N, 2);
	world_configured(&f.w);
	peer = stub_serve(&f.w, &f.z, &f.a, "echo", &s, 0);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_closed(&f.w, s.msg.session, "0");
	peer_reads(peer, "");
	fixture_end(&f);
}

/* Told to stop: every session's books are closed, unless it goes on. */
static void
stop_closes_the_books(void **state)
{
	struct msg_stop stop = {.keep_sessions = 0};
	struct fixture f;
	struct start s;
	int peer, status;

	(void)state;
	begin(&f, SERVICE_EXEC, "echo");
	peer = stub_serve(&f.w, &f.z, &f.a, "echo", &s, 0);
	stage_tell(&f.w.mon, MSG_STOP, &stop, NULL, 0);
	event_closed(&f.w, s.msg.session, "SIGTERM");
	assert_int_equal(waitpid(f.w.master, &status, 0), f.w.master);
	assert_int_equal(status, 0);
	f.w.master = 0;
	ipc_channel_close(&f.w.mon);
	stub_finish(&f.z, &s, ENDED_EXITED, 0);
	close(peer);
	world_end(&f.w);
	stub_end(&f.z);
	close(f.listener);
}

/* Told to stop while audit is slow: it waits a while, and loses nothing. */
static void
stop_waits_for_audit(void **state)
{
	enum { MANY = 60 };
	struct msg_stop stop = {.keep_sessions = 0};
	static int count[EV_COUNT];
	static struct start s[MANY];
	int little = 1, peer[MANY], status;
	struct fixture f;
	struct ipc_in in;

	(void)state;
	begin(&f, SERVICE_EXEC, "echo");
	world_service(&f.w, N, SERVICE_EXEC, "echo", MANY, 250);
	assert_int_equal(setsockopt(f.w.audit_master, SOL_SOCKET, SO_SNDBUF,
			     &little, sizeof(little)),
	    0);
	for (int i = 0; i < MANY; i++) {
		peer[i] = peer_connect(&f.a);
		stub_start(&f.z, &s[i], 0);
	}
	stage_tell(&f.w.mon, MSG_STOP, &stop, NULL, 0);
	for (int i = 0; i < 2 * MANY; i++) {
		stage_expect(&f.w.audit, MSG_EVENT, &in);
		count[in.msg.event.event]++;
	}
	assert_int_equal(count[EV_CONNECTION_ACCEPTED], MANY);
	assert_int_equal(count[EV_SESSION_CLOSED], MANY);
	assert_int_equal(waitpid(f.w.master, &status, 0), f.w.master);
	assert_int_equal(status, 0);
	f.w.master = 0;
	ipc_channel_close(&f.w.mon);
	for (int i = 0; i < MANY; i++) {
		stub_finish(&f.z, &s[i], ENDED_EXITED, 0);
		close(peer[i]);
	}
	world_end(&f.w);
	stub_end(&f.z);
	close(f.listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(program_is_started),
	    cmocka_unit_test(worker_is_started),
	    cmocka_unit_test(traffic_so_far_is_not_all),
	    cmocka_unit_test(login_says_how_it_ended),
	    cmocka_unit_test(failures_are_told),
	    cmocka_unit_test(pool_is_used),
	    cmocka_unit_test(dead_pool_is_left),
	    cmocka_unit_test(failed_assign_goes_again),
	    cmocka_unit_test(mapped_peer_is_inet),
	    cmocka_unit_test(not_configured_is_closed),
	    cmocka_unit_test(wait_yes_is_alone),
	    cmocka_unit_test(datagrams_are_served),
	    cmocka_unit_test(gone_service_keeps_sessions),
	    cmocka_unit_test(stop_closes_the_books),
	    cmocka_unit_test(stop_waits_for_audit),
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
