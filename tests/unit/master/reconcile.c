/*
 * The master is killed, and another one takes over with the same memory:
 * sessions, counts, rate windows and events are right, nothing is told twice
 * or not at all. With the master's own program.
 */
#include "tests/stage/master.h"

#define N FIXTURE_NUMBER
#define RATE 5

static struct fixture_service
service(uint32_t rate)
{
	return ((struct fixture_service){.kind = SERVICE_FINGER,
	    .name = "it",
	    .connections = 3,
	    .rate = rate});
}

static void
configure(struct fixture *f, uint32_t rate)
{
	struct fixture_service s = service(rate);

	fixture_configure(f, &s);
}

static void
begin(struct fixture *f, uint32_t rate)
{
	struct fixture_service s = service(rate);

	fixture_begin(f, &s);
}

/* Sessions go on, with their workers' channels, and end in their time. */
static void
sessions_go_on(void **state)
{
	struct msg_worker_channel channel = {.end_ = 0};
	struct msg_stats stats = {.bytes_in = 5, .bytes_out = 6};
	struct event_view v;
	struct start s[3];
	struct fixture f;
	int peer[3], refused;

	(void)state;
	begin(&f, 250);
	for (int i = 0; i < 3; i++)
		peer[i] = stub_serve(&f.w, &f.z, &f.a, "it", &s[i], 1);
	world_kill_master(&f.w);
	/* Nobody hears of this end but the table. */
	stub_finish(&f.z, &s[2], ENDED_SIGNAL, SIGTERM);

	world_start_master(&f.w);
	configure(&f, 250);
	world_attach(&f.w, &f.z, N, 0);
	channel.slot = s[0].msg.slot;
	channel.session = s[0].msg.session;
	stage_tell(&f.z.ch, MSG_WORKER_CHANNEL, &channel, &s[0].kept, 1);
	world_configured(&f.w);
	event_next(&f.w, EV_WORKER_FAILED, &v);
	event_counts(&v, FIELD_SESSION, s[2].msg.session);
	event_closed(&f.w, s[2].msg.session, "SIGTERM");
	peer_reads(peer[2], "");
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 2);
	/* The limit counts them. */
	peer[2] = stub_serve(&f.w, &f.z, &f.a, "it", &s[2], 1);
	assert_true(s[2].msg.session > s[1].msg.session);
	refused = peer_connect(&f.a);
	event_refused(&f.w, "it", "connection-limit");
	peer_reads(refused, "Too many connections\r\n");
	stage_tell(&s[0].worker, MSG_STATS, &stats, NULL, 0);
	stub_ended(&f.z, &s[0], ENDED_EXITED, 0);
	event_next(&f.w, EV_SESSION_CLOSED, &v);
	event_counts(&v, FIELD_SESSION, s[0].msg.session);
	event_counts(&v, FIELD_BYTES_OUT, 6);
	peer_reads(peer[0], "");
	fixture_over(&f, &f.z, &s[1], peer[1]);
	fixture_over(&f, &f.z, &s[2], peer[2]);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 0);
	fixture_end(&f);
}

/* ENDED that waited in the zygote and the table's word: one end, not two. */
static void
ended_is_told_once(void **state)
{
	struct msg_ended m = {.how = ENDED_EXITED, .value = 9, .pid = 1};
	struct fixture f;
	struct start s, t;
	int peer, other;

	(void)state;
	begin(&f, 250);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	world_kill_master(&f.w);
	stub_finish(&f.z, &s, ENDED_EXITED, 9);
	world_start_master(&f.w);
	configure(&f, 250);
	world_attach(&f.w, &f.z, N, 0);
	world_configured(&f.w);
	event_closed(&f.w, s.msg.session, "9");
	/* The slot serves another when the old ENDED comes. */
	other = stub_serve(&f.w, &f.z, &f.a, "it", &t, 1);
	assert_int_equal(t.msg.slot, s.msg.slot);
	m.slot = s.msg.slot;
	m.session = s.msg.session;
	stage_tell(&f.z.ch, MSG_ENDED, &m, NULL, 0);
	event_none(&f.w);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 1);
	fixture_over(&f, &f.z, &t, other);
	peer_reads(peer, "");
	fixture_end(&f);
}

