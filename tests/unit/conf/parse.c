/* The grammar: both forms, merging, appending, deactivating, one-liners. */
#include "tests/stage/conf.h"

static const char example[] =
    "system {\n"
    "    services {\n"
    "        ssh     { port 22; root-login deny-password; "
    "connection-limit 75; rate-limit 150; sftp-server; }\n"
    "        telnet  { connection-limit 10; rate-limit 10; }\n"
    "        ftp;\n"
    "        finger;\n"
    "        netconf { ssh { port 830; } "
    "subsystem \"/usr/sbin/netconf-subsystem\"; }\n"
    "        outbound-ssh { client nms { device-id r1; secret \"s\"; "
    "services { netconf; } 192.0.2.1 { port 4334; } } }\n"
    "        user-limit { processes 40; sessions 10; }\n"
    "        service echo-test { port 7007; protocol tcp; wait no; "
    "user nobody; exec \"/usr/bin/cat -u\"; }\n"
    "    }\n"
    "}\n";

static void
test_example(void **state)
{
	struct parsed p = parse_ok(example);
	const struct conf_service *s;

	(void)state;
	assert_int_equal(p.conf->service_count, 6);
	s = service_of(&p, "ssh");
	assert_int_equal(s->kind, SERVICE_SSH);
	assert_int_equal(s->port, 22);
	assert_true(s->ssh.sftp_server);
	assert_int_equal(s->pos.line, 3);
	assert_int_equal(s->pos.col, 9);
	assert_int_equal(service_of(&p, "telnet")->connection_limit, 10);
	assert_int_equal(service_of(&p, "ftp")->port, 21);
	assert_int_equal(service_of(&p, "finger")->port, 79);
	assert_int_equal(service_of(&p, "netconf")->port, 830);
	assert_string_equal(
	    p.conf->netconf_subsystem, "/usr/sbin/netconf-subsystem");
	assert_int_equal(p.conf->user_limit_processes, 40);
	assert_int_equal(p.conf->user_limit_sessions, 10);
	s = service_of(&p, "echo-test");
	assert_int_equal(s->kind, SERVICE_EXEC);
	assert_string_equal(s->exec.path, "/usr/bin/cat");
	assert_string_equal(s->exec.argv[0], "cat");
	assert_string_equal(s->exec.argv[1], "-u");
	assert_null(s->exec.argv[2]);
	assert_int_equal(p.conf->client_count, 1);
	assert_string_equal(p.conf->clients[0].servers[0].host, "192.0.2.1");
	assert_int_equal(p.conf->clients[0].servers[0].port, 4334);
	parsed_free(&p);
}

static void
test_empty(void **state)
{
	static const char *const texts[] = {"", "\n", "# c", "/* c */",
	    "system;", "system { }", "system { services; }",
	    "set system services\n", "system services;"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct parsed p = parse_ok(texts[i]);

		assert_int_equal(p.conf->service_count, 0);
		assert_int_equal(p.report.count, 0);
		parsed_free(&p);
	}
}

static void
test_defaults(void **state)
{
	struct parsed p = services_ok("ssh; telnet; service x { port 1; "
				      "exec /bin/true; }");
	const struct conf_service *s = service_of(&p, "ssh");

	(void)state;
	assert_int_equal(p.conf->login_limit, 20);
	assert_true(p.conf->keep_sessions);
	assert_int_equal(p.conf->session_sandbox, CONF_SESSION_STANDARD);
	assert_int_equal(p.conf->sandbox_level, CONF_SANDBOX_FULL);
	assert_false(p.conf->extended_limits);
	assert_int_equal(p.conf->user_limit_processes, 0);
	assert_int_equal(p.conf->role_uid_low, 60578);
	assert_int_equal(p.conf->role_uid_high, 61183);
	assert_int_equal(s->connection_limit, 75);
	assert_int_equal(s->rate_limit, 150);
	assert_int_equal(s->login.root_login, ROOT_LOGIN_DENY_PASSWORD);
	assert_string_equal(s->login.pam_service, "sshd");
	assert_string_equal(
	    service_of(&p, "telnet")->login.pam_service, "login");
	assert_null(service_of(&p, "x")->login.pam_service);
	assert_true(s->ssh.tcp_forwarding);
	assert_false(s->ssh.sftp_server);
	assert_int_equal(s->ssh.client_alive_count_max, 3);
	assert_int_equal(s->ssh.max_sessions, 10);
	assert_int_equal(s->ssh.max_pre_packets, 128);
	assert_true(s->listen_default);
	assert_int_equal(s->listen_count, 2);
	assert_int_equal(s->listen[0].family, FAMILY_INET);
	assert_int_equal(s->listen[1].family, FAMILY_INET6);
	assert_int_equal(s->listen[1].port, 22);
	assert_int_equal(service_of(&p, "telnet")->login.login_grace_time, 60);
	s = service_of(&p, "x");
	assert_null(s->exec.user);
	assert_null(s->exec.group);
	assert_int_equal(s->exec.umask, 022);
	assert_false(s->exec.wait);
	parsed_free(&p);
}

