/*
 * sshd's records, as files below tests/hostile/sshlog hold them, and what is
 * made of each connection. A file's lines:
 *     # what it is
 *     root-login allow|deny|deny-password
 *     packets N                      before authentication
 *     leader UID RECORD              as the group's leader wrote it
 *     PID UID RECORD                 as another process did
 *     tick SECONDS                   time passes
 *     end STATUS                     the leader has ended
 *     = ACT USER|METHOD|REASON|TTY   expected after the line before; in order
 * Records and expectations are escaped: \\ and \xHH.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/escape.h"
#include "workers/logreader/sshsession.h"

#define FOLDER "tests/hostile/sshlog"

struct replay {
	const char *file;
	int line;
	struct sshsession s;
	struct sshsession_config c;
	uint64_t now;
	struct sshsession_actions got;
	size_t taken; /* of got, by expectations */
	int expected;
};

static bool
is_root(const char *name)
{
	return (strcmp(name, "root") == 0 || strcmp(name, "toor") == 0);
}

static int
hex(char c)
{
	return (c >= 'a' ? c - 'a' + 10 : c - '0');
}

static size_t
unescape(const char *from, char *to)
{
	size_t n = 0;

	for (; *from != '\0'; from++) {
		if (*from == '\\' && from[1] == 'x') {
			to[n++] = (char)(hex(from[2]) * 16 + hex(from[3]));
			from += 3;
		} else {
			from += *from == '\\';
			to[n++] = *from;
		}
	}
	to[n] = '\0';
	return (n);
}

static void
describe(const struct sshsession_action *a, char *text, size_t size)
{
	static const char *const names[] = {
	    "failure", "success", "opened", "tty", "flood", "trouble"};
	char user[1100];

	escape_bytes(user, sizeof(user), a->user, strlen(a->user));
	snprintf(text, size, "%s %s|%s|%s|%s", names[a->act], user, a->method,
	    a->reason == NULL ? "" : a->reason, a->tty);
}

/* Everything that came was expected. */
static void
all_taken(struct replay *r)
{
	char text[1400];

	if (r->taken == r->got.n)
		return;
	describe(&r->got.a[r->taken], text, sizeof(text));
	fail_msg("%s:%d: nobody expects: %s", r->file, r->line, text);
}

static void
expectation(struct replay *r, const char *wanted)
{
	char text[1400];

	r->expected++;
	if (r->taken == r->got.n)
		fail_msg("%s:%d: did not come: %s", r->file, r->line, wanted);
	describe(&r->got.a[r->taken++], text, sizeof(text));
	if (strcmp(text, wanted) != 0)
		fail_msg("%s:%d: came: %s", r->file, r->line, text);
}

static void
record(struct replay *r, char *line)
{
	struct sshsession_writer w;
	char *uid = strchr(line, ' '), *text;
	char bytes[4096];
	size_t n;

	assert_non_null(uid);
	w.leader = strncmp(line, "leader ", 7) == 0;
	w.pid = w.leader ? 1000 : (pid_t)strtol(line, NULL, 10);
	w.uid = (uid_t)strtoul(uid + 1, &text, 10);
	assert_int_equal(*text, ' ');
	n = unescape(text + 1, bytes);
	sshsession_record(&r->s, &r->c, &w, bytes, n, r->now, &r->got);
}

static void
step(struct replay *r, char *line)
{
	if (strncmp(line, "= ", 2) == 0) {
		expectation(r, line + 2);
		return;
	}
	all_taken(r);
	r->taken = r->got.n = 0;
	if (line[0] == '#' || line[0] == '\0')
		return;
	if (strcmp(line, "root-login allow") == 0)
		r->c.root_login = SSHSESSION_ROOT_ALLOW;
	else if (strcmp(line, "root-login deny") == 0)
		r->c.root_login = SSHSESSION_ROOT_DENY;
	else if (strcmp(line, "root-login deny-password") == 0)
		r->c.root_login = SSHSESSION_ROOT_DENY_PASSWORD;
	else if (strncmp(line, "packets ", 8) == 0)
		r->c.packets = (uint32_t)strtoul(line + 8, NULL, 10);
	else if (strncmp(line, "tick ", 5) == 0) {
		r->now += strtoull(line + 5, NULL, 10) * 1000000000;
		sshsession_tick(&r->s, &r->c, -1, r->now, &r->got);
	} else if (strncmp(line, "end ", 4) == 0)
		sshsession_tick(&r->s, &r->c, (int)strtol(line + 4, NULL, 10),
		    r->now, &r->got);
	else
		record(r, line);
}

