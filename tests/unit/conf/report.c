/*
 * Errors and warnings: what is refused, where exactly, all of it at once, and
 * where the parser finds back.
 */
#include "tests/stage/conf.h"

#define IN "system { services {\n"
#define END "\n} }"

static void
test_unknown(void **state)
{
	(void)state;
	EXPECT("sytem { services { ssh; } }",
	    ERROR(1, 1,
		"unknown statement `sytem`; the nearest known one is "
		"`system`"));
	EXPECT(IN "ssh { conection-limit 5; port 0; }" END,
	    ERROR(2, 7, "`connection-limit`"), ERROR(2, 31, "port: 0"));
	EXPECT(IN "ssh { foo { bar { ; } baz [ } } ssj { port 1; }" END,
	    ERROR(2, 7, "`foo`"), ERROR(2, 33, "`ssh`"));
	EXPECT("set system services finger list-usres\n"
	       "set system services finger list-users 1\n"
	       "set system servces\n",
	    ERROR(1, 28, "`list-users`"),
	    ERROR(2, 39, "unexpected `1` after list-users"),
	    ERROR(3, 12, "`services`"));
	/* Another block's statement is not this one's. */
	EXPECT(IN "telnet { listen-address ::1; sftp-server; }" END,
	    ERROR(2, 30,
		"`sftp-server` belongs in `system services ssh`, not in "
		"telnet"));
}

static void
test_punctuation(void **state)
{
	(void)state;
	EXPECT("system { services { ssh { port 22 } } }",
	    ERROR(1, 34, "`;` is missing after port"));
	EXPECT(IN "ssh {\nport 22\nroot-login maybe;\n}" END,
	    ERROR(3, 8, "`;` is missing after port"), ERROR(4, 12, "`maybe`"));
	EXPECT("system { services { ssh;",
	    ERROR(1, 19, "the `{` of services is not closed"));
	EXPECT("}\nsystem;", ERROR(1, 1, "this `}` has no matching `{`"));
	EXPECT(
	    "system;;", ERROR(1, 8, "a statement is expected here, not `;`"));
	EXPECT("system { services\n}",
	    ERROR(1, 18, "`;` is missing after services"));
	EXPECT(IN "ssh { port; listen-address [ ]; }" END,
	    ERROR(2, 11, "port needs a number"),
	    ERROR(2, 28, "listen-address: an empty list"));
	EXPECT(IN "ssh { listen-address [ ::1; port 0; }" END,
	    ERROR(2, 22, "the `[` of listen-address is not closed"),
	    ERROR(2, 34, "port: 0"));
	EXPECT(IN "ssh { port [ 22 ]; port { } port 0; }" END,
	    ERROR(2, 12, "port needs a number, not `[`"),
	    ERROR(2, 25, "port needs a number, not `{`"),
	    ERROR(2, 34, "port: 0"));
	EXPECT(IN "ssh { port 22 23; sftp-server yes; }" END,
	    ERROR(2, 15, "unexpected `23` after port"),
	    ERROR(2, 31, "unexpected `yes` after sftp-server"));
	EXPECT(IN "inactive: }\n}", ERROR(2, 11, "a statement is expected"));
}

static void
test_set_line_errors(void **state)
{
	(void)state;
	EXPECT("set\nset system services ssh port 1;\n"
	       "set system services ssh port\n"
	       "set system services ssh { port 2; }\n"
	       "set system services ssh port 0",
	    ERROR(1, 1, "set needs the path"), ERROR(2, 31, "without `;`"),
	    ERROR(3, 29, "port needs a number"),
	    ERROR(4, 25, "unexpected `{` after ssh"), ERROR(5, 30, "port: 0"),
	    WARNING(5, 25, "port is repeated and replaces that of line 2"));
	EXPECT("system {\nset system services ssh\n}",
	    ERROR(2, 1, "a `set` line must be outside braces"));
}

static void
test_deactivate_errors(void **state)
{
	(void)state;
	EXPECT("set system services ssh port 22\n"
	       "deactivate\n"
	       "deactivate system services finger\n"
	       "deactivate system services ssh rate-limit\n"
	       "deactivate system services shs\n"
	       "deactivate system services ssh port 22\n"
	       "deactivate system services service\n"
	       "deactivate system services {\n"
	       "deactivate system services ssh port\n",
	    ERROR(2, 1, "deactivate needs the path"),
	    ERROR(3, 12, "no such statement"),
	    ERROR(4, 12, "no such statement"),
	    ERROR(5, 28, "nearest known one is `ssh`"),
	    ERROR(6, 37, "unexpected `22` after the path"),
	    ERROR(7, 35, "service needs a name"),
	    ERROR(8, 28, "the path of a statement is expected"));
}

