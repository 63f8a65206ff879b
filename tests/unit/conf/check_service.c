/*
 * What `service NAME` says for people who come from inetd: argv[0], ports by
 * name, families, detach, keepalive, standard error, and users.
 */
#include "tests/stage/conf.h"

#define IN "system { services {\n"
#define END "\n} }"
#define SERVICE(more) "service x { port 7; exec \"/bin/cat -u\"; " more " }"

/* The one service of a text. */
static const struct conf_service *
one(struct parsed *p, const char *text)
{
	*p = services_ok(text);
	assert_int_equal(p->conf->service_count, 1);
	return (&p->conf->services[0]);
}

static void
test_program_name(void **state)
{
	const struct conf_service *s;
	struct parsed p;

	(void)state;
	s = one(&p, SERVICE(""));
	assert_string_equal(s->exec.argv[0], "cat");
	parsed_free(&p);
	s = one(&p, SERVICE("program-name \"/usr/sbin/in.catd\";"));
	assert_string_equal(s->exec.path, "/bin/cat");
	assert_string_equal(s->exec.argv[0], "/usr/sbin/in.catd");
	assert_string_equal(s->exec.argv[1], "-u");
	assert_int_equal(s->exec.argc, 2);
	parsed_free(&p);
}

/* tcpd without another's name runs itself, and that again itself. */
static void
test_tcpd(void **state)
{
	struct parsed p;

	(void)state;
	EXPECT(IN "service x { port 7;\nexec \"/usr/sbin/tcpd in.catd\"; }" END,
	    ERROR(3, 1, "write `program-name in.catd;`, and remove that word"));
	EXPECT(IN "service x { port 7;\nexec /usr/sbin/tcpd; }" END,
	    ERROR(3, 1, "write `program-name /usr/sbin/in.NAMEd;`"));
	EXPECT(IN "service x { port 7; program-name tcpd;\n"
		  "exec /usr/sbin/tcpd; }" END,
	    ERROR(3, 1, "runs the program that its own name gives"));
	one(&p, "service x { port 7; exec /usr/sbin/tcpd; "
		"program-name in.catd; }");
	parsed_free(&p);
}

static void
test_port_by_name(void **state)
{
	const struct conf_service *s;
	struct parsed p;

	(void)state;
	s = one(&p, "service x { port daytime; exec /bin/date; }");
	assert_int_equal(s->port, 13);
	assert_int_equal(s->listen[0].port, 13);
	parsed_free(&p);
	s = one(&p, "service x { port tftp; protocol udp; exec /bin/date; }");
	assert_int_equal(s->port, 69);
	parsed_free(&p);
	s = one(&p, "ssh { port ssh; }");
	assert_int_equal(s->port, 22);
	parsed_free(&p);
	EXPECT(IN "service x {\nport tftp; exec /bin/date; }" END,
	    ERROR(3, 1, "`tftp` is not a service of tcp"));
	EXPECT(IN "service x {\nport no-such-name; exec /bin/date; }" END,
	    ERROR(3, 6, "neither a number nor a service's name"));
}

static void
test_families(void **state)
{
	const struct conf_service *s;
	struct parsed p;

	(void)state;
	s = one(&p, SERVICE("protocol tcp6;"));
	assert_int_equal(s->exec.protocol, CONF_TCP);
	assert_int_equal(s->listen_count, 1);
	assert_int_equal(s->listen[0].family, FAMILY_INET6);
	assert_int_equal(s->listen[0].port, 7);
	parsed_free(&p);
	s = one(&p, SERVICE("protocol udp4;"));
	assert_int_equal(s->exec.protocol, CONF_UDP);
	assert_true(s->exec.wait);
	assert_int_equal(s->listen_count, 1);
	assert_int_equal(s->listen[0].family, FAMILY_INET);
	parsed_free(&p);
	s = one(&p, SERVICE(""));
	assert_int_equal(s->listen_count, 2);
	parsed_free(&p);
	EXPECT(IN "service x { port 7; exec /bin/cat; protocol tcp4;\n"
		  "listen-address [ 127.0.0.1 ::1 ]; }" END,
	    ERROR(3, 1, "::1 is of a family"));
}

/* What gets the socket itself may fork and return. */
static void
test_detach(void **state)
{
	static const struct {
		const char *text;
		bool detach;
	} cases[] = {
	    {SERVICE(""), false},
	    {SERVICE("detach;"), true},
	    {SERVICE("wait yes;"), true},
	    {SERVICE("protocol udp;"), true},
	    {SERVICE("protocol udp; no-detach;"), false},
	    {SERVICE("wait yes; no-detach;"), false},
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].text);
		assert_int_equal(
		    one(&p, cases[i].text)->exec.detach, cases[i].detach);
		parsed_free(&p);
	}
	EXPECT(IN
	    "service x { port 7; exec /bin/cat; detach;\nno-detach; }" END,
	    ERROR(3, 1, "no-detach contradicts detach"));
}

static void
test_the_rest(void **state)
{
	const struct conf_service *s;
	struct parsed p;

	(void)state;
	s = one(&p, SERVICE(""));
	assert_true(s->exec.keepalive);
	assert_int_equal(s->exec.session_timeout, 0);
	assert_int_equal(s->exec.error, CONF_ERROR_LOG);
	assert_null(s->exec.user);
	parsed_free(&p);
	s = one(&p, SERVICE("no-keepalive; session-timeout 600; "
			    "standard-error connection; user nobody;"));
	assert_false(s->exec.keepalive);
	assert_int_equal(s->exec.session_timeout, 600);
	assert_int_equal(s->exec.error, CONF_ERROR_CONNECTION);
	assert_string_equal(s->exec.user, "nobody");
	parsed_free(&p);
}

static void
test_two_of_one_user(void **state)
{
	struct parsed p;

	(void)state;
	EXPECT(IN "service a { port 7; exec /bin/cat; user nobody; }\n"
		  "service b { port 8; exec /bin/cat; user nobody; }" END,
	    WARNING(3, 36, "service b runs as nobody, as a (line 2) does"));
	p = services_ok("service a { port 7; exec /bin/cat; }\n"
			"service b { port 8; exec /bin/cat; }\n"
			"service c { port 9; exec /bin/cat; user root; }\n"
			"service d { port 10; exec /bin/cat; user root; }");
	assert_int_equal(p.report.count, 0);
	parsed_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_program_name),
	    cmocka_unit_test(test_tcpd),
	    cmocka_unit_test(test_port_by_name),
	    cmocka_unit_test(test_families),
	    cmocka_unit_test(test_detach),
	    cmocka_unit_test(test_the_rest),
	    cmocka_unit_test(test_two_of_one_user),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