/* What no zygote had yet died with the master; it is closed, once. */
static void
undelivered_is_closed(void **state)
{
	struct fixture f;
	struct event_view v;
	struct start s;
	int peer;

	(void)state;
	begin(&f, 250);
	/* The zygote dies unread: START was sent, and lost. */
	peer = peer_connect(&f.a);
	event_next(&f.w, EV_CONNECTION_ACCEPTED, &v);
	world_kill_master(&f.w);
	stub_end(&f.z);
	peer_reads(peer, "");
	world_start_master(&f.w);
	configure(&f, 250);
	world_zygote(&f.w, &f.z, N, 2);
	world_configured(&f.w);
	event_closed(&f.w, v.fields[FIELD_SESSION].number, NULL);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

/* The new zygote has not spoken yet: until it does, its sessions count. */
static void
books_wait_for_attached(void **state)
{
	struct msg_zygote m = {.service = N, .instance = 1};
	struct msg_attached attached = {.instance = 1};
	struct fixture f;
	struct start s;
	int peer, pair[2], fds[2];

	(void)state;
	begin(&f, 250);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	world_kill_master(&f.w);
	stub_finish(&f.z, &s, ENDED_EXITED, 1);
	world_start_master(&f.w);
	configure(&f, 250);
	stage_pair(pair);
	fds[0] = pair[1];
	fds[1] = f.z.table;
	stage_tell(&f.w.mon, MSG_ZYGOTE, &m, fds, 2);
	close(pair[1]);
	ipc_channel_close(&f.z.ch);
	ipc_channel_init(&f.z.ch, pair[0], ROLE_ZYGOTE, ROLE_MASTER, ST_UP);
	world_configured(&f.w);
	event_none(&f.w);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 1);
	stage_tell(&f.z.ch, MSG_ATTACHED, &attached, NULL, 0);
	event_closed(&f.w, s.msg.session, "1");
	peer_reads(peer, "");
	fixture_end(&f);
}

/* One that the books, another version's, do not know: it counts all the same.
 */
static void
adopted_without_books(void **state)
{
	struct msg_session_adopted adopted = {.pid = 4321,
	    .slot = 70,
	    .session = 9,
	    .started = 1,
	    .service = "it"};
	struct msg_session_gone gone = {.slot = 70, .session = 9};
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f, 250);
	stage_tell(&f.w.mon, MSG_SESSION_ADOPTED, &adopted, NULL, 0);
	/* Told again, and of a service that is no more. */
	stage_tell(&f.w.mon, MSG_SESSION_ADOPTED, &adopted, NULL, 0);
	adopted.session++;
	adopted.slot++;
	adopted.service[0] = 'x';
	stage_tell(&f.w.mon, MSG_SESSION_ADOPTED, &adopted, NULL, 0);
	world_configured(&f.w);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 1);
	/* Neither its slot nor its number is another's. */
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	assert_true(s.msg.session > 9);
	assert_int_not_equal(s.msg.slot, 70);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 2);
	stage_tell(&f.w.mon, MSG_SESSION_GONE, &gone, NULL, 0);
	event_closed(&f.w, 9, NULL);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 1);
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