static void
test_broken_strings(void **state)
{
	(void)state;
	/* The string swallowed its `;`; the next line is read all the same. */
	EXPECT(IN "ssh { sshd-config \"/a;\nport 0;\n}" END,
	    ERROR(2, 19, "no closing quote"), ERROR(3, 6, "port: 0"));
	EXPECT("set system services ssh sshd-config \"/a\n"
	       "set system services ssh port 0",
	    ERROR(1, 37, "no closing quote"), ERROR(2, 30, "port: 0"));
	EXPECT(IN "ssh { port \x01; port 0; }" END,
	    ERROR(2, 12, "a control character"), ERROR(2, 20, "port: 0"));
}

static void
test_values(void **state)
{
	(void)state;
	EXPECT(IN "ssh { port 22x; } finger { port 022; } telnet { port -1; }\n"
		  "ftp { port +1; } service a { port 99999999999999999999;\n"
		  "exec \"\"; } service b { port \"\"; exec /x; }\n"
		  "ssh { sshd-config etc; }" END,
	    ERROR(2, 12, "`22x` is not a decimal number"),
	    ERROR(2, 33, "`022` is not a decimal number"),
	    ERROR(2, 54, "-1 is out of range 1-65535"),
	    ERROR(3, 12, "`+1` is not a decimal number"),
	    ERROR(3, 35, "is out of range 1-65535"),
	    ERROR(4, 6, "names no program"),
	    ERROR(4, 29, "`` is not a decimal number"),
	    ERROR(5, 19, "`etc` is not an absolute path"),
	    WARNING(2, 40, "telnet listens beyond loopback"),
	    WARNING(3, 1, "ftp listens beyond loopback"));
	EXPECT(IN "ssh { connection-limit 251; protocol-version v1; "
		  "root-login no;\nlisten-address localhost; "
		  "listen-address ::ffff:127.0.0.1;\n"
		  "listen-address [ fe80::1 224.0.0.1 ff02::1 ]; }" END,
	    ERROR(2, 24, "1-250 (up to 65535 with extended-limits)"),
	    ERROR(2, 46, "`v1` is not one of: v2"),
	    ERROR(2, 61, "`no` is not one of: allow, deny, deny-password"),
	    ERROR(3, 16, "`localhost` is not an IPv4 or IPv6 address"),
	    ERROR(3, 42, "write the IPv4 address"), ERROR(4, 18, "link-local"),
	    ERROR(4, 26, "multicast"), ERROR(4, 36, "multicast"));
	EXPECT(IN "ssh { ciphers aes128-ctr,aes256-ctr; macs +hmac-md5;\n"
		  "key-exchange [ curve25519-sha256 dh-group15 ]; }" END,
	    ERROR(2, 15, "ciphers: write a list as [ WORD WORD ]"),
	    ERROR(
		2, 43, "macs: `+hmac-md5`: sshd's own list cannot be added to"),
	    ERROR(3, 34, "`dh-group15` is not one of: curve25519-sha256, "));
	EXPECT(IN "role-uids 64799; role-uids 5-4; role-uids 10-20;\n"
		  "role-uids 65530-65600; role-uids 0-100; "
		  "role-uids 1-4294967294; role-uids 1000-1015;" END,
	    ERROR(2, 11, "not LOW-HIGH"), ERROR(2, 28, "range of 16 or more"),
	    ERROR(2, 43, "range of 16 or more"), ERROR(3, 11, "mean nobody"),
	    ERROR(3, 34, "range of 16 or more"),
	    ERROR(3, 51, "range of 16 or more"),
	    WARNING(2, 18, "role-uids is repeated and replaces"),
	    WARNING(2, 33, "role-uids"), WARNING(3, 1, "role-uids"),
	    WARNING(3, 24, "role-uids"), WARNING(3, 41, "role-uids"),
	    WARNING(3, 65, "role-uids"));
}

