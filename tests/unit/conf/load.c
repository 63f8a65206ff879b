/*
 * The configuration's file: whose it may be, what it may be, and what is said
 * when it is not; and what is asked of the host.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "lib/err.h"
#include "tests/stage/conf.h"

static char folder[] = "/tmp/portreeve-load.XXXXXX";

static int
make_folder(void **state)
{
	(void)state;
	return (mkdtemp(folder) == NULL ? -1 : 0);
}

static int
remove_folder(void **state)
{
	(void)state;
	return (rmdir(folder));
}

static const char *
in_folder(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return (p);
}

static const char *
make_file(const char *name, const char *text, mode_t mode)
{
	const char *path = in_folder(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return (path);
}

static void
expect_load(const char *path, int err, const char *part)
{
	struct conf_report report = {0};
	struct conf *conf;

	assert_int_equal(conf_load(path, &conf, &report), err);
	if (err == 0) {
		assert_non_null(conf);
		assert_int_equal(report.count, 0);
	} else {
		assert_null(conf);
		assert_int_equal(report.count, 1);
		assert_int_equal(report.diags[0].pos.line, 0);
		assert_non_null(strstr(report.diags[0].text, part));
	}
	conf_free(conf);
	conf_report_clear(&report);
}

static void
test_good(void **state)
{
	const char *path = make_file("good", "system services ssh;", 0644);
	const char *link = in_folder("link");

	(void)state;
	expect_load(path, 0, NULL);
	assert_int_equal(symlink(path, link), 0);
	expect_load(link, 0, NULL);
	unlink(link);
	unlink(path);
	path = make_file("empty", "", 0400);
	expect_load(path, 0, NULL);
	unlink(path);
}

static void
test_missing(void **state)
{
	(void)state;
	expect_load(in_folder("none"), ERR_NOT_FOUND, "there is no such file");
}

static void
test_writable(void **state)
{
	static const mode_t modes[] = {0664, 0646, 0620, 0602, 0666};
	const char *path, *link;

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		path = make_file("writable", "", modes[i]);
		expect_load(path, ERR_REFUSED, "chmod go-w");
		link = in_folder("link");
		assert_int_equal(symlink(path, link), 0);
		expect_load(link, ERR_REFUSED, "chmod go-w");
		unlink(link);
		unlink(path);
	}
}

/* With errors, what could be read is there for further checks. */
static void
test_all_errors(void **state)
{
	static const char text[] =
	    "system services {\n"
	    "service x { port 0; exec /bin/no-such; }\n"
	    "service y { port 7; exec relative; user no-such-user; }\n"
	    "service z { port 7; exec /bin/sh; user \"a b\"; }\n"
	    "telnet { listen-address ::1; banner /no-such; }\n"
	    "nonsense;\n}";
	static const unsigned lines[] = {2, 2, 3, 3, 4, 4, 5, 6};
	const char *path = make_file("errors", text, 0600);
	struct conf_report report = {0};
	struct conf *conf;

	(void)state;
	assert_int_equal(conf_load(path, &conf, &report), ERR_SYNTAX);
	assert_non_null(conf);
	assert_int_equal(conf_check_host(conf, &report), ERR_VALUE);
	for (size_t i = 0; i < report.count; i++) {
		if (i >= 8 || report.diags[i].pos.line != lines[i])
			print_message("%u: %s\n", report.diags[i].pos.line,
			    report.diags[i].text);
	}
	assert_int_equal(report.count, 8);
	for (size_t i = 0; i < report.count; i++)
		assert_int_equal(report.diags[i].pos.line, lines[i]);
	conf_free(conf);
	conf_report_clear(&report);
	unlink(path);
}

/* Only root can give a file away, so only root tries. */
static void
test_owner(void **state)
{
	const char *path;

	(void)state;
	if (geteuid() != 0)
		skip();
	path = make_file("owned", "", 0644);
	assert_int_equal(chown(path, 4242, (gid_t)-1), 0);
	expect_load(path, ERR_REFUSED, "belongs to another user");
	unlink(path);
}

/* A FIFO without a writer would hang an open that waits. */
static void
test_kinds(void **state)
{
	const char *path = in_folder("fifo");

	(void)state;
	expect_load(folder, ERR_REFUSED, "not a regular file");
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_load(path, ERR_REFUSED, "not a regular file");
	unlink(path);
	expect_load("/dev/zero", ERR_REFUSED, "not a regular file");
}

