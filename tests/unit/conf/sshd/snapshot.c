/*
 * Copies of an sshd-config FILE: what is left out, how includes become copies
 * and blocks, and which files are refused; and the orders by which they are
 * judged.
 */
#include <sys/stat.h>

#include <unistd.h>

#include "conf/sshd/order.h"
#include "conf/sshd/snapshot.h"
#include "lib/err.h"
#include "tests/stage/conf.h"

static char folder[] = "/tmp/portreeve-snapshot-XXXXXX";
static char file[64], one[64], two[64];

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

struct taken {
	struct parsed parsed;
	struct snapshot *snap;
	int err;
};

static struct taken
take(const char *statements)
{
	static const char *const keys[] = {"/etc/ssh/ssh_host_ed25519_key"};
	char services[256];
	struct taken t = {.err = 0};
	struct snapshot_params p = {.host_keys = keys,
	    .host_key_count = 1,
	    .folder = folder,
	    .copies = "/run/copy",
	    .uid = geteuid(),
	    .pam = true};

	snprintf(services, sizeof(services), "ssh { sshd-config %s; %s }", file,
	    statements);
	t.parsed = services_ok(services);
	p.ssh = service_of(&t.parsed, "ssh");
	t.err = snapshot_read(t.parsed.conf, &p, &t.snap, &t.parsed.report);
	assert_true((t.err == 0) == (t.snap != NULL));
	assert_true((t.err == 0) == (t.parsed.report.errors == 0));
	return (t);
}

static void
taken_free(struct taken *t)
{
	snapshot_free(t->snap);
	parsed_free(&t->parsed);
}