static void
test_service_values(void **state)
{
	(void)state;
	EXPECT(IN "service x { port 7; exec cat; }\n"
		  "service -x { port 8; exec /bin/cat; }\n"
		  "service y { port 9; exec \"/bin/cat 'a\"; wait maybe;\n"
		  "environment 1A b; environment A; rlimit foo 1 2;\n"
		  "rlimit core 2 1; rlimit cpu x 1; umask 8; umask 1000;\n"
		  "nice 20; user \"a b\"; exec /bin/; }" END,
	    ERROR(2, 26, "`cat` does not begin with an absolute path"),
	    ERROR(3, 9, "`-x` is not a name"),
	    ERROR(4, 26, "has a quote that is not closed"),
	    ERROR(4, 46, "`maybe` is not one of: no, yes"),
	    ERROR(5, 13, "`1A` is not a name"),
	    ERROR(5, 32, "environment needs"),
	    ERROR(5, 41, "`foo` is not one of: as, core"),
	    ERROR(6, 13, "soft limit 2 is above the hard limit 1"),
	    ERROR(6, 29, "`x` is neither a number nor unlimited"),
	    ERROR(6, 40, "`8` is not an octal number"),
	    ERROR(6, 49, "1000 is out of range 0-777"),
	    ERROR(7, 6, "20 is out of range -20-19"),
	    ERROR(7, 15, "`a b` is not a name"), ERROR(7, 27, "names a folder"),
	    WARNING(6, 43, "umask is repeated and replaces"),
	    WARNING(7, 22, "exec is repeated and replaces"));
}

/* 65534 and 65535 are nobody's, to the number. */
static void
test_uids(void **state)
{
	struct parsed p;

	(void)state;
	EXPECT(IN "role-uids 65500-65534;" END, ERROR(2, 11, "mean nobody"));
	EXPECT(IN "role-uids 65535-65600;" END, ERROR(2, 11, "mean nobody"));
	EXPECT(IN "role-uids 65500-65533;" END);
	p = parse_ok(IN "role-uids 65536-65551;" END);
	assert_int_equal(p.conf->role_uid_low, 65536);
	assert_int_equal(p.conf->role_uid_high, 65551);
	parsed_free(&p);
}

/* What is replaced or inactive is checked as well. */
static void
test_all_are_checked(void **state)
{
	(void)state;
	EXPECT(IN "ssh { port 0; port 22; inactive: rate-limit 0; }\n"
		  "inactive: ftp { port 70000; }" END,
	    ERROR(2, 12, "port: 0"), ERROR(2, 45, "rate-limit: 0"),
	    ERROR(3, 22, "port: 70000"),
	    WARNING(2, 15, "port is repeated and replaces that of line 2"));
	/* extended-limits widens nothing where it is inactive itself. */
	EXPECT("system { inactive: services {\nextended-limits;\n"
	       "ssh { rate-limit 251; } } }",
	    ERROR(3, 18, "rate-limit: 251"));
	EXPECT(IN "inactive: extended-limits;\nssh { rate-limit 251; }" END,
	    ERROR(3, 18, "rate-limit: 251"));
	/* Within a service it widens that service's alone. */
	EXPECT(IN "ssh { rate-limit 251; extended-limits; }\n"
		  "finger { rate-limit 251; }" END,
	    ERROR(3, 21, "rate-limit: 251"));
}

static void
test_contradictions(void **state)
{
	(void)state;
	EXPECT(IN "ssh { no-passwords; no-public-keys; }" END,
	    ERROR(2, 21, "no-public-keys contradicts no-passwords"));
	EXPECT(IN "ssh { no-tcp-forwarding;\ntcp-forwarding; }" END,
	    ERROR(3, 1, "tcp-forwarding contradicts no-tcp-forwarding"));
	EXPECT(IN "keep-sessions; no-keep-sessions;" END,
	    ERROR(2, 16, "no-keep-sessions contradicts keep-sessions"));
	EXPECT(IN "ssh { no-public-keys; no-password-authentication;\n"
		  "no-challenge-response; }" END,
	    ERROR(3, 1,
		"no-challenge-response contradicts no-public-keys (line 2) "
		"with no-password-authentication (line 2): nobody"));
	/* Any two of the three leave a way in. */
	EXPECT(IN "ssh { no-public-keys; no-challenge-response; }" END);
	EXPECT(IN "ssh { no-public-keys; no-password-authentication; }" END);
	EXPECT(IN "ssh { no-password-authentication; no-public-keys;\n"
		  "inactive: no-challenge-response; }" END);
	/* What is turned off contradicts nothing. */
	EXPECT(IN "ssh { no-passwords; inactive: no-public-keys; }\n"
		  "inactive: keep-sessions; no-keep-sessions;" END);
	EXPECT(IN "inactive: ssh { no-passwords; no-public-keys; }" END);
}