/* An earlier daemon's session, which the monitor adopted. */
static void
adopted_session(void **state)
{
	struct msg_session_adopted adopted = {.pid = 4321};
	struct msg_session_gone gone = {.end_ = 0};
	struct fixture f;
	struct start s[2];
	int peer[2];

	(void)state;
	begin(&f, 250);
	for (int i = 0; i < 2; i++)
		peer[i] = stub_serve(&f.w, &f.z, &f.a, "it", &s[i], 1);
	world_kill_master(&f.w);
	stub_end(&f.z);
	world_start_master(&f.w);
	configure(&f, 250);
	world_zygote(&f.w, &f.z, N, 1);
	adopted.slot = gone.slot = s[0].msg.slot;
	adopted.session = gone.session = s[0].msg.session;
	stage_tell(&f.w.mon, MSG_SESSION_ADOPTED, &adopted, NULL, 0);
	world_configured(&f.w);
	/* Nobody vouches for the other. */
	event_closed(&f.w, s[1].msg.session, NULL);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 1);
	event_none(&f.w);
	stage_tell(&f.w.mon, MSG_SESSION_GONE, &gone, NULL, 0);
	event_closed(&f.w, s[0].msg.session, NULL);
	stage_tell(&f.w.mon, MSG_SESSION_GONE, &gone, NULL, 0);
	event_none(&f.w);
	for (int i = 0; i < 2; i++) {
		fd_close(&s[i].connection);
		ipc_channel_close(&s[i].worker);
		fd_close(&s[i].kept);
		peer_reads(peer[i], "");
	}
	fixture_end(&f);
}

/* The rate's minute and the counters go on. */
static void
windows_go_on(void **state)
{
	struct msg_row_service row;
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f, RATE);
	for (int i = 0; i < RATE; i++) {
		peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
		fixture_over(&f, &f.z, &s, peer);
		if (i != 2)
			continue;
		world_kill_master(&f.w);
		world_start_master(&f.w);
		configure(&f, RATE);
		world_attach(&f.w, &f.z, N, 0);
		world_configured(&f.w);
	}
	peer = peer_connect(&f.a);
	event_refused(&f.w, "it", "rate-limit");
	peer_reads(peer, "Too many connections\r\n");
	client_service(&f.w, "it", FAMILY_INET, &row);
	assert_int_equal(row.accepted, RATE);
	assert_int_equal(row.refused, 1);
	fixture_end(&f);
}

/* A user and terminal that were told once are known to the next master. */
static void
login_goes_on(void **state)
{
	struct msg_session_user user = {.user = "alice", .tty = "pts/3"};
	struct event_view v;
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f, 250);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	user.session = s.msg.session;
	stage_tell(&f.w.mon, MSG_SESSION_USER, &user, NULL, 0);
	world_sync(&f.w);
	world_kill_master(&f.w);
	world_start_master(&f.w);
	configure(&f, 250);
	world_attach(&f.w, &f.z, N, 0);
	world_configured(&f.w);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_next(&f.w, EV_SESSION_CLOSED, &v);
	event_has(&v, FIELD_USER, "alice");
	peer_reads(peer, "");
	/* The slot's next session is nobody's. */
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_next(&f.w, EV_SESSION_CLOSED, &v);
	event_has(&v, FIELD_USER, NULL);
	peer_reads(peer, "");
	fixture_end(&f);
}

/* Whatever is in the memory: the master starts and serves. */
static void
garbage_is_survived(void **state)
{
	static uint8_t junk[1 << 16];
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f, 250);
	world_kill_master(&f.w);
	srandom(7);
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)random();
	/* Behind the header's first words, so that it is taken for ours. */
	assert_int_equal(
	    pwrite(f.w.state, junk, sizeof(junk), 32), sizeof(junk));
	world_start_master(&f.w);
	configure(&f, 250);
	world_attach(&f.w, &f.z, N, 0);
	world_configured(&f.w);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

enum { SESSIONS = 1 << 16 };