static void
test_set_lines(void **state)
{
	struct parsed braces = parse_ok(example);
	struct parsed p = parse_ok("set system services ssh port 2222\n"
				   "set system services ssh sftp-server # c\n"
				   "system { services { finger; } }\n"
				   "  set system services ftp\n"
				   "set system services ssh port 2200");
	char *text;
	struct parsed again;

	(void)state;
	assert_int_equal(p.conf->service_count, 3);
	assert_int_equal(service_of(&p, "ssh")->port, 2200);
	assert_true(service_of(&p, "ssh")->ssh.sftp_server);
	parsed_free(&p);
	text = rendered(braces.conf, CONF_SET, false);
	again = parse_ok(text);
	assert_true(conf_equal(braces.conf, again.conf));
	free(text);
	parsed_free(&again);
	parsed_free(&braces);
}

static void
test_merge(void **state)
{
	struct parsed p = parse_ok(
	    "system { services { ssh { port 22; port 23; } } }\n"
	    "system { services { ssh { root-login allow; } finger; } }\n"
	    "system services ssh port 24;\n");
	const struct conf_service *s = service_of(&p, "ssh");

	(void)state;
	assert_int_equal(p.conf->service_count, 2);
	assert_int_equal(s->port, 24);
	assert_int_equal(s->login.root_login, ROOT_LOGIN_ALLOW);
	assert_int_equal(conf_statement_pos(p.conf, s, "port").line, 3);
	assert_int_equal(conf_statement_pos(p.conf, s, "port").col, 21);
	assert_int_equal(conf_statement_pos(p.conf, s, "rate-limit").line, 1);
	parsed_free(&p);
}

static void
test_lists_append(void **state)
{
	struct parsed p = parse_ok(
	    "system services ssh { listen-address 127.0.0.1; "
	    "listen-address [ ::1 127.0.0.1 ]; }\n"
	    "set system services ssh listen-address 127.0.0.2\n"
	    "set system services ssh listen-address [ 127.0.0.3 127.0.0.2 ]\n");
	static const char *const want[] = {
	    "127.0.0.1", "::1", "127.0.0.2", "127.0.0.3"};
	const struct conf_service *s = service_of(&p, "ssh");
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(s->listen_count, 4);
	assert_false(s->listen_default);
	for (unsigned i = 0; i < 4; i++) {
		assert_string_equal(addr_text(&s->listen[i], text), want[i]);
		assert_int_equal(s->listen[i].port, 22);
	}
	parsed_free(&p);
}

static void
test_inactive(void **state)
{
	struct parsed p =
	    services_ok("inactive: ssh { port 2222; }\n"
			"finger { inactive: port 7; inactive: list-users; }\n"
			"ftp { inactive: port 7; port 8; "
			"listen-address 127.0.0.1; }");
	struct parsed all = parse_ok("inactive: system { services { ssh; } }");

	(void)state;
	assert_int_equal(p.conf->service_count, 2);
	assert_null(conf_find_service(p.conf, "ssh"));
	assert_int_equal(service_of(&p, "finger")->port, 79);
	assert_false(service_of(&p, "finger")->finger.list_users);
	assert_int_equal(service_of(&p, "ftp")->port, 8);
	assert_int_equal(all.conf->service_count, 0);
	parsed_free(&p);
	parsed_free(&all);
	/* Without a space behind it, too, and only there. */
	p = services_ok("inactive:ssh { port 2222; } finger { "
			"inactive:port 7; }");
	assert_int_equal(p.conf->service_count, 1);
	assert_int_equal(service_of(&p, "finger")->port, 79);
	parsed_free(&p);
	EXPECT("system { inactive:servces; }",
	    ERROR(1, 19, "unknown statement `servces`"));
	EXPECT("system { \"inactive:services\"; }",
	    ERROR(1, 10, "a statement is expected"));
	EXPECT("set inactive:system\n",
	    ERROR(1, 5, "unknown statement `inactive:system`"));
}