static void
test_services(void **state)
{
	(void)state;
	EXPECT(IN "service finger { port 7; exec /bin/true; }\n"
		  "service netconf { port 8; exec /bin/true; }\n"
		  "service a { exec /bin/true; }\nservice b { port 9; }" END,
	    ERROR(2, 1, "is the name of a built-in service"),
	    ERROR(3, 1, "is the name of a built-in service"),
	    ERROR(4, 1, "service a has no port"),
	    ERROR(5, 1, "service b has no exec"));
	EXPECT(IN "inactive: service ssh { port 7; }" END);
}

static void
test_listeners(void **state)
{
	(void)state;
	EXPECT(IN "ssh { port 79; }\nfinger;" END,
	    ERROR(3, 1, "finger and ssh (line 2) both listen on port 79"));
	EXPECT(IN "ssh { port 79; listen-address 127.0.0.1; }\n"
		  "finger { listen-address [ ::1 127.0.0.2 ]; }" END);
	EXPECT(IN "ssh { port 79; listen-address ::; }\n"
		  "finger { listen-address [ ::1 127.0.0.2 ]; }" END,
	    ERROR(3, 1, "both listen on port 79 of ::1"));
	EXPECT(IN "ssh { listen-address [ 127.0.0.1 0.0.0.0 ]; }" END,
	    ERROR(2, 1, "ssh listens twice on port 22 of 0.0.0.0"));
	EXPECT(IN "service a { port 79; protocol udp; exec /bin/true; }\n"
		  "finger;\ninactive: service b { port 79; exec /x; }" END);
	EXPECT(IN "service a { port 7; protocol udp; exec /bin/true; }\n"
		  "service b { port 7; protocol udp; exec /bin/true; }" END,
	    ERROR(3, 1, "b and a (line 2) both listen on port 7"));
}

static void
test_warnings(void **state)
{
	(void)state;
	EXPECT(IN "telnet;\nftp { listen-address [ ::1 192.0.2.1 ]; }" END,
	    WARNING(2, 1,
		"telnet listens beyond loopback: passwords travel "
		"in clear"),
	    WARNING(3, 1, "ftp listens beyond loopback"));
	EXPECT(IN "telnet { listen-address [ 127.9.9.9 ::1 ]; }\n"
		  "inactive: ftp;" END);
	EXPECT(IN "netconf { ssh; }" END,
	    WARNING(2, 11, "netconf has no subsystem"));
	EXPECT(IN "netconf { ssh { port 23; } subsystem /x; }" END,
	    WARNING(2, 11, "netconf on port 23"));
}

static void
test_clients(void **state)
{
	(void)state;
	EXPECT(IN "outbound-ssh { client c {\nkeepalive { retry 3; } } }" END,
	    ERROR(2, 16, "client c has no device-id"),
	    ERROR(2, 16, "client c has no address"),
	    ERROR(3, 1, "`keep-alive`"), WARNING(2, 16, "may use nothing"));
	EXPECT(IN "outbound-ssh { client c { services netconf; ::1;\n"
		  "device-id \"a: b\"; } }" END,
	    ERROR(2, 16, "its device-id may contain"));
	EXPECT(IN "outbound-ssh { client c { services netconf; device-id d;\n"
		  "address a_b { } address -x; address 1.2.3.4; } }" END,
	    ERROR(3, 9, "neither an address nor a host name"),
	    ERROR(3, 25, "neither an address nor a host name"));
}

/* A masked value is refused wherever it stands, and no secret is repeated. */
static void
test_secrets(void **state)
{
	struct parsed p;

	(void)state;
	EXPECT(IN "outbound-ssh { client c { services netconf; ::1;\n"
		  "device-id d; secret \"********\"; } }\n"
		  "ssh { sshd-config /x********; }" END,
	    ERROR(3, 21, "is shown in place of a secret"),
	    ERROR(4, 19, "is shown in place of a secret"),
	    ERROR(4, 19, "may not contain"));
	p = parse(IN "outbound-ssh { client c { secret hush hush; } }" END);
	assert_int_not_equal(p.err, 0);
	for (size_t i = 0; i < p.report.count; i++)
		assert_null(strstr(p.report.diags[i].text, "hush"));
	parsed_free(&p);
}