/* What the master has reported so far, by session. */
static void
drain(struct world *w, uint8_t *opened, uint8_t *closed)
{
	struct pollfd p = {.fd = w->audit.fd, .events = POLLIN};
	struct event_view v;
	struct ipc_in in;
	uint64_t id;

	/* What it cannot send yet it sends when this has read. */
	do {
		world_sync(w);
		while (poll(&p, 1, 30) == 1) {
			assert_int_equal(ipc_recv(&w->audit, &in), 0);
			assert_int_equal(
			    event_decode(&in.msg.event, ROLE_MASTER, &v), 0);
			id = v.fields[FIELD_SESSION].number;
			assert_true(id > 0 && id < SESSIONS);
			if (v.event == EV_CONNECTION_ACCEPTED)
				opened[id]++;
			else if (v.event == EV_SESSION_CLOSED)
				closed[id]++;
			else
				fail_msg("%s", event_name(v.event));
		}
	} while (poll(&p, 1, 0) == 1);
}

/*
 * Killed at any moment while connections come and go: in the end every one
 * that was announced is closed, once, and no count is left.
 */
static void
killed_at_any_moment(void **state)
{
	enum { ROUNDS = 30, MANY = 40 };
	static uint8_t opened[SESSIONS], closed[SESSIONS];
	struct ipc_in in;
	struct fixture f;
	struct pollfd p;

	(void)state;
	begin(&f, 65535);
	world_service(&f.w, N, SERVICE_EXEC, "it", 65535, 65535);
	world_configured(&f.w);
	for (int round = 0; round < ROUNDS; round++) {
		struct start s[MANY];
		int peer[MANY], n = 0;

		for (int i = 0; i < MANY; i++)
			peer[i] = peer_connect(&f.a);
		/* As many starts as the round says, some of them ended. */
		for (int i = 0; i < round && n < MANY; i++) {
			stub_start(&f.z, &s[n++], 0);
			if (i % 2 == 0)
				stub_ended(&f.z, &s[n - 1], ENDED_EXITED, 0);
		}
		drain(&f.w, opened, closed);
		world_kill_master(&f.w);
		/* The zygote has no master: it reads what was left, or not. */
		while (round % 3 != 0 && n < MANY) {
			p = (struct pollfd){.fd = f.z.ch.fd, .events = POLLIN};
			if (poll(&p, 1, 0) != 1 || (p.revents & POLLIN) == 0 ||
			    ipc_recv(&f.z.ch, &in) != 0)
				break;
			s[n].msg = in.msg.start;
			s[n].connection = in.fds[0];
			s[n].worker.fd = s[n].kept = -1;
			slot_claim(f.z.slots, s[n].msg.slot, s[n].msg.session,
			    &s[n].msg.peer, 1);
			n++;
		}
		world_start_master(&f.w);
		world_service(&f.w, N, SERVICE_EXEC, "it", 65535, 65535);
		world_listener_fd(&f.w, 7, N, "it", f.listener, &f.a, 0, 0);
		world_attach(&f.w, &f.z, N, 0);
		world_configured(&f.w);
		for (int i = 0; i < n; i++) {
			if (s[i].connection >= 0)
				stub_ended(&f.z, &s[i], ENDED_EXITED, 0);
		}
		/* Those that were still in the backlog. */
		for (int i = 0; i < MANY; i++) {
			struct start t;

			for (;;) {
				struct pollfd both[2] = {
				    {.fd = peer[i], .events = POLLIN},
				    {.fd = f.z.ch.fd, .events = POLLIN}};

				assert_true(poll(both, 2, PATIENCE_MS) > 0);
				if (both[0].revents != 0)
					break;
				stub_start(&f.z, &t, 0);
				stub_ended(&f.z, &t, ENDED_EXITED, 0);
			}
			close(peer[i]);
		}
	}
	/* Whatever is still with the zygote ends. */
	world_sync(&f.w);
	p = (struct pollfd){.fd = f.z.ch.fd, .events = POLLIN};
	while (poll(&p, 1, 0) == 1) {
		struct start t;

		stub_start(&f.z, &t, 0);
		stub_ended(&f.z, &t, ENDED_EXITED, 0);
		world_sync(&f.w);
	}
	drain(&f.w, opened, closed);
	for (size_t id = 0; id < sizeof(opened); id++) {
		if (opened[id] > 1 || opened[id] != closed[id])
			fail_msg("session %zu: opened %d, closed %d", id,
			    opened[id], closed[id]);
	}
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 0);
	fixture_end(&f);
}

