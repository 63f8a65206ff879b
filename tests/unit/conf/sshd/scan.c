/*
 * The system's sshd_config, hosts.allow and hosts.deny, as fixtures: which
 * lines are warned about, where, and which of our statements quiet them.
 */
#include <sys/stat.h>

#include <unistd.h>

#include "conf/sshd/sshd.h"
#include "tests/stage/conf.h"

static char folder[] = "/tmp/portreeve-scan.XXXXXX";
static char config[64], dropin[64], allow[64], deny[64], ours[64], below[64];

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return (-1);
	snprintf(config, sizeof(config), "%s/sshd_config", folder);
	snprintf(below, sizeof(below), "%s/sshd_config.d", folder);
	snprintf(dropin, sizeof(dropin), "%s/sshd_config.d/A.conf", folder);
	snprintf(allow, sizeof(allow), "%s/hosts.allow", folder);
	snprintf(deny, sizeof(deny), "%s/hosts.deny", folder);
	snprintf(ours, sizeof(ours), "%s/ours", folder);
	return (mkdir(below, 0700));
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(config);
	unlink(dropin);
	unlink(allow);
	unlink(deny);
	unlink(ours);
	rmdir(below);
	return (rmdir(folder));
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct parsed
scan(const char *services)
{
	const struct sshd_scan_paths paths = {
	    .sshd_config = config, .hosts_allow = allow, .hosts_deny = deny};
	struct parsed p = services_ok(services);

	sshd_scan(p.conf, &paths, &p.report);
	assert_int_equal(p.report.errors, 0);
	return (p);
}

/* How many warnings one line of sshd_config makes. */
static size_t
warnings(const char *services, const char *line)
{
	struct parsed p;
	size_t n;

	write_file(config, line);
	p = scan(services);
	n = p.report.count;
	if (n > 0)
		assert_non_null(
		    strstr(p.report.diags[0].text, "not carried over"));
	parsed_free(&p);
	return (n);
}

static void
test_restricting(void **state)
{
	static const char *const lines[] = {"AllowUsers a b",
	    "DenyUsers mallory", "allowgroups ssh", "DENYGROUPS x",
	    "Match User x", "ChrootDirectory /srv", "ForceCommand /bin/true",
	    "AuthenticationMethods publickey", "MaxAuthTries 2",
	    "PasswordAuthentication no", "PasswordAuthentication=no",
	    "  PasswordAuthentication \"no\"  ", "PubkeyAuthentication no",
	    "KbdInteractiveAuthentication no",
	    "ChallengeResponseAuthentication no", "PermitRootLogin no",
	    "AllowTcpForwarding no", "AllowTcpForwarding local",
	    "DisableForwarding yes", "ListenAddress 127.0.0.1",
	    "Ciphers aes256-ctr", "LoginGraceTime 10", "MaxSessions 1",
	    "\"PasswordAuthentication\" no", "PasswordAuthentication no\r\n",
	    "PermitTTY no", "\tDenyUsers\tx",
	    /* What users or administrators get otherwise. */
	    "AuthorizedKeysCommand /usr/bin/keys", "TrustedUserCAKeys /etc/ca",
	    "StrictModes no", "GSSAPIAuthentication yes", "Banner /etc/issue",
	    "X11Forwarding yes", "AddressFamily inet", "Port 2200",
	    "HostKey /etc/ssh/other_key", "UsePAM no", "PrintMotd yes",
	    "Subsystem sftp /usr/lib/openssh/sftp-server",
	    "Subsystem other /usr/bin/other", "AcceptEnv EDITOR",
	    "PermitRootLogin yes", "PermitEmptyPasswords yes", "UseDNS yes",
	    "GatewayPorts yes", "HostCertificate /etc/c", "SetEnv A=b",
	    "KeywordOfTomorrow x", "RekeyLimit 1G 1h", "MaxSessions 20"};
	static const char *const harmless[] = {"", "\n", "# DenyUsers x",
	    "  # Match all", "PasswordAuthentication yes",
	    "PubkeyAuthentication yes", "UsePAM yes", "X11Forwarding no",
	    "X11Forwarding no # none here", "StrictModes yes", "Banner none",
	    "HostKey /etc/ssh/ssh_host_rsa_key", "AddressFamily any",
	    "PermitRootLogin prohibit-password", "LoginGraceTime 2m",
	    "AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2",
	    "MaxSessions 10", "ClientAliveInterval 0",
	    /* They do nothing under -i, or for their age. */
	    "MaxStartups 10:30:60", "PerSourceMaxStartups 3",
	    "PerSourcePenalties yes", "PidFile /run/sshd.pid", "Protocol 2",
	    "LogLevel INFO", "SyslogFacility AUTH", "PrintMotd no",
	    "AcceptEnv LANG LC_*", "AllowTcpForwarding yes", "Port 22",
	    "Include none.d/*.conf"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (warnings("ssh;", lines[i]) != 1)
			print_message("%s\n", lines[i]);
		assert_int_equal(warnings("ssh;", lines[i]), 1);
	}
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		assert_int_equal(warnings("ssh;", harmless[i]), 0);
}