/* head, n lines with the line's number in place of each @, and tail. */
static char *
repeat(const char *head, const char *line, unsigned n, const char *tail)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs(head, f);
	for (unsigned i = 0; i < n; i++) {
		for (const char *c = line; *c != '\0'; c++) {
			if (*c == '@')
				fprintf(f, "%u", i);
			else
				fputc(*c, f);
		}
	}
	fputs(tail, f);
	assert_int_equal(fclose(f), 0);
	return (text);
}

/* Bounds: of services, statements, messages, depth and size. */
static void
test_bounds(void **state)
{
	char *text;
	struct parsed p;

	(void)state;
	text = repeat(IN,
	    "service s@ { port 7; listen-address 127.0.1.@; "
	    "exec /bin/true; }\n",
	    128, END);
	p = parse_ok(text);
	assert_int_equal(p.conf->service_count, 128);
	parsed_free(&p);
	free(text);
	text = repeat(IN,
	    "service s@ { port 7; listen-address 127.0.1.@; "
	    "exec /bin/true; }\n",
	    129, END);
	EXPECT(text, ERROR(130, 1, "more than 128 services"));
	free(text);
	text = repeat(IN "ssh {", "port 22;\n", 20001, "}" END);
	p = parse(text);
	assert_int_equal(p.report.errors, 1);
	assert_non_null(strstr(p.report.diags[0].text, "statements"));
	parsed_free(&p);
	free(text);
	text = repeat("", "foo;\n", 2000, "");
	p = parse(text);
	assert_int_equal(p.report.errors, 2000);
	assert_int_equal(p.report.count, 1000);
	assert_true(p.report.lost);
	parsed_free(&p);
	free(text);
	/* What is past the bound costs next to nothing. */
	text = repeat(IN, "abcdefgh@;\n", 60000, END);
	p = parse(text);
	assert_int_equal(p.report.errors, 60000);
	assert_int_equal(p.report.count, 1000);
	parsed_free(&p);
	free(text);
	text = repeat("foo ", "{ ", 300000, "");
	p = parse(text);
	assert_int_equal(p.report.errors, 1);
	parsed_free(&p);
	free(text);
	text = calloc(1, CONF_FILE_MAX + 1);
	assert_non_null(text);
	memset(text, ' ', CONF_FILE_MAX + 1);
	p = parse_bytes(text, CONF_FILE_MAX);
	assert_int_equal(p.err, 0);
	parsed_free(&p);
	p = parse_bytes(text, CONF_FILE_MAX + 1);
	assert_int_not_equal(p.err, 0);
	parsed_free(&p);
	free(text);
}

static void
test_list_bounds(void **state)
{
	char *text;

	(void)state;
	text = repeat(IN "ssh {\n", "listen-address 127.0.0.@;\n", 17, "}" END);
	EXPECT(text, ERROR(19, 16, "more than 16 addresses"));
	free(text);
	text = repeat(
	    IN "ssh { listen-address [\n", "127.0.0.@\n", 65, "]; }" END);
	EXPECT(text, ERROR(67, 1, "more than 64 values"));
	free(text);
}

/* A message's bytes are escaped: the file cannot write to a terminal. */
static void
test_escaped(void **state)
{
	struct parsed p = parse(IN "ssh { port \"\xc3\xa9\"; }" END);
	char line[512];

	(void)state;
	assert_int_equal(p.report.count, 1);
	assert_string_equal(
	    conf_diag_text(&p.report.diags[0], "a\nb.conf", line, sizeof(line)),
	    "a\\x0ab.conf:2:12: error: port: `\\xc3\\xa9` is not a decimal "
	    "number");
	parsed_free(&p);
}

/* What is about the whole file has the form of every other line. */
static void
test_whole_file(void **state)
{
	struct conf_diag d = {.severity = CONF_ERROR, .text = "no such file"};
	char line[64];

	(void)state;
	assert_string_equal(conf_diag_text(&d, "a.conf", line, sizeof(line)),
	    "a.conf:1:1: error: no such file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_punctuation),
	    cmocka_unit_test(test_set_line_errors),
	    cmocka_unit_test(test_deactivate_errors),
	    cmocka_unit_test(test_broken_strings),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_service_values),
	    cmocka_unit_test(test_uids),
	    cmocka_unit_test(test_all_are_checked),
	    cmocka_unit_test(test_contradictions),
	    cmocka_unit_test(test_services),
	    cmocka_unit_test(test_listeners),
	    cmocka_unit_test(test_warnings),
	    cmocka_unit_test(test_clients),
	    cmocka_unit_test(test_secrets),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_list_bounds),
	    cmocka_unit_test(test_escaped),
	    cmocka_unit_test(test_whole_file),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
