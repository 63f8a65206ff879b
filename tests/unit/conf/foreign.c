/*
 * What strangers write, and the line that answers it: typos, other programs'
 * files and words, statements in wrong places, what is not closed. The first
 * line is compared to the letter, and the number of errors with what is wrong.
 */
#include "conf/others.h"
#include "tests/stage/conf.h"

#define LINE_MOST 200 /* bytes of a message */

#define SERVICES(inner) "system {\n services {\n" inner "\n }\n}\n"
#define SERVICE(inner)                                                         \
	"system { services { service x { port 7; exec /bin/true;\n" inner      \
	"\n} } }"

struct sample {
	const char *text;
	const char *first; /* its first line, behind "f:" */
	size_t errors;
};

static const struct sample samples[] = {
    /* Slips of the pen. */
    {SERVICES("fingre;"),
	"3:1: error: unknown statement `fingre`; the nearest known one is "
	"`finger`",
	1},
    {SERVICES("ssh { prot 22; }"),
	"3:7: error: unknown statement `prot`; the nearest known one is `port`",
	1},
    {SERVICES("ssh { Root_Login deny; }"),
	"3:7: error: unknown statement `Root_Login`; the nearest known one is "
	"`root-login`",
	1},
    {SERVICES("ssh { max-pre 30; }"),
	"3:7: error: unknown statement `max-pre`; the nearest known one is "
	"`max-pre-authentication-packets`",
	1},
    {SERVICES("user-limit { procs 5; }"),
	"3:14: error: unknown statement `procs` in user-limit; there are "
	"`processes`, `sessions`",
	1},
    {SERVICES("gopher;"),
	"3:1: error: unknown statement `gopher` in services; portreeve.conf(5) "
	"lists all statements",
	1},
    {"services { ssh; }",
	"1:1: error: `services` belongs in `system` or `system services "
	"outbound-ssh client NAME`, not here",
	1},

    /* In a wrong place. */
    {SERVICES("port 22;"),
	"3:1: error: `port` belongs in a service's block, such as `system "
	"services ssh`, not in services",
	1},
    {"ssh { port 22; }",
	"1:1: error: `ssh` belongs in `system services` or `system services "
	"netconf`, not here",
	1},
    {SERVICES("telnet { listen-address ::1; sftp-server; }"),
	"3:30: error: `sftp-server` belongs in `system services ssh`, not in "
	"telnet",
	1},
    {SERVICES("finger { idle-timout 5; }"),
	"3:10: error: unknown statement `idle-timout` in finger; the nearest "
	"one elsewhere is `idle-timeout`",
	1},
    {"set ssh port 22",
	"1:5: error: `ssh` belongs in `system services` or `system services "
	"netconf`, not here",
	1},

    /* Other programs' files. */
    {"# Internet services\n"
     "time stream tcp nowait root internal\n"
     "7 dgram udp wait nobody /usr/bin/cat cat -u\n",
	"2:1: error: this is inetd.conf's form: write for each line, below "
	"`system services`, `service NAME { port N; user USER; exec \"PATH "
	"ARGUMENTS\"; }`; see MOVING in portreeve.conf(5)",
	1},
    {"rstatd/1-3\tdgram\trpc/udp\twait\troot\t/usr/libexec/rstatd\trstatd\n",
	"1:1: error: this is inetd.conf's form: write for each line, below "
	"`system services`, `service NAME { port N; user USER; exec \"PATH "
	"ARGUMENTS\"; }`; see MOVING in portreeve.conf(5)",
	1},
    {"# local\n127.0.0.1:\ntime stream tcp nowait root internal\n",
	"3:1: error: this is inetd.conf's form: write for each line, below "
	"`system services`, `service NAME { port N; user USER; exec \"PATH "
	"ARGUMENTS\"; }`; see MOVING in portreeve.conf(5)",
	1},
    {"[::1]:comsat dgram udp6 wait tty:tty /usr/libexec/comsat comsat\n",
	"1:1: error: this is inetd.conf's form: write for each line, below "
	"`system services`, `service NAME { port N; user USER; exec \"PATH "
	"ARGUMENTS\"; }`; see MOVING in portreeve.conf(5)",
	1},
    {SERVICES("finger;\n"
	      "ftp stream tcp nowait/3/10 root /usr/sbin/tcpd ftpd -l\n"
	      "tftp dgram udp6 wait.100 nobody.kmem /usr/sbin/tftpd\n"
	      "ssh { port 0; }"),
	"4:1: error: this is inetd.conf's form: write for each line, below "
	"`system services`, `service NAME { port N; user USER; exec \"PATH "
	"ARGUMENTS\"; }`; see MOVING in portreeve.conf(5)",
	2},
    {"defaults\n{\n\tinstances = 60\n\tlog_type = SYSLOG daemon\n}\n",
	"1:1: error: this is xinetd's form: write for each service, below "
	"`system services`, `service NAME { port N; user USER; exec \"PATH "
	"ARGUMENTS\"; }`; see MOVING in portreeve.conf(5)",
	1},
    {"# default: on\nservice tftp {\n# why\n\n\tserver_args += -s /srv\n}\n",
	"2:1: error: this is xinetd's form: write for each service, below "
	"`system services`, `service NAME { port N; user USER; exec \"PATH "
	"ARGUMENTS\"; }`; see MOVING in portreeve.conf(5)",
	1},
    {"Include /etc/ssh/sshd_config.d/*.conf\n\nPort 22\nUsePAM yes\n",
	"1:1: error: this is sshd_config's form: write `system { services { "
	"ssh { sshd-config FILE; } } }`, which names such a file; see MOVING "
	"in portreeve.conf(5)",
	1},
    {"\tpermitrootlogin no\nMatch User bob\n    X11Forwarding no\n",
	"1:1: error: this is sshd_config's form: write `system { services { "
	"ssh { sshd-config FILE; } } }`, which names such a file; see MOVING "
	"in portreeve.conf(5)",
	1},
    {"[Unit]\nDescription=Telnet\n\n[Socket]\nListenStream=23\n",
	"1:1: error: this is a unit of systemd's: write `system { services { "
	"service NAME { port N; user USER; exec \"PATH ARGUMENTS\"; } } }`; "
	"see MOVING in portreeve.conf(5)",
	1},
    {"# vsftpd\nlisten=NO\nlisten_ipv6=YES\nanonymous_enable=NO\n",
	"2:1: error: this is vsftpd.conf's form: write `system { services { "
	"ftp; } }`; see portreeve.conf(5)",
	1},
    {"<configuration>\n<system>\n</system>\n</configuration>\n",
	"1:1: error: `<...>` is not allowed here: write the statements in "
	"braces, or as `set` lines",
	1},
    {"# FTP\nServerName \"x\"\n<Limit LOGIN>\nDenyAll\n</Limit>\n",
	"2:1: error: this is proftpd.conf's form: write `system { services { "
	"ftp; } }`; see portreeve.conf(5)",
	1},
    {"ALL : LOCAL\nsshd: 192.0.2.0/255.255.255.0\n",
	"1:1: error: this is the form of hosts.allow and hosts.deny, which "
	"stay in files of their own",
	1},
    {"{\n \"system\": { \"services\": { \"ssh\": { } } }\n}\n",
	"1:1: error: this is JSON, or a block without its name: write the "
	"statements in braces, each block behind its name",
	1},
    {"ssh:\n  port: 22\n",
	"1:1: error: no `:` is allowed after `ssh`: write `NAME VALUE;`, or "
	"`NAME { ... }`",
	2},
    {"[ssh]\nport = 22\n",
	"1:1: error: a statement is expected here, not `[`: a line in brackets "
	"is a prompt or a section's header; remove it",
	2},
    {"[edit system services]\nsystem { services { finger; } }\n",
	"1:1: error: a statement is expected here, not `[`: a line in brackets "
	"is a prompt or a section's header; remove it",
	1},
    {"root@r1# set system services finger\nset system services finger\n",
	"1:1: error: this is a prompt: remove it, and begin with what was "
	"typed",
	1},
    {"delete system services telnet\nset system services finger\n",
	"1:1: error: `delete` is not a statement: remove the statement itself",
	1},

    /* Other programs' words, each with its own advice. */
    {SERVICE("only_from = 10.0.0.0/8"),
	"2:1: error: `only_from` is xinetd's: use `allow-source [ NETWORK ... "
	"]`, such as 192.0.2.0/24",
	1},
    {SERVICE("only-from 10.0.0.0/8;\ninstances 5;\ncps 50 30;"),
	"2:1: error: `only-from` is xinetd's: use `allow-source [ NETWORK ... "
	"]`, such as 192.0.2.0/24",
	3},
    {SERVICE("instances = UNLIMITED"),
	"2:1: error: `instances` is xinetd's: use `connection-limit N`, which "
	"counts IPv4 and IPv6 separately",
	1},
    {SERVICE("cps 50 30;"),
	"2:1: error: `cps` is xinetd's: use `rate-limit N`, attempts in any 60 "
	"seconds; the service is never disabled",
	1},
    {SERVICE("banner = /etc/issue.net"),
	"2:1: error: `banner` is xinetd's: there is no equivalent except for "
	"telnet",
	1},
    {SERVICE("socket_type = stream\nserver = /bin/true\ndisable = no\n"
	     "log_on_failure += HOST\nenv = A=B C=D"),
	"2:1: error: `socket_type` is xinetd's: use `protocol tcp` for stream, "
	"`protocol udp` for dgram",
	5},
    {SERVICES("ssh { PermitRootLogin without-password\nPort 22\n"
	      "AllowUsers bob alice\n MaxAuthTries 3\n}"),
	"3:7: error: `PermitRootLogin` is sshd_config's: use `root-login`, "
	"with allow, deny or deny-password",
	4},
    {SERVICES("ssh { max-auth-tries 3; login-grace-time 30; }"),
	"3:7: error: `max-auth-tries` is sshd_config's: a file named by "
	"`sshd-config` can set it",
	2},
    {SERVICES("ssh { hostkey-algorithm-list ssh-rsa; client-alive 3; }"),
	"3:7: error: `hostkey-algorithm-list` is a Junos statement that "
	"Portreeve does not support: use `hostkey-algorithm`, or set "
	"HostKeyAlgorithms with `sshd-option`",
	2},
    {SERVICES("web-management { http { port 80; } }\nfinger;"),
	"3:1: error: `web-management` is a Junos statement that Portreeve does "
	"not support: remove it",
	1},
    {"version 21.4R1.12;\nsystem { host-name r1; services { finger; } }\n"
     "interfaces { lo0 { unit 0 { family inet; } } }\n",
	"1:1: error: `version` is a Junos statement that Portreeve does not "
	"support: remove it",
	3},
    {"set system root-authentication encrypted-password \"$6$x\"\n",
	"1:12: error: `root-authentication` is a Junos statement that "
	"Portreeve does not support: use passwd(1) and root's authorized_keys",
	1},
    {SERVICES("telnet yes;"),
	"3:8: error: `yes` is not a statement: a service's block turns it on, "
	"and `inactive:` before the block turns it off",
	1},
    {SERVICES("inactive finger;"),
	"3:1: error: `inactive` is not a statement: write `inactive:`, with "
	"its colon, before a statement",
	1},

    /* Not closed, or closed twice. */
    {SERVICES("ssh {\n port 22;\ntelnet {\n listen-address ::1;\n}"),
	"3:5: error: the `{` of ssh is not closed before `telnet` (line 5)", 1},
    {SERVICES("   ssh {\n    port 22;"),
	"3:8: error: the `{` of ssh is not closed before `}` (line 5)", 1},
    {"system {\n  services {\n    finger {\n      port 79;\n",
	"3:12: error: the `{` of finger is not closed", 1},
    {"system {\nservices {\nfinger {\nset system services ssh\n",
	"3:8: error: the `{` of finger is not closed before `set` (line 4)", 1},
    {SERVICES("  ssh {\n   port 22;\n  }\n  }\n  finger;"),
	"6:3: error: this `}` has no matching `{`", 1},
    {SERVICES("finger;") "}\n", "6:1: error: this `}` has no matching `{`", 1},
    {SERVICE("environment A \"b;\nnice 5;\nport 0;"),
	"2:15: error: this string has no closing quote on its line", 2},
    {"system { services { service x { port 7; exec \"/bin/true; } } }",
	"1:46: error: this string has no closing quote on its line", 1},
    {SERVICES("telnet { listen-address ::1; banner \"/etc/\nissue\"; "
	      "port 0; }"),
	"3:37: error: this string has no closing quote on its line", 2},
    {SERVICES("ssh { listen-address [ ::1\nport 0; }"),
	"3:22: error: the `[` of listen-address is not closed", 2},
    {"system { services {\n/* ssh { port 22; }\nfinger; } }\n",
	"2:1: error: this comment has no end: close it with */", 1},

    {SERVICES("ssh { port 22; } }\nfinger;"),
	"3:18: error: this `}` has no matching `{`", 1},
    {SERVICES("ssh {{ port 22;\n}\nfinger;"),
	"3:6: error: no block begins with this `{`", 1},
    {SERVICES("ssh\nport 22;\nrate-limit 0;\n}\nfinger;"),
	"3:4: error: `{` is missing after ssh", 2},
    {SERVICES("service a\ninactive: port 5;\nport 7;\nexec /bin/cat;\n}"),
	"3:10: error: `{` is missing after service", 1},
    {SERVICE("exec /bin/cat -u\";\nport 0;"),
	"2:17: error: this closing quote has no opening quote: put one before "
	"the first word",
	2},
    {SERVICE("environment A b c\";\nport 0;"),
	"2:18: error: this closing quote has no opening quote: put one before "
	"the first word",
	2},

    {SERVICE("exec \"\"/bin/cat\";\nport 0;"),
	"2:8: error: characters follow the closing quote: put the whole value "
	"between the quotes",
	2},
    {SERVICE("environment A \"b\"c;\nport 0;"),
	"2:18: error: characters follow the closing quote: put the whole value "
	"between the quotes",
	2},

    /* A `;` that is missing hides nothing. */
    {SERVICE("protocol tcp\nnice 99\numask 9\nfoo bar\nport 0"),
	"2:13: error: `;` is missing after protocol", 8},
    {SERVICES("ssh { port 22 root-login maybe; }"),
	"3:14: error: `;` is missing after port", 2},
    {SERVICES("ssh {\nsftp-server\nrate-limit\nport 0;\n}"),
	"4:12: error: `;` is missing after sftp-server", 3},
    {SERVICES("finger\nssh { port 0; }"),
	"3:7: error: `;` is missing after finger", 2},

    /* Values. */
    {"system { services { service x { port 7;\nexec /usr/bin/cat -u; } } }",
	"2:19: error: exec: put a command of several words in double quotes: "
	"write `exec \"/usr/bin/cat -u\";`",
	1},
    {"set system services service x port 7\n"
     "set system services service x exec /usr/bin/cat -u -v\n",
	"2:49: error: exec: put a command of several words in double quotes: "
	"write `exec \"/usr/bin/cat -u ...\"`",
	1},
    {SERVICE("environment TZ=UTC;"),
	"2:13: error: environment: separate the name and the value: write "
	"`environment TZ VALUE;`",
	1},
    {SERVICE("environment TZ = UTC;"),
	"2:16: error: no `=` is allowed in environment: remove it", 1},
    {SERVICE("nice = 5"), "2:6: error: no `=` is allowed in nice: remove it",
	1},
    {SERVICE("nice=5;"),
	"2:1: error: no `=` is allowed after `nice`: write `nice VALUE;`", 1},
    {"set system services ssh port: 22\n",
	"1:25: error: no `:` is allowed after `port`: write `port VALUE`", 1},
    {SERVICE("user nobody:nogroup;"),
	"2:6: error: user: `nobody:nogroup` is not a name: set a group with "
	"`group`",
	1},
    {SERVICES("ssh { port [ 22 ]; }"),
	"3:12: error: port needs a number, not `[`: it takes no list", 1},
    {SERVICES("telnet { listen-address ::1; idle-timeout 10m; }"),
	"3:43: error: idle-timeout: `10m` is not a decimal number of seconds",
	1},
    {SERVICES("ssh { listen-address *; }"),
	"3:22: error: listen-address: `*` is not an IPv4 or IPv6 address: "
	"without listen-address the service listens on all of both",
	1},
    {SERVICES("ssh { listen-address [ localhost 10.0.0.0/8 ]; }"),
	"3:24: error: listen-address: `localhost` is not an IPv4 or IPv6 "
	"address: write [ 127.0.0.1 ::1 ]",
	2},
    {SERVICES("ssh { listen-address 192.0.2.1:22; }"),
	"3:22: error: listen-address: `192.0.2.1:22` is not an IPv4 or IPv6 "
	"address: set the port with `port`",
	1},
    {SERVICE("rlimit as 8M 8M;"),
	"2:11: error: rlimit: `8M` is neither a number nor unlimited: write "
	"it in full, without a unit",
	2},
    {"system { services { service x { port 7; } } }",
	"1:21: error: service x has no exec: write `exec \"PATH "
	"ARGUMENTS\";`",
	1},
    {SERVICES("ssh { sshd-config \xe2\x80\x9c/etc/x\xe2\x80\x9d; }"),
	"3:19: error: this is a typographic quote: write \"", 2},
    {"system\xc2\xa0{ services; }",
	"1:7: error: this is a no-break space: write a plain one", 1},
    {"// remote access\nsystem { services { finger; } }\n",
	"1:1: error: a comment is from # to the end of the line, or between "
	"/* and */",
	1},

    {SERVICES("telnet { listen-address ::1; banner '/etc/my issue'; }"),
	"3:37: error: banner: put a value with spaces in double quotes, not "
	"single quotes",
	1},
    {SERVICES("ssh { listen-address \"::1\", \"127.0.0.1\"; port 0; }"),
	"3:27: error: no comma is allowed here: write a list as `[ A B ]`", 2},
    {SERVICES("finger { };"),
	"3:11: error: a statement is expected here, not `;`: a `}` has none "
	"after it",
	1},

    /* Warnings alone; errors come before them. */
    {SERVICE("nice 5;\nnice 6;"),
	"3:1: warning: nice is repeated and replaces that of line 2: remove "
	"one of them",
	0},
    {SERVICE("protocol udp;\nwait no;"),
	"3:1: warning: service x: `wait no` has no effect with `protocol "
	"udp`: one program at a time gets the socket; write `wait yes`",
	0},
    {"system { services { service x { port 7;\n"
     "exec \"/bin/cat -u 2>&1 | /bin/tee /x\"; } } }",
	"2:1: warning: exec: no shell reads this: `2>&1` is passed to the "
	"program unchanged; write `/bin/sh -c '...'` for one",
	0},
    {SERVICES("telnet;\nfinger { port 0; }"),
	"4:15: error: port: 0 is out of range 1-65535", 1},
};

