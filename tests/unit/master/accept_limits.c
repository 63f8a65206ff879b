/*
 * connection-limit and rate-limit as the master applies them: at, below and
 * above, families apart, what a refused peer reads, and what a reload keeps.
 * With the master's own program.
 */
#include "tests/stage/master.h"

#define N FIXTURE_NUMBER
#define LIMIT 3

static void
begin(struct fixture *f, enum service_kind kind, uint32_t connections,
    uint32_t rate)
{
	fixture_begin(f, &(struct fixture_service){.kind = kind,
			     .name = "it",
			     .connections = connections,
			     .rate = rate,
			     .both = 1});
}

/* The N-th is served, the next refused; a slot that is free is used. */
static void
connection_limit(void **state)
{
	struct msg_row_service row;
	struct start s[LIMIT], s6;
	struct fixture f;
	int peer[LIMIT], peer6;

	(void)state;
	begin(&f, SERVICE_EXEC, LIMIT, 250);
	for (int i = 0; i < LIMIT; i++)
		peer[i] = stub_serve(&f.w, &f.z, &f.a, "it", &s[i], 0);
	for (int i = 0; i < 5; i++) {
		int refused = peer_connect(&f.a);

		event_refused(&f.w, "it", "connection-limit");
		peer_reads(refused, "");
	}
	/* The other family has a limit of its own. */
	peer6 = stub_serve(&f.w, &f.z, &f.a6, "it", &s6, 0);
	client_service(&f.w, "it", FAMILY_INET, &row);
	assert_int_equal(row.sessions, LIMIT);
	assert_int_equal(row.accepted, LIMIT);
	assert_int_equal(row.refused, 5);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET6), 1);
	fixture_over(&f, &f.z, &s[1], peer[1]);
	peer[1] = stub_serve(&f.w, &f.z, &f.a, "it", &s[1], 0);
	for (int i = 0; i < LIMIT; i++)
		fixture_over(&f, &f.z, &s[i], peer[i]);
	fixture_over(&f, &f.z, &s6, peer6);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 0);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET6), 0);
	fixture_end(&f);
}

static void
rate_limit(void **state)
{
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f, SERVICE_EXEC, 1, LIMIT);
	/* An attempt past connection-limit spends none of the rate. */
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 0);
	for (int i = 0; i < 2 * LIMIT; i++) {
		int refused = peer_connect(&f.a);

		event_refused(&f.w, "it", "connection-limit");
		peer_reads(refused, "");
	}
	fixture_over(&f, &f.z, &s, peer);
	for (int i = 1; i < LIMIT; i++) {
		peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 0);
		fixture_over(&f, &f.z, &s, peer);
	}
	for (int i = 0; i < 3; i++) {
		peer = peer_connect(&f.a);
		event_refused(&f.w, "it", "rate-limit");
		peer_reads(peer, "");
	}
	peer = stub_serve(&f.w, &f.z, &f.a6, "it", &s, 0);
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

/* Another limit by a reload: what was accepted before still counts. */
static void
reload_keeps_history(void **state)
{
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f, SERVICE_EXEC, 10, LIMIT);
	for (int i = 0; i < LIMIT; i++) {
		peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 0);
		fixture_over(&f, &f.z, &s, peer);
	}
	world_service(&f.w, N, SERVICE_EXEC, "it", 10, LIMIT + 1);
	world_configured(&f.w);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 0);
	fixture_over(&f, &f.z, &s, peer);
	peer = peer_connect(&f.a);
	event_refused(&f.w, "it", "rate-limit");
	peer_reads(peer, "");
	/* Past 65535 it is counted in steps, and back again. */
	world_service(&f.w, N, SERVICE_EXEC, "it", 10, 1000000);
	world_configured(&f.w);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 0);
	fixture_over(&f, &f.z, &s, peer);
	world_service(&f.w, N, SERVICE_EXEC, "it", 10, LIMIT + 2);
	world_configured(&f.w);
	peer = peer_connect(&f.a);
	event_refused(&f.w, "it", "rate-limit");
	peer_reads(peer, "");
	fixture_end(&f);
}

/* A lower connection-limit ends no session. */
static void
lower_limit_keeps_sessions(void **state)
{
	struct start s[2];
	struct fixture f;
	int peer[2], refused;

	(void)state;
	begin(&f, SERVICE_EXEC, 2, 250);
	for (int i = 0; i < 2; i++)
		peer[i] = stub_serve(&f.w, &f.z, &f.a, "it", &s[i], 0);
	world_service(&f.w, N, SERVICE_EXEC, "it", 1, 250);
	world_configured(&f.w);
	fixture_over(&f, &f.z, &s[0], peer[0]);
	refused = peer_connect(&f.a);
	event_refused(&f.w, "it", "connection-limit");
	peer_reads(refused, "");
	fixture_over(&f, &f.z, &s[1], peer[1]);
	peer[0] = stub_serve(&f.w, &f.z, &f.a, "it", &s[0], 0);
	fixture_over(&f, &f.z, &s[0], peer[0]);
	fixture_end(&f);
}

static void
one_text(enum service_kind kind, const char *text)
{
	struct fixture f;
	struct start s;
	int peer, refused, builtin;

	builtin = kind == SERVICE_FINGER || kind == SERVICE_FTP ||
		  kind == SERVICE_TELNET;
	begin(&f, kind, 1, 250);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, builtin);
	refused = peer_connect(&f.a);
	/* Bytes that nobody reads must not turn the close into a reset. */
	assert_int_equal(write(refused, "SSH-2.0-x\r\nmore\r\n", 17), 17);
	event_refused(&f.w, "it", "connection-limit");
	assert_true(write(refused, "still more\r\n", 12) == 12);
	peer_reads(refused, text);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	/* sshd's status means nothing. */
	event_closed(&f.w, s.msg.session,
	    kind == SERVICE_SSH || kind == SERVICE_NETCONF ? NULL : "0");
	close(peer);
	fixture_end(&f);
}

static void
texts_of_refusals(void **state)
{
	(void)state;
	one_text(SERVICE_SSH, "Too many connections\r\n");
	one_text(SERVICE_NETCONF, "Too many connections\r\n");
	one_text(SERVICE_TELNET, "Too many connections\r\n");
	one_text(SERVICE_FINGER, "Too many connections\r\n");
	one_text(SERVICE_FTP, "421 Too many connections, try again later.\r\n");
	one_text(SERVICE_EXEC, "");
}

/* Hundreds at once: each is told and closed, and the service goes on. */
static void
flood_is_refused(void **state)
{
	enum { FLOOD = 300 };
	struct msg_row_service row;
	struct fixture f;
	struct start s;
	int peer, refused[FLOOD];

	(void)state;
	begin(&f, SERVICE_FINGER, 1, 250);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	for (int i = 0; i < FLOOD; i++)
		refused[i] = peer_connect(&f.a);
	for (int i = 0; i < FLOOD; i++)
		event_refused(&f.w, "it", "connection-limit");
	for (int i = 0; i < FLOOD; i++)
		peer_reads(refused[i], "Too many connections\r\n");
	client_service(&f.w, "it", FAMILY_INET, &row);
	assert_int_equal(row.refused, FLOOD);
	fixture_over(&f, &f.z, &s, peer);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(connection_limit),
	    cmocka_unit_test(rate_limit),
	    cmocka_unit_test(reload_keeps_history),
	    cmocka_unit_test(lower_limit_keeps_sessions),
	    cmocka_unit_test(texts_of_refusals),
	    cmocka_unit_test(flood_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