static void
replay(const char *name)
{
	struct replay r;
	char path[512], line[8192];
	FILE *f;

	memset(&r, 0, sizeof(r));
	r.file = name;
	r.c.is_root = is_root;
	r.s.session = 1;
	r.now = 1000000000;
	snprintf(path, sizeof(path), "%s/%s", FOLDER, name);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		r.line++;
		line[strcspn(line, "\n")] = '\0';
		step(&r, line);
	}
	all_taken(&r);
	fclose(f);
}

/* Run from the top of the tree, as `make check` does. */
static void
test_files(void **state)
{
	DIR *d = opendir(FOLDER);
	struct dirent *e;
	int n = 0;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		replay(e->d_name);
		n++;
	}
	closedir(d);
	assert_true(n >= 30);
}

static void
parse(const char *text, struct sshlog *log)
{
	sshlog_parse(text, strlen(text), log);
}

/* Only the first bytes make a record what it is. */
static void
test_first_bytes(void **state)
{
	static const char accepted[] =
	    "Accepted password for root from 192.0.2.1 port 7 ssh2";
	struct sshlog log;
	char text[256];

	(void)state;
	parse(accepted, &log);
	assert_int_equal(log.kind, SSHLOG_ACCEPTED);
	assert_int_equal(log.user.n, 4);
	snprintf(text, sizeof(text), "x\r\n%s", accepted);
	parse(text, &log);
	assert_int_equal(log.kind, SSHLOG_OTHER);
	snprintf(text, sizeof(text), " %s", accepted);
	parse(text, &log);
	assert_int_equal(log.kind, SSHLOG_OTHER);
}

/* Every prefix of a good record parses to something, and never to a login. */
static void
test_every_prefix(void **state)
{
	static const char text[] =
	    "Accepted keyboard-interactive/pam for alice "
	    "from 2001:db8::1 port 40112 ssh2\r\n";
	struct sshlog log;

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *copy = malloc(n + 1);

		assert_non_null(copy);
		memcpy(copy, text, n);
		sshlog_parse(copy, n, &log);
		if (n < sizeof(text) - 3)
			assert_true(log.kind == SSHLOG_OTHER ||
				    log.kind == SSHLOG_ROUTINE);
		free(copy);
	}
	parse(text, &log);
	assert_int_equal(log.kind, SSHLOG_ACCEPTED);
	assert_int_equal(log.method.n, strlen("keyboard-interactive"));
}

static void
test_terminals(void **state)
{
	static const struct {
		const char *text, *tty;
	} rows[] = {
	    {"Starting session: shell on pts/3 for alice from 192.0.2.1 port "
	     "1 id 0",
		"pts/3"},
	    {"Starting session: command for alice from 192.0.2.1 port 1 id 0",
		""},
	    {"Starting session: subsystem 'sftp' for alice from 192.0.2.1 "
	     "port 1 id 0",
		""},
	    {"Starting session: forced-command (config) 'a on b' on pts/12 "
	     "for alice from 192.0.2.1 port 1 id 0",
		"pts/12"},
	    {"Starting session: shell on \x1b[2J for alice from 192.0.2.1", ""},
	    {"Starting session: shell on pts/3", ""},
	};
	struct sshlog log;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(rows[i].text, &log);
		assert_int_equal(log.kind, SSHLOG_STARTING);
		assert_int_equal(log.tty.n, strlen(rows[i].tty));
		assert_memory_equal(
		    log.tty.n ? log.tty.p : "", rows[i].tty, log.tty.n);
	}
}

#define KEYED "Failed publickey for alice from ::1 port 4 ssh2: ED25519-CERT "