static void
expect_sample(const struct sample *s)
{
	struct conf_report report = {0};
	struct conf *conf = NULL;
	char line[1024];

	conf_parse_all(s->text, strlen(s->text), &conf, &report);
	assert_true(report.count > 0);
	conf_diag_text(&report.diags[0], "f", line, sizeof(line));
	if (strcmp(line + 2, s->first) != 0 || report.errors != s->errors) {
		print_message("%s\n", s->text);
		for (size_t i = 0; i < report.count; i++)
			print_message("  %s\n", conf_diag_text(&report.diags[i],
						    "f", line, sizeof(line)));
		print_message("expected %zu: %s\n", s->errors, s->first);
		fail();
	}
	for (size_t i = 0; i < report.count; i++)
		assert_true(strlen(report.diags[i].text) <= LINE_MOST);
	conf_report_clear(&report);
	conf_free(conf);
}

static void
test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		expect_sample(&samples[i]);
}

/* A word between back quotes that has the form of a statement is one. */
static void
expect_advice(const char *text)
{
	const char *at = text + 1;

	/* The first is the other program's own. */
	at = strchr(at, '`') + 1;
	while ((at = strchr(at, '`')) != NULL) {
		char word[64];
		size_t n = strcspn(++at, "` ");

		assert_in_range(n, 1, sizeof(word) - 1);
		memcpy(word, at, n);
		word[n] = '\0';
		if (strcmp(word, "inactive:") != 0 &&
		    strcmp(word, "deactivate") != 0 &&
		    strcmp(word, "set") != 0 && schema_places(word) == 0)
			fail_msg("%s: there is no `%s`", text, word);
		at = strchr(at, '`') + 1;
	}
}

