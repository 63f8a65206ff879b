/* Our words as sshd's: line by line, and with an sshd-config FILE. */
#include "conf/schema.h"
#include "conf/sshd/sshd.h"
#include "lib/err.h"
#include "tests/stage/conf.h"

static const char *const keys[] = {
    "/var/lib/portreeve/host_ed25519", "/var/lib/portreeve/host rsa"};

static const struct sshd_params params = {
    .version = {9, 2},
    .pam = true,
    .pam_service = "sshd",
    .host_keys = keys,
    .host_key_count = 2,
};

struct written {
	struct parsed parsed;
	char *text;
};

static struct written
write_with(const char *services, const struct sshd_params *with)
{
	struct written w = {.parsed = services_ok(services)};

	assert_int_equal(
	    sshd_render(w.parsed.conf, conf_find_service(w.parsed.conf, "ssh"),
		with, &w.text),
	    0);
	return (w);
}

static void
written_free(struct written *w)
{
	free(w->text);
	parsed_free(&w->parsed);
}

/* Whether a whole line is in a text. */
static bool
has(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = text; (p = strstr(p, line)) != NULL; p++) {
		if ((p == text || p[-1] == '\n') && p[n] == '\n')
			return (true);
	}
	return (false);
}

static void
expect_line(const char *services, const char *comment, const char *line)
{
	struct written w = write_with(services, &params);
	char both[256];

	snprintf(both, sizeof(both), "# %s\n%s", comment, line);
	if (!has(w.text, both))
		print_message("%s\nlacks: %s\n", w.text, both);
	assert_true(has(w.text, both));
	written_free(&w);
}

static void
expect_none(const char *services, const char *keyword)
{
	struct written w = write_with(services, &params);

	assert_null(strstr(w.text, keyword));
	written_free(&w);
}

#define KEYS(command)                                                          \
	"authorized-keys-command " command                                     \
	"; authorized-keys-command-user keys;"
#define CA "trusted-user-ca-key-file /etc/ca;"