/* What our own statements say as well is carried over. */
static void
test_carried(void **state)
{
	static const struct {
		const char *ssh, *line;
		size_t warnings;
	} all[] = {
	    {"no-passwords;", "PasswordAuthentication no", 0},
	    {"no-password-authentication;", "PasswordAuthentication no", 0},
	    {"no-challenge-response;", "PasswordAuthentication no", 1},
	    {"no-challenge-response;", "KbdInteractiveAuthentication no", 0},
	    {"no-passwords;", "KbdInteractiveAuthentication no", 0},
	    {"no-public-keys;", "PubkeyAuthentication no", 0},
	    {"root-login deny;", "PermitRootLogin no", 0},
	    {"", "PermitRootLogin prohibit-password", 0},
	    {"", "PermitRootLogin no", 1},
	    {"root-login deny;", "PermitRootLogin yes", 0},
	    {"root-login allow;", "PermitRootLogin yes", 0},
	    {"root-login deny-password;", "PermitRootLogin yes", 0},
	    {"root-login allow;", "PermitRootLogin forced-commands-only", 1},
	    {"sftp-server;", "Subsystem sftp /usr/lib/sftp-server", 0},
	    {"port 2222;", "Port 2222", 0},
	    {"port 2222;", "Port 22", 1},
	    {"listen-address 127.0.0.1;", "AddressFamily inet", 0},
	    {"pam-service mine;", "PAMServiceName mine", 0},
	    {"client-alive-count-max 2;", "ClientAliveCountMax 5", 0},
	    {"", "ClientAliveCountMax 5", 1},
	    {"no-tcp-forwarding;", "X11Forwarding yes", 0},
	    {"root-login allow;", "PermitRootLogin prohibit-password", 1},
	    {"", "PermitRootLogin forced-commands-only", 1},
	    {"no-tcp-forwarding;", "AllowTcpForwarding no", 0},
	    {"no-tcp-forwarding;", "DisableForwarding yes", 0},
	    {"max-sessions-per-connection 3;", "MaxSessions 3", 0},
	    {"max-sessions-per-connection 4;", "MaxSessions 3", 1},
	    {"listen-address ::1;", "ListenAddress ::1", 0},
	    {"ciphers aes256-ctr;", "Ciphers aes256-ctr", 0},
	    {"ciphers aes256-ctr;", "Ciphers aes256-ctr,aes128-ctr", 0},
	    {"ciphers aes256-ctr;", "Ciphers +aes128-cbc", 0},
	    {"ciphers [ aes256-ctr aes128-ctr ];", "Ciphers aes256-ctr", 1},
	    {"", "MACs hmac-sha2-512", 1},
	    {"no-passwords; inactive: no-public-keys;",
		"PubkeyAuthentication no", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char services[256];

		snprintf(services, sizeof(services), "ssh { %s }", all[i].ssh);
		assert_int_equal(
		    warnings(services, all[i].line), all[i].warnings);
	}
	assert_int_equal(warnings("finger;", "DenyUsers x"), 0);
	assert_int_equal(warnings("inactive: ssh;", "DenyUsers x"), 0);
}

/* Each warning names its file and line, through Include too. */
static void
test_places(void **state)
{
	char line[600], want[128];
	struct parsed p;

	(void)state;
	write_file(config, "# first\nInclude sshd_config.d/*.conf\n\n"
			   "DenyUsers a\n");
	write_file(dropin, "UsePAM yes\nAllowUsers b\n");
	p = scan("ssh;");
	assert_int_equal(p.report.count, 2);
	snprintf(
	    want, sizeof(want), "%s:2:1: warning: `allowusers b` ", dropin);
	conf_diag_text(&p.report.diags[0], "c", line, sizeof(line));
	assert_memory_equal(line, want, strlen(want));
	snprintf(want, sizeof(want), "%s:4:1: warning: `denyusers a` ", config);
	conf_diag_text(&p.report.diags[1], "c", line, sizeof(line));
	assert_memory_equal(line, want, strlen(want));
	parsed_free(&p);
	unlink(dropin);
}

/* A file that includes itself ends, and says so. */
static void
test_loop(void **state)
{
	struct parsed p;

	(void)state;
	write_file(config, "Include sshd_config sshd_config\nDenyUsers x\n");
	p = scan("ssh;");
	assert_in_range(p.report.count, 2, 1000);
	parsed_free(&p);
}

static void
test_our_file(void **state)
{
	char services[128];

	(void)state;
	write_file(ours, "denyusers  x\nMaxAuthTries 2\n");
	snprintf(services, sizeof(services), "ssh { sshd-config %s; }", ours);
	assert_int_equal(warnings(services, "DenyUsers x"), 0);
	assert_int_equal(warnings(services, "MaxAuthTries 2"), 0);
	assert_int_equal(warnings(services, "DenyUsers y"), 1);
	assert_int_equal(warnings(services, "DenyUsers"), 1);
	unlink(ours);
}

static void
test_hosts(void **state)
{
	static const struct {
		const char *text;
		unsigned line; /* 0: no warning */
	} all[] = {{"", 0}, {"# sshd: ALL\n\n  # x\n", 0}, {"ALL: ALL\n", 1},
	    {"# c\n\nsshd: 192.0.2.\nALL: ALL\n", 3}};

	(void)state;
	write_file(config, "");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct parsed p;

		write_file(deny, all[i].text);
		p = scan("finger;");
		assert_int_equal(p.report.count, all[i].line != 0);
		if (all[i].line != 0) {
			assert_int_equal(
			    p.report.diags[0].pos.line, all[i].line);
			assert_string_equal(p.report.diags[0].file, deny);
		}
		parsed_free(&p);
		p = scan("");
		assert_int_equal(p.report.count, 0);
		parsed_free(&p);
	}
	write_file(allow, "ALL: ALL\n");
	assert_int_equal(unlink(deny), 0);
	{
		struct parsed p = scan("ssh;");

		assert_int_equal(p.report.count, 1);
		assert_string_equal(p.report.diags[0].file, allow);
		parsed_free(&p);
	}
	unlink(allow);
}

/* Neither a FIFO nor what is missing stops anything. */
static void
test_odd_files(void **state)
{
	struct parsed p;

	(void)state;
	unlink(config);
	p = scan("ssh;");
	assert_int_equal(p.report.count, 0);
	parsed_free(&p);
	assert_int_equal(mkfifo(config, 0600), 0);
	p = scan("ssh;");
	assert_int_equal(p.report.count, 1);
	assert_non_null(strstr(p.report.diags[0].text, "not checked"));
	parsed_free(&p);
	unlink(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_restricting),
	    cmocka_unit_test(test_carried),
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_loop),
	    cmocka_unit_test(test_our_file),
	    cmocka_unit_test(test_hosts),
	    cmocka_unit_test(test_odd_files),
	};

	return (cmocka_run_group_tests(tests, make_folder, remove_folder));
}