static void
test_deactivate(void **state)
{
	struct parsed p = parse_ok(
	    "system { services { ssh { port 1; sftp-server; } finger;\n"
	    "  service x { port 2; exec /bin/true; environment A b;\n"
	    "    environment C d; } } }\n"
	    "deactivate system services ssh port\n"
	    "deactivate system services finger\n"
	    "deactivate system services service x environment A\n"
	    "set system services ssh port 3\n");

	(void)state;
	assert_int_equal(p.conf->service_count, 2);
	/* A set line does not activate. */
	assert_int_equal(service_of(&p, "ssh")->port, 22);
	assert_true(service_of(&p, "ssh")->ssh.sftp_server);
	assert_int_equal(service_of(&p, "x")->exec.env_count, 1);
	assert_string_equal(service_of(&p, "x")->exec.env[0], "C=d");
	parsed_free(&p);
}

static void
test_inactive_stays(void **state)
{
	struct parsed p = parse("system services { inactive: ssh; ssh; }");

	(void)state;
	assert_int_equal(p.conf->service_count, 0);
	parsed_free(&p);
	EXPECT("system services { inactive: ssh { port 1; }\n"
	       "ssh { port 2; } }",
	    WARNING(2, 1, "ssh has been inactive since line 1 and remains so"));
	EXPECT("system services ssh {\n"
	       "inactive: listen-address 127.0.0.1;\n"
	       "listen-address 127.0.0.2; }",
	    ERROR(3, 1, "inactive in one place and active in another"));
}

static void
test_exec_words(void **state)
{
	struct parsed p = services_ok(
	    "service x { port 7; protocol udp;\n"
	    "exec \"/usr/bin/env  -i 'a b' \\\"c d\\\"e ''\";\n"
	    "environment A \"b c\"; environment A d; environment E \"\";\n"
	    "rlimit nofile 10 20; rlimit core 0 unlimited; umask 077;\n"
	    "nice -5; detach; group tty; }");
	const struct conf_exec *e = &service_of(&p, "x")->exec;
	static const char *const argv[] = {"env", "-i", "a b", "c de", ""};

	(void)state;
	assert_string_equal(e->path, "/usr/bin/env");
	assert_int_equal(e->argc, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_string_equal(e->argv[i], argv[i]);
	assert_null(e->argv[5]);
	assert_int_equal(e->env_count, 2);
	assert_string_equal(e->env[0], "A=d");
	assert_string_equal(e->env[1], "E=");
	assert_null(e->env[2]);
	assert_int_equal(e->rlimit_count, 2);
	assert_int_equal(e->rlimits[0].soft, 10);
	assert_int_equal(e->rlimits[0].hard, 20);
	assert_int_equal(e->umask, 077);
	assert_int_equal(e->nice, -5);
	assert_true(e->detach);
	assert_true(e->wait); /* udp, and nothing said */
	assert_string_equal(e->group, "tty");
	parsed_free(&p);
}

/* All three forms of an outbound-ssh address, in their order. */
static void
test_outbound(void **state)
{
	struct parsed p = services_ok(
	    "outbound-ssh { routing-instance mgmt; client nms {\n"
	    "device-id r1; services netconf; keep-alive { retry 5; }\n"
	    "reconnect-strategy sticky;\n"
	    "192.0.2.1 { port 4334; retry 9; timeout 2; }\n"
	    "2001:db8::1 port 4335; address nms.example.net;\n"
	    "address backup { port 3; } nms2.example.net; spare port 7; } }");
	static const struct {
		const char *host;
		uint16_t port;
	} want[] = {{"192.0.2.1", 4334}, {"2001:db8::1", 4335},
	    {"nms.example.net", 22}, {"backup", 3}, {"nms2.example.net", 22},
	    {"spare", 7}};
	const struct conf_client *c = &p.conf->clients[0];

	(void)state;
	assert_int_equal(c->server_count, 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_string_equal(c->servers[i].host, want[i].host);
		assert_int_equal(c->servers[i].port, want[i].port);
	}
	assert_int_equal(c->servers[0].retry, 9);
	assert_int_equal(c->servers[1].retry, 3);
	assert_int_equal(c->servers[1].timeout, 15);
	assert_true(c->keep_alive);
	assert_int_equal(c->keep_alive_retry, 5);
	assert_int_equal(c->keep_alive_timeout, 15);
	assert_int_equal(c->strategy, CONF_STICKY);
	assert_true(c->netconf);
	assert_null(c->secret);
	assert_string_equal(p.conf->routing_instance, "mgmt");
	parsed_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_example),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_set_lines),
	    cmocka_unit_test(test_merge),
	    cmocka_unit_test(test_lists_append),
	    cmocka_unit_test(test_inactive),
	    cmocka_unit_test(test_deactivate),
	    cmocka_unit_test(test_inactive_stays),
	    cmocka_unit_test(test_exec_words),
	    cmocka_unit_test(test_outbound),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