static void
test_size(void **state)
{
	const char *path = make_file("large", "", 0600);

	(void)state;
	assert_int_equal(truncate(path, CONF_FILE_MAX + 1), 0);
	expect_load(path, ERR_TOO_LONG, "larger than");
	unlink(path);
}

/* --- what only the host knows ----------------------------------------------
 */

static void
expect_host(const char *text, size_t count, unsigned line, unsigned col,
    const char *part)
{
	struct parsed p = parse_ok(text);
	int err = conf_check_host(p.conf, &p.report);

	if (p.report.count != count)
		parsed_print(&p);
	assert_int_equal(p.report.count, count);
	assert_int_equal(err, p.report.errors > 0 ? ERR_VALUE : 0);
	if (count > 0) {
		assert_int_equal(p.report.diags[0].pos.line, line);
		assert_int_equal(p.report.diags[0].pos.col, col);
		assert_non_null(strstr(p.report.diags[0].text, part));
	}
	parsed_free(&p);
}

#define SERVICE "system services service x {\nport 7; user root;\n"

/* A file that may be executed: what is said of it, or nothing. */
static void
expect_script(const char *content, const char *part)
{
	const char *file = make_file("script", content, 0755);
	char text[512];

	snprintf(text, sizeof(text), SERVICE "exec %s; }", file);
	expect_host(text, part != NULL, part != NULL ? 3 : 0,
	    part != NULL ? 1 : 0, part);
	unlink(file);
}

static void
test_scripts(void **state)
{
	(void)state;
	expect_script("echo hello\n", "a script without an interpreter");
	expect_script("#!bin/sh\n", "`bin/sh` as its interpreter");
	expect_script("#!/bin/sh\r\n", "end in CR LF");
	expect_script("#! /bin/no-such -x\n", "/bin/no-such: No such file");
	expect_script("#! /bin/sh -x\n", NULL);
	expect_script("\xca\xfe\x01\x02\n", NULL);
	expect_script("", NULL);
}

static void
test_host(void **state)
{
	const char *file = make_file("banner", "hello\n", 0644);
	char text[512];

	(void)state;
	expect_host(SERVICE "exec /bin/sh; }", 0, 0, 0, NULL);
	expect_host(SERVICE "exec /bin/no-such; }", 1, 3, 1, "No such file");
	expect_host(
	    SERVICE "exec /etc/passwd; }", 1, 3, 1, "may not be executed");
	expect_host(SERVICE "exec /opt/no-such/sh; }", 1, 3, 1,
	    "No such file or directory; there is /usr/bin/sh");
	expect_host(SERVICE "exec /bin; }", 1, 3, 1, "not a regular file");
	expect_host("system services service x {\nport 7; exec /bin/sh;\n"
		    "user no-such.user; }",
	    1, 3, 1, "no user no-such.user on this host: set a group with");
	expect_host(SERVICE "exec /bin/sh;\ngroup no-such-group; }", 1, 4, 1,
	    "no group no-such-group");
	/* What is inactive is not asked about. */
	expect_host("system services inactive: service x {\nport 7; "
		    "exec /bin/no-such; }",
	    0, 0, 0, NULL);
	snprintf(text, sizeof(text),
	    "system services telnet { listen-address ::1;\nbanner %s; }", file);
	expect_host(text, 0, 0, 0, NULL);
	assert_int_equal(truncate(file, CONF_BANNER_MAX), 0);
	expect_host(text, 0, 0, 0, NULL);
	assert_int_equal(truncate(file, CONF_BANNER_MAX + 1), 0);
	expect_host(text, 1, 2, 1, "longer than 4096 bytes");
	unlink(file);
	expect_host(text, 1, 2, 1, "banner:");
	file = make_file("sshd", "DenyUsers x\n", 0644);
	snprintf(text, sizeof(text), "system services ssh {\nsshd-config %s; }",
	    file);
	expect_host(text, 0, 0, 0, NULL);
	assert_int_equal(chmod(file, 0664), 0);
	expect_host(text, 1, 2, 1, "users other than root can write");
	unlink(file);
	expect_host("system services ssh {\nsshd-config /etc; }", 1, 2, 1,
	    "not a regular file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_writable),
	    cmocka_unit_test(test_all_errors),
	    cmocka_unit_test(test_owner),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_scripts),
	    cmocka_unit_test(test_host),
	};

	return (cmocka_run_group_tests(tests, make_folder, remove_folder));
}