/* One line: whether it stays, and whether a warning is said. */
static void
test_left_out(void **state)
{
	static const struct {
		const char *line, *statements;
		bool stays, warned;
	} all[] = {
	    {"AllowUsers alice", "", true, false},
	    {"Port 22", "", false, false},
	    {"Port=2222", "", false, true},
	    {"Port 2222", "port 2222;", false, false},
	    {"ListenAddress 127.0.0.1", "", false, true},
	    {"AddressFamily any", "", false, false},
	    {"AddressFamily inet", "", false, true},
	    {"PidFile /run/sshd.pid", "", false, false},
	    {"UsePAM yes", "", false, false},
	    {"usepam no", "", false, true},
	    {"PAMServiceName sshd", "", false, false},
	    {"PAMServiceName other", "", false, true},
	    {"LogLevel INFO", "", false, false},
	    {"LogLevel QUIET", "", false, true},
	    {"\"LogLevel\" QUIET", "", false, true},
	    {"LogVerbose kex.c:*:1000", "", false, true},
	    {"HostKey /etc/ssh/ssh_host_ed25519_key", "", false, false},
	    {"HostKey \"/etc/ssh/ssh_host_ed25519_key\"", "", false, false},
	    {"HostKey /etc/ssh/other", "", false, true},
	    {"HostCertificate /etc/ssh/other", "", true, false},
	    {"Subsystem sftp /usr/lib/openssh/sftp-server", "", false, true},
	    {"Subsystem sftp /usr/lib/openssh/sftp-server", "sftp-server;",
		false, false},
	    {"Subsystem sftp internal-sftp # all", "sftp-server;", false,
		false},
	    {"Subsystem sftp internal-sftp -R", "sftp-server;", false, true},
	    {"Subsystem netconf /usr/bin/n", "", false, true},
	    {"Subsystem other /usr/bin/n", "", true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char text[128];
		struct taken t;

		snprintf(text, sizeof(text), "# first\n  %s\n", all[i].line);
		write_file(file, text);
		t = take(all[i].statements);
		if (t.snap->line_count != all[i].stays ||
		    t.parsed.report.count != all[i].warned)
			print_message("%s\n", all[i].line);
		assert_int_equal(t.snap->line_count, all[i].stays);
		assert_int_equal(t.parsed.report.count, all[i].warned);
		if (all[i].warned) {
			assert_int_equal(t.parsed.report.diags[0].pos.line, 2);
			assert_string_equal(
			    t.parsed.report.diags[0].file, file);
		}
		assert_int_equal(strncmp(t.snap->files[0].text + 8,
				     all[i].stays ? "  " : "# left out: ",
				     all[i].stays ? 2 : 12),
		    0);
		taken_free(&t);
	}
}

/* An included file belongs to the block that it is in; its Match ends in it. */
static void
test_blocks(void **state)
{
	static const unsigned blocks[] = {0, 1, 2, 1, 3};
	struct taken t;

	(void)state;
	write_file(one, "X11Forwarding no\nMatch User b\nPermitTTY no\n");
	write_file(two, "");
	write_file(file, "AllowUsers a\nMatch User a\nInclude one two none*\n"
			 "MaxSessions 3\nMatch all\n\n  MaxSessions 4");
	t = take("");
	assert_int_equal(t.err, 0);
	assert_int_equal(t.snap->file_count, 3);
	assert_int_equal(t.snap->block_count, 4);
	assert_int_equal(t.snap->line_count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(t.snap->lines[i].block, blocks[i]);
	assert_string_equal(t.snap->lines[2].text, "PermitTTY no");
	assert_int_equal(t.snap->lines[2].file, 1);
	assert_int_equal(t.snap->lines[2].number, 3);
	assert_int_equal(t.snap->lines[4].file, 0);
	assert_int_equal(t.snap->lines[4].number, 7);
	assert_string_equal(t.snap->files[0].text,
	    "AllowUsers a\nMatch User a\n"
	    "Include \"/run/copy.1\" \"/run/copy.2\"\n"
	    "MaxSessions 3\nMatch all\n\n  MaxSessions 4\n");
	assert_string_equal(t.snap->files[1].path, one);
	taken_free(&t);
	write_file(file, "Include none*\r\nMaxSessions 3\r\n");
	t = take("");
	assert_string_equal(
	    t.snap->files[0].text, "# Include of no file\nMaxSessions 3\n");
	taken_free(&t);
}

static void
refused(const char *path, unsigned line, const char *words)
{
	struct taken t = take("");

	assert_int_equal(t.err, ERR_VALUE);
	assert_non_null(strstr(t.parsed.report.diags[0].text, words));
	if (line > 0) {
		assert_string_equal(t.parsed.report.diags[0].file, path);
		assert_int_equal(t.parsed.report.diags[0].pos.line, line);
	}
	taken_free(&t);
}

static void
test_refused(void **state)
{
	(void)state;
	write_file(file, "\nInclude one\n");
	write_file(one, "");
	assert_int_equal(chmod(one, 0666), 0);
	refused(file, 2, "users other than its owner can write");
	unlink(one);
	assert_int_equal(mkdir(one, 0755), 0);
	refused(file, 2, "not a regular file");
	rmdir(one);
	/* A file that includes itself ends. */
	write_file(one, "Include one\n");
	refused(one, 1, "too deep");
	write_file(file, "");
	assert_int_equal(chmod(folder, 0777), 0);
	refused(file, 0, "users other than its owner can write to the folder");
	assert_int_equal(chmod(folder, 0755), 0);
	unlink(file);
	refused(file, 0, "No such file");
}

static void
test_order(void **state)
{
	static const struct {
		const char *keyword, *ours, *theirs;
		bool looser;
	} all[] = {
	    {"permitrootlogin", "no", "without-password", true},
	    {"permitrootlogin", "without-password", "yes", true},
	    {"permitrootlogin", "without-password", "prohibit-password", false},
	    {"permitrootlogin", "without-password", "forced-commands-only",
		false},
	    {"permitrootlogin", "forced-commands-only", "without-password",
		true},
	    {"permitrootlogin", "yes", "no", false},
	    {"permitrootlogin", "yes", "whatever", true},
	    {"passwordauthentication", "no", "yes", true},
	    {"passwordauthentication", "yes", "no", false},
	    {"allowtcpforwarding", "yes", "local", false},
	    {"allowtcpforwarding", "no", "local", true},
	    {"allowtcpforwarding", "remote", "local", true},
	    {"disableforwarding", "yes", "no", true},
	    {"disableforwarding", "no", "yes", false},
	    {"permittunnel", "no", "ethernet", true},
	    {"clientaliveinterval", "20", "0", true},
	    {"clientaliveinterval", "20", "21", true},
	    {"clientaliveinterval", "20", "19", false},
	    {"clientaliveinterval", "0", "19", false},
	    {"clientalivecountmax", "3", "0", true},
	    {"maxsessions", "3", "0", false},
	    {"maxsessions", "3", "4", true},
	    {"rekeylimit", "1000 60", "0 60", true},
	    {"rekeylimit", "1000 60", "900 0", true},
	    {"rekeylimit", "1000 60", "900 60", false},
	    {"ciphers", "a,b,c", "c,a", false},
	    {"ciphers", "a,b,c", "c,d", true},
	    {"ciphers", "a,b,c", "", true},
	    {"ciphers", "ab", "a", true},
	    {"trustedusercakeys", "/a", "none", false},
	    {"trustedusercakeys", "/a", "/b", true},
	    {"banner", "/a", "/b", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (order_is_looser(all[i].keyword, all[i].ours,
			all[i].theirs) != all[i].looser)
			print_message("%s %s %s\n", all[i].keyword, all[i].ours,
			    all[i].theirs);
		assert_int_equal(
		    order_is_looser(all[i].keyword, all[i].ours, all[i].theirs),
		    all[i].looser);
	}
}

static void
test_stated(void **state)
{
	static const char text[] = "# head\n# root-login\nPermitRootLogin no\n"
				   "# limit\nMaxSessions 3\nUsePAM yes\n";
	const char *statement;
	char *value;
	size_t n;

	(void)state;
	assert_string_equal(
	    order_stated(text, 0, &statement, &n), "maxsessions");
	assert_memory_equal(statement, "limit", n);
	assert_string_equal(
	    order_stated(text, 1, &statement, &n), "permitrootlogin");
	assert_int_equal(n, 10);
	assert_memory_equal(statement, "root-login", n);
	assert_null(order_stated(text, 2, &statement, &n));
	value = order_value(
	    "a b\npermitrootlogin without-password\n", "permitrootlogin");
	assert_string_equal(value, "without-password");
	free(value);
	assert_null(order_value("a b\n", "b"));
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0)
		return (-1);
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(one, sizeof(one), "%s/one", folder);
	snprintf(two, sizeof(two), "%s/two", folder);
	return (0);
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(file);
	unlink(one);
	unlink(two);
	return (rmdir(folder));
}

/* Lines of sshd-option are the first copy; what is wrong is said there. */
static void
test_options(void **state)
{
	struct taken t;

	(void)state;
	write_file(file, "AllowUsers alice\n");
	t = take("sshd-option [ \"MaxAuthTries 3\" \"Port 4\" ];");
	assert_int_equal(t.err, 0);
	assert_int_equal(t.snap->options, 0);
	assert_int_equal(t.snap->top, 1);
	assert_string_equal(
	    t.snap->files[0].text, "MaxAuthTries 3\n# left out: Port 4\n");
	assert_int_equal(t.snap->line_count, 2);
	assert_string_equal(t.snap->lines[0].text, "MaxAuthTries 3");
	assert_int_equal(t.parsed.report.count, 1);
	assert_string_equal(t.parsed.report.diags[0].file, "");
	assert_non_null(strstr(t.parsed.report.diags[0].text,
	    "sshd-option: `Port 4` is left out"));
	taken_free(&t);
	t = take("sshd-option [ \"Match all\" \" include /x\" \"#\" ];");
	assert_int_equal(t.parsed.report.errors, 3);
	taken_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_left_out),
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_stated),
	};

	return (cmocka_run_group_tests(tests, make_folder, remove_folder));
}