/* One line per statement, below a comment that names it. */
static void
test_statements(void **state)
{
	static const struct {
		const char *said, *statement, *line;
	} all[] = {
	    {"", "root-login", "PermitRootLogin prohibit-password"},
	    {"root-login deny;", "root-login", "PermitRootLogin no"},
	    {"root-login allow;", "root-login", "PermitRootLogin yes"},
	    {"sftp-server;", "sftp-server", "Subsystem sftp internal-sftp"},
	    {"no-passwords;", "no-passwords", "PasswordAuthentication no"},
	    {"no-passwords;", "no-passwords",
		"KbdInteractiveAuthentication no"},
	    {"no-password-authentication;", "no-password-authentication",
		"PasswordAuthentication no"},
	    {"no-challenge-response;", "no-challenge-response",
		"KbdInteractiveAuthentication no"},
	    {"no-public-keys;", "no-public-keys", "PubkeyAuthentication no"},
	    {"tcp-forwarding;", "tcp-forwarding", "AllowTcpForwarding yes"},
	    {"no-tcp-forwarding;", "no-tcp-forwarding",
		"AllowTcpForwarding no"},
	    {"no-tcp-forwarding;", "no-tcp-forwarding",
		"DisableForwarding yes"},
	    {"no-tcp-forwarding;", "no-tcp-forwarding", "PermitTunnel no"},
	    {"client-alive-interval 20;", "client-alive-interval",
		"ClientAliveInterval 20"},
	    {"client-alive-count-max 0;", "client-alive-count-max",
		"ClientAliveCountMax 0"},
	    {"max-sessions-per-connection 1;", "max-sessions-per-connection",
		"MaxSessions 1"},
	    {"ciphers aes256-ctr;", "ciphers", "Ciphers aes256-ctr"},
	    {"macs [ hmac-sha2-256 umac-64-etm@openssh.com ];", "macs",
		"MACs hmac-sha2-256,umac-64-etm@openssh.com"},
	    {"key-exchange [ group-exchange-sha2 curve25519-sha256 ];",
		"key-exchange",
		"KexAlgorithms diffie-hellman-group-exchange-sha256,"
		"curve25519-sha256"},
	    {"rekey { data-limit 51200; }", "rekey", "RekeyLimit 51200 none"},
	    {"rekey { time-limit 1440; }", "rekey", "RekeyLimit default 1440m"},
	    {"rekey { data-limit 4294967295; time-limit 1; }", "rekey",
		"RekeyLimit 4294967295 1m"},
	    {"hostkey-algorithm { no-ssh-rsa; no-ssh-ecdsa; }",
		"hostkey-algorithm", "HostKeyAlgorithms ssh-ed25519"},
	    {"hostkey-algorithm { no-ssh-ed25519; no-ssh-ecdsa; ssh-dss; }",
		"hostkey-algorithm",
		"HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256,ssh-dss"},
	    {"hostkey-algorithm { no-ssh-rsa; no-ssh-ecdsa; } "
	     "host-certificate-file /c;",
		"hostkey-algorithm",
		"HostKeyAlgorithms ssh-ed25519,"
		"ssh-ed25519-cert-v01@openssh.com"},
	    {"host-certificate-file \"/a b\";", "host-certificate-file",
		"HostCertificate \"/a b\""},
	    {"fingerprint-hash sha2-256;", "fingerprint-hash",
		"FingerprintHash sha256"},
	    {"fingerprint-hash md5;", "fingerprint-hash",
		"FingerprintHash md5"},
	    {KEYS("/bin/k"), "authorized-keys-command",
		"AuthorizedKeysCommand /bin/k %u"},
	    {KEYS("\"/bin/k -u %u %f\""), "authorized-keys-command",
		"AuthorizedKeysCommand /bin/k -u %u %f"},
	    {KEYS("/bin/k"), "authorized-keys-command-user",
		"AuthorizedKeysCommandUser keys"},
	    {"trusted-user-ca-key-file /etc/ca;", "trusted-user-ca-key-file",
		"TrustedUserCAKeys /etc/ca"},
	    {CA "authorized-principals-file /p/%u;",
		"authorized-principals-file", "AuthorizedPrincipalsFile /p/%u"},
	    {CA "authorized-principals-file p/%u;",
		"authorized-principals-file",
		"AuthorizedPrincipalsFile /var/etc/p/%u"},
	    {CA "authorized-principals-command /bin/p;",
		"authorized-principals-command",
		"AuthorizedPrincipalsCommand /bin/p %u"},
	    {CA "authorized-principals-command /bin/p;",
		"authorized-principals-command",
		"AuthorizedPrincipalsCommandUser nobody"},
	    {"", "max-pre-authentication-packets",
		"LogVerbose packet.c:ssh_packet_read_poll2():*,"
		"auth2-pubkey.c:userauth_pubkey():*"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char text[256];

		assert_true(schema_knows(BLOCK_SSH, all[i].statement));
		snprintf(text, sizeof(text), "ssh { %s }", all[i].said);
		expect_line(text, all[i].statement, all[i].line);
	}
}

/* What was not said is sshd's own to choose. */
static void
test_unsaid(void **state)
{
	static const char *const keywords[] = {"PasswordAuthentication",
	    "KbdInteractive", "PubkeyAuthentication", "Forwarding",
	    "ClientAlive", "MaxSessions", "Subsystem", "Include", "Port",
	    "AddressFamily", "X11"};

	(void)state;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		expect_none("ssh;", keywords[i]);
	expect_none("ssh { inactive: no-passwords; inactive: "
		    "client-alive-interval 3; }",
	    "PasswordAuthentication");
	expect_none(
	    "ssh { inactive: client-alive-interval 3; }", "ClientAlive");
}

static void
test_host(void **state)
{
	struct written w = write_with("ssh;", &params);

	(void)state;
	assert_true(has(w.text, "HostKey \"/var/lib/portreeve/host_ed25519\""));
	assert_true(has(w.text, "HostKey \"/var/lib/portreeve/host rsa\""));
	assert_true(has(w.text, "PidFile none"));
	assert_true(has(w.text, "UsePAM yes"));
	assert_true(has(w.text, "PrintMotd no"));
	assert_true(has(w.text, "LogLevel VERBOSE"));
	assert_true(has(w.text, "AcceptEnv LANG LC_*"));
	written_free(&w);
	w = write_with("ssh; netconf { subsystem \"/bin/nc -x\"; }", &params);
	assert_true(has(w.text, "Subsystem netconf /bin/nc -x"));
	written_free(&w);
}

/* sshd refuses what it does not know, so its version is heeded. */
static void
test_versions(void **state)
{
	static const struct {
		unsigned major, minor;
		bool service, verbose;
	} versions[] = {{8, 4, false, false}, {8, 5, false, true},
	    {9, 2, false, true}, {9, 7, false, true}, {9, 8, true, true},
	    {10, 0, true, true}};

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct sshd_params p = params;
		struct written w;

		p.version.major = versions[i].major;
		p.version.minor = versions[i].minor;
		w = write_with("ssh;", &p);
		assert_true(
		    has(w.text, "PAMServiceName sshd") == versions[i].service);
		assert_true((strstr(w.text, "LogVerbose") != NULL) ==
			    versions[i].verbose);
		written_free(&w);
	}
}