static void
test_advice(void **state)
{
	static const char *const words[] = {
#define OTHER(owner, word, ...) word,
#include "conf/others.def"
#undef OTHER
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (int in = BLOCK_ROOT; in < BLOCK_COUNT; in++) {
			char text[CONF_MESSAGE_MAX];

			if (other_find((enum conf_block_id)in, words[i]) ==
			    OTHER_NONE)
				continue;
			other_text((enum conf_block_id)in, words[i], text,
			    sizeof(text));
			assert_true(strlen(text) <= LINE_MOST);
			expect_advice(text);
		}
	}
}

/* What looks a little like another's file, and is ours. */
/* A service may have a name that is a word of inetd.conf's. */
static void
test_stream(void **state)
{
	struct parsed p;

	(void)state;
	p = parse_ok("system { services {\n"
		     "service stream { wait yes; port 7; exec /bin/cat; }\n"
		     "service dgram { wait no; port 8; exec /bin/cat; }\n"
		     "} }");
	assert_int_equal(p.conf->service_count, 2);
	assert_int_equal(p.report.count, 0);
	parsed_free(&p);
}

static void
test_ours(void **state)
{
	static const char *const texts[] = {"", "\n# set system\n",
	    "service tftp {", "service tftp {\n}", "service", "defaults",
	    "stream stream tcp", "a stream tcp later x y", "port 22;",
	    "Port 22 {", "permit no", "[Unit", "listen", "listening=YES",
	    "inactive: system", "system: { }",
	    "system :", "ssh:", "service stream { wait yes; port 7; }",
	    "system stream tcp { nowait", "set system services stream"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		unsigned line;

		if (other_form(texts[i], strlen(texts[i]), &line) != OTHER_NONE)
			fail_msg("another's: %s", texts[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_samples),
	    cmocka_unit_test(test_advice),
	    cmocka_unit_test(test_stream),
	    cmocka_unit_test(test_ours),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