/* The key of an attempt; what a certificate's signer wrote forges none. */
static void
test_key(void **state)
{
	struct sshlog log;

	(void)state;
	parse("Accepted publickey for alice from ::1 port 4 ssh2: ED25519 "
	      "SHA256:Rp+yR/O\r\n",
	    &log);
	assert_int_equal(log.kind, SSHLOG_ACCEPTED);
	assert_memory_equal(log.key.p, "SHA256:Rp+yR/O", log.key.n);
	assert_int_equal(log.key.n, 14);
	assert_false(log.certificate);
	parse(KEYED "SHA256:abc ID alice's key (serial 1) CA x (serial 42) CA "
		    "ED25519 SHA256:def\r\n",
	    &log);
	assert_int_equal(log.kind, SSHLOG_FAILED);
	assert_int_equal(log.key.n, 10);
	assert_true(log.certificate);
	assert_int_equal(log.certificate_serial, 42);
	assert_int_equal(
	    log.certificate_id.n, strlen("alice's key (serial 1) CA x"));
	assert_memory_equal(log.certificate_id.p, "alice's key (serial 1)", 22);
	parse(KEYED "SHA 256 ID x (serial 1) CA y\r\n", &log);
	assert_int_equal(log.key.n, 0);
	assert_false(log.certificate);
	parse("Failed password for a from ::1 port 4 ssh2: RSA SHA256:abc\r\n",
	    &log);
	assert_int_equal(log.key.n, 0);
}

/* What is told as sshd wrote it, and what other events carry. */
static void
test_output(void **state)
{
	static const char *const told[] = {
	    "Unable to negotiate with ::1 port 4: no matching cipher found. "
	    "Their offer: aes128-cbc [preauth]\r\n",
	    "Authentication refused: bad ownership or modes for directory "
	    "/home/alice\r\n",
	    "subsystem request for nothing by user alice failed, subsystem "
	    "not found\r\n",
	    "Invalid user x from ::1 port 4\r\n",
	    "User bob from ::1 not allowed because not listed in "
	    "AllowUsers\r\n",
	    "Received disconnect from ::1 port 4:14: No supported "
	    "authentication methods available [preauth]\r\n",
	    "x\r\n",
	};
	static const char *const carried[] = {
	    "Connection from ::1 port 4 on ::1 port 22 rdomain \"\"\r\n",
	    "Connection closed by invalid user x ::1 port 4 [preauth]\r\n",
	    /* One line. NOLINTNEXTLINE(bugprone-suspicious-missing-comma) */
	    "Received disconnect from ::1 port 4:11: "
	    "disconnected by user\r\n",
	    "Disconnected from user alice ::1 port 4\r\n",
	    "Failed none for alice from ::1 port 4 ssh2\r\n",
	    "Failed password for alice from ::1 port 4 ssh2\r\n",
	    "User child is on pid 7\r\n",
	    "PAM: Authentication failure for alice from ::1\r\n",
	    "debug1: packet.c:x(): y\r\n",
	    "pam_portreeve: passed\r\n",
	    "\r\n",
	    "",
	};
	struct sshlog log;

	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		parse(told[i], &log);
		assert_true(sshlog_is_output(&log));
	}
	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
		parse(carried[i], &log);
		assert_false(sshlog_is_output(&log));
	}
}

static void
expect_hidden(const char *record, const char *name, const char *wanted)
{
	char out[256];
	size_t n = sshlog_hide(record, strlen(record), name, out, sizeof(out));

	assert_int_equal(n, strlen(wanted));
	assert_memory_equal(out, wanted, n);
}

/* A name that no account has is nowhere in a record, whole or cut short. */
static void
test_hide(void **state)
{
	static const char name[] = "0123456789012345678901234567890123456789";
	char out[8];

	(void)state;
	expect_hidden("Invalid user secret from ::1 port 4\r\n", "secret",
	    "Invalid user (hidden) from ::1 port 4\r\n");
	expect_hidden("secretsecret secre", "secret", "(hidden)(hidden) secre");
	expect_hidden("user 01234567890123456789012345678901234 from", name,
	    "user (hidden) from");
	expect_hidden("user 0123456789 from", name, "user 0123456789 from");
	expect_hidden("as it is", "", "as it is");
	assert_int_equal(sshlog_hide("0123456789", 10, "x", out, 8), 8);
	assert_int_equal(sshlog_hide("0x", 2, "x", out, 8), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_first_bytes),
	    cmocka_unit_test(test_every_prefix),
	    cmocka_unit_test(test_key),
	    cmocka_unit_test(test_output),
	    cmocka_unit_test(test_hide),
	    cmocka_unit_test(test_terminals),
	};

	return (cmocka_run_group_tests_name("sshd's log", tests, NULL, NULL));
}