static void
test_without_pam(void **state)
{
	struct sshd_params p = params;
	struct written w;

	(void)state;
	p.version.minor = 9;
	p.pam = false;
	w = write_with("ssh;", &p);
	assert_true(has(w.text, "UsePAM no"));
	assert_true(has(w.text, "PasswordAuthentication no"));
	assert_true(has(w.text, "KbdInteractiveAuthentication no"));
	assert_null(strstr(w.text, "PAMServiceName"));
	assert_null(strstr(w.text, "PrintMotd"));
	written_free(&w);
}

/* FILE comes first: sshd takes the first value, and so the stricter one. */
static void
test_file(void **state)
{
	struct sshd_params with = params;
	struct written w;

	(void)state;
	w = write_with("ssh { sshd-config \"/etc/my sshd\"; }", &params);
	assert_null(strstr(w.text, "Include"));
	written_free(&w);
	with.file_path = "/run/portreeve/sshd_file.1.0";
	w = write_with("ssh { sshd-config \"/etc/my sshd\"; }", &with);
	assert_ptr_equal(strstr(w.text, "\n# sshd-config\n"
					"Include \"/run/portreeve/"
					"sshd_file.1.0\"\n"),
	    strchr(w.text, '\n'));
	written_free(&w);
}

/* Of our own lines the nearest comes first. */
static void
test_options(void **state)
{
	struct sshd_params with = params;
	struct written w;

	(void)state;
	with.option_path = "/run/portreeve/sshd_file.1.0";
	with.file_path = "/run/portreeve/sshd_file.1.1";
	w = write_with(
	    "ssh { sshd-config /x; sshd-option \"MaxAuthTries 3\"; }", &with);
	assert_ptr_equal(strstr(w.text, "\n# sshd-option\n"
					"Include \"/run/portreeve/"
					"sshd_file.1.0\"\n"
					"# sshd-config\n"
					"Include \"/run/portreeve/"
					"sshd_file.1.1\"\n"),
	    strchr(w.text, '\n'));
	written_free(&w);
}

/* What is said of the defaults says nothing. */
static void
test_hostkeys_default(void **state)
{
	(void)state;
	expect_none("ssh { hostkey-algorithm { ssh-rsa; ssh-ecdsa; "
		    "ssh-ed25519; no-ssh-dss; } }",
	    "HostKeyAlgorithms");
	expect_none("ssh { inactive: hostkey-algorithm { no-ssh-rsa; } }",
	    "HostKeyAlgorithms");
	expect_none("ssh { inactive: rekey { time-limit 1; } }", "RekeyLimit");
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {
	    "relative", "/a\"b", "/a\nb", "/a*", "/a\\b", "/a%u"};
	struct parsed p = services_ok(
	    "ssh { sshd-config /x; } telnet { listen-address ::1; }");
	const struct conf_service *ssh = conf_find_service(p.conf, "ssh");
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sshd_params with = params;

		with.file_path = bad[i];
		assert_int_equal(
		    sshd_render(p.conf, ssh, &with, &text), ERR_VALUE);
		assert_null(text);
		with = params;
		with.option_path = bad[i];
		assert_int_equal(
		    sshd_render(p.conf, ssh, &with, &text), ERR_VALUE);
		with = params;
		with.host_keys = &bad[i];
		with.host_key_count = 1;
		assert_int_equal(
		    sshd_render(p.conf, ssh, &with, &text), ERR_VALUE);
	}
	assert_int_equal(
	    sshd_render(
		p.conf, conf_find_service(p.conf, "telnet"), &params, &text),
	    ERR_UNSUPPORTED);
	parsed_free(&p);
}

static void
test_parse_version(void **state)
{
	struct sshd_version v;

	(void)state;
	assert_int_equal(sshd_parse_version("unknown option -- V\n"
					    "OpenSSH_9.2p1 Debian-2+deb12u3, "
					    "OpenSSL 3.0.14",
			     &v),
	    0);
	assert_int_equal(v.major, 9);
	assert_int_equal(v.minor, 2);
	assert_int_equal(sshd_parse_version("SSH-2.0-OpenSSH_10.0", &v), 0);
	assert_int_equal(v.major, 10);
	assert_int_equal(v.minor, 0);
	assert_int_equal(sshd_parse_version("", &v), ERR_SYNTAX);
	assert_int_equal(sshd_parse_version("OpenSSH_", &v), ERR_SYNTAX);
	assert_int_equal(sshd_parse_version("OpenSSH_9", &v), ERR_SYNTAX);
	assert_int_equal(sshd_parse_version("OpenSSH_x.1", &v), ERR_SYNTAX);
	assert_int_equal(sshd_parse_version("dropbear_9.2", &v), ERR_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_statements),
	    cmocka_unit_test(test_unsaid),
	    cmocka_unit_test(test_host),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_without_pam),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_hostkeys_default),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_parse_version),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