/*
 * Audit is slow, so that the master dies with most events untold; and all its
 * sessions have ended by then. The next master tells both events of each, in
 * their order, once, and no slot is given to two.
 */
static void
slow_audit_and_a_dead_master(void **state)
{
	enum { MANY = 120 };
	static uint8_t accepted[MANY + 1], closed[MANY + 1], used[SLOTS_MAX];
	static struct start s[MANY];
	int little = 1, peer[MANY], seen = 0;
	struct event_view v;
	struct fixture f;
	struct ipc_in in;

	(void)state;
	begin(&f, 250);
	world_service(&f.w, N, SERVICE_FINGER, "it", MANY, 250);
	assert_int_equal(setsockopt(f.w.audit_master, SOL_SOCKET, SO_SNDBUF,
			     &little, sizeof(little)),
	    0);
	for (int i = 0; i < MANY; i++) {
		peer[i] = peer_connect(&f.a);
		stub_start(&f.z, &s[i], 1);
	}
	world_sync(&f.w);
	world_kill_master(&f.w);
	for (int i = 0; i < MANY; i++)
		stub_finish(&f.z, &s[i], ENDED_EXITED, 0);
	world_start_master(&f.w);
	world_service(&f.w, N, SERVICE_FINGER, "it", MANY, 250);
	world_listener_fd(&f.w, 7, N, "it", f.listener, &f.a, 0, 0);
	world_attach(&f.w, &f.z, N, 0);
	f.w.generation++;
	stage_tell(&f.w.mon, MSG_CONFIGURED,
	    &(struct msg_configured){.generation = f.w.generation}, NULL, 0);
	while (seen < 2 * MANY) {
		uint64_t n;

		stage_expect(&f.w.audit, MSG_EVENT, &in);
		assert_int_equal(
		    event_decode(&in.msg.event, ROLE_MASTER, &v), 0);
		n = v.fields[FIELD_SESSION].number - s[0].msg.session;
		assert_true(n < MANY);
		if (v.event == EV_CONNECTION_ACCEPTED) {
			assert_int_equal(++accepted[n], 1);
			assert_int_equal(closed[n], 0);
		} else {
			assert_int_equal(v.event, EV_SESSION_CLOSED);
			assert_int_equal(accepted[n], 1);
			assert_int_equal(++closed[n], 1);
		}
		seen++;
	}
	stage_expect(&f.w.mon, MSG_ACCEPTING, &in);
	for (int i = 0; i < MANY; i++)
		peer_reads(peer[i], "");
	/* As many again, each with a slot of its own. */
	for (int i = 0; i < MANY; i++) {
		peer[i] = peer_connect(&f.a);
		stub_start(&f.z, &s[i], 1);
		assert_int_equal(used[s[i].msg.slot]++, 0);
		assert_int_equal(event_accepted(&f.w, "it"), s[i].msg.session);
	}
	for (int i = 0; i < MANY; i++)
		fixture_over(&f, &f.z, &s[i], peer[i]);
	fixture_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sessions_go_on),
	    cmocka_unit_test(ended_is_told_once),
	    cmocka_unit_test(slow_audit_and_a_dead_master),
	    cmocka_unit_test(undelivered_is_closed),
	    cmocka_unit_test(books_wait_for_attached),
	    cmocka_unit_test(adopted_session),
	    cmocka_unit_test(adopted_without_books),
	    cmocka_unit_test(windows_go_on),
	    cmocka_unit_test(login_goes_on),
	    cmocka_unit_test(garbage_is_survived),
	    cmocka_unit_test(killed_at_any_moment),
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
