/*
 * lookup's own program, sealed, with this test as its monitor and its master,
 * over a password database, homes and utmp that the test made in a mount
 * namespace of lookup's own. Needs root for that; says so where it has none.
 */
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <time.h>
#include <utmp.h>

#include "ipc/pieces.h"
#include "tests/stage/zut.h"

#define ALICE 61001
#define BOB 61002

static char program[512];

/* --- the world
 * ---------------------------------------------------------------- */

static void
must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(97);
	}
}

static void
write_file(
    const char *path, const void *text, size_t n, mode_t mode, uid_t owner)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	must(fd >= 0 && fd_write_all(fd, text, n) == 0, path);
	must(fchown(fd, owner, owner) == 0 && fchmod(fd, mode) == 0, path);
	close(fd);
}

static void
write_text(const char *path, const char *text, mode_t mode, uid_t owner)
{
	write_file(path, text, strlen(text), mode, owner);
}

static void
make_home(const char *path, uid_t owner, mode_t mode)
{
	must(mkdir(path, mode) == 0 && chown(path, owner, owner) == 0 &&
		 chmod(path, mode) == 0,
	    path);
}

static void
make_utmp(void)
{
	struct utmp u[3];

	memset(u, 0, sizeof(u));
	for (int i = 0; i < 3; i++) {
		u[i].ut_type = USER_PROCESS;
		u[i].ut_tv.tv_sec = 1000000000;
		strcpy(u[i].ut_line, "pts/none");
		strcpy(u[i].ut_host, "192.0.2.9");
	}
	strcpy(u[0].ut_user, "alice");
	strcpy(u[1].ut_user, "root");
	strcpy(u[2].ut_user, "bob");
	write_file("/run/utmp", u, sizeof(u), 0644, 0);
}

/* In lookup's process before it is lookup: folders of its own. */
static void
make_world(void)
{
	static char plan[16000];

	must(unshare(CLONE_NEWNS) == 0, "unshare");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private");
	must(mount("tmpfs", "/home", "tmpfs", 0, "mode=0755") == 0, "/home");
	must(mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") == 0, "/run");
	make_utmp();
	make_home("/home/alice", ALICE, 0755);
	write_text("/home/alice/.plan", "To grow\n", 0644, ALICE);
	write_text("/home/alice/.pubkey", "not for all", 0600, ALICE);
	must(symlink("/etc/hostname", "/home/alice/.project") == 0, "link");
	make_home("/home/bob", BOB, 0755);
	write_text("/home/bob/.nofinger", "", 0600, BOB);
	make_home("/home/carol", 61003, 0700);
	write_text("/home/carol/.plan", "closed\n", 0644, 61003);
	make_home("/home/dave", 61004, 0755);
	memset(plan, 'd', sizeof(plan));
	write_file("/home/dave/.plan", plan, sizeof(plan), 0644, 61004);
	write_text("/home/passwd",
	    "root:x:0:0:root:/root:/bin/sh\n"
	    "alice:x:61001:61001:Alice &,R 1,22,333:/home/alice:/bin/zsh\n"
	    "bob:x:61002:61002:Bob:/home/bob:/bin/sh\n"
	    "carol:x:61003:61003:Carol:/home/carol:/bin/sh\n"
	    "dave:x:61004:61004:Dave:/home/dave:/bin/sh\n"
	    "nobody:x:65534:65534:nobody:/:/bin/false\n",
	    0644, 0);
	must(mount("/home/passwd", "/etc/passwd", NULL, MS_BIND, NULL) == 0,
	    "/etc/passwd");
}

static struct zut z;

/* What the configuration lets be told. The monitor's channel is read first. */
static void
let_tell(uint8_t list_users, uint8_t show_details)
{
	struct msg_finger_options o = {
	    .list_users = list_users, .show_details = show_details};

	assert_int_equal(
	    ipc_send(&z.monitor, MSG_FINGER_OPTIONS, &o, NULL, 0), 0);
}

static int
start_lookup(void **state)
{
	static char title[] = "portreeve: lookup";
	struct msg_seal seal = {.profile = SANDBOX_LOOKUP, .group = UINT32_MAX};
	struct msg_master_channel m = {.pool = 0};
	int pair[2];

	(void)state;
	if (geteuid() != 0)
		return (0);
	memset(&z, 0, sizeof(z));
	zut_exec(&z, ROLE_LOOKUP, program, title, &seal, make_world);
	let_tell(1, 1);
	stage_pair(pair);
	assert_int_equal(
	    ipc_send(&z.monitor, MSG_MASTER_CHANNEL, &m, &pair[1], 1), 0);
	close(pair[1]);
	ipc_channel_init(&z.master, pair[0], ROLE_MASTER, ROLE_LOOKUP, ST_UP);
	return (0);
}

static int
stop_lookup(void **state)
{
	struct msg_stop stop = {.keep_sessions = 0};

	(void)state;
	if (geteuid() != 0)
		return (0);
	assert_int_equal(ipc_send(&z.monitor, MSG_STOP, &stop, NULL, 0), 0);
	assert_int_equal(zut_wait(&z), 0);
	return (0);
}

/* --- questions
 * ------------------------------------------------------------------- */

/* A message's pieces as text, "LOGIN=alice|NAME=…|"; its length. */
static size_t
put_pieces(const struct msg_lookup_answer *m, char *out, size_t size)
{
	static const char *const names[PIECE_COUNT] = {"LOGIN", "NAME",
	    "OFFICE", "OFFICE_PHONE", "HOME_PHONE", "HOME", "SHELL", "TTY",
	    "HOST", "SINCE", "IDLE", "LAST_LOGIN", "MAIL", "PLAN", "PROJECT",
	    "PUBKEY"};
	struct piece p;
	size_t at = 0, n = 0;
	int more;

	while ((more = piece_next(m->pieces.b, m->pieces.n, &at, &p)) > 0) {
		assert_true(p.kind < PIECE_COUNT);
		n += (size_t)snprintf(out + n, size - n, "%s=%.*s",
		    names[p.kind], (int)p.n, (const char *)p.text);
		if (p.number != 0)
			n += (size_t)snprintf(out + n, size - n, "%llu",
			    (unsigned long long)p.number);
		n += (size_t)snprintf(out + n, size - n, "|");
		assert_true(n < size);
	}
	assert_int_equal(more, 0);
	return (n);
}

static uint32_t request;

static void
send_question(enum lookup_what what, int details, const char *name)
{
	struct msg_lookup_ask m = {
	    .what = (uint8_t)what, .details = (uint8_t)details};

	m.request = ++request;
	snprintf(m.name, sizeof(m.name), "%s", name);
	assert_int_equal(ipc_send(&z.master, MSG_LOOKUP_ASK, &m, NULL, 0), 0);
}

/* The answer to that number as text; its outcome. */
static int
read_answer(uint32_t number, char *out, size_t size)
{
	static struct ipc_in in;
	const struct msg_lookup_answer *m = &in.msg.lookup_answer;
	size_t n = 0;

	out[0] = '\0';
	do {
		stage_expect(&z.master, MSG_LOOKUP_ANSWER, &in);
		assert_int_equal(m->request, number);
		n += put_pieces(m, out + n, size - n);
	} while (m->more);
	return (m->found);
}

static int
ask(enum lookup_what what, int details, const char *name, char *out,
    size_t size)
{
	if (geteuid() != 0) {
		print_message("needs root, to mount a world of its own\n");
		skip();
	}
	send_question(what, details, name);
	return (read_answer(request, out, size));
}

static void
test_tells_what_a_user_shows(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(ask(LOOKUP_USER, 0, "alice", out, sizeof(out)), 1);
	assert_string_equal(out,
	    "LOGIN=alice|NAME=Alice Alice|OFFICE=R 1|"
	    "OFFICE_PHONE=22|HOME_PHONE=333|TTY=pts/none|HOST=192.0.2.9|"
	    "SINCE=1000000000|IDLE=|PLAN=To grow\n|");
}

static void
test_details_only_when_asked(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(ask(LOOKUP_USER, 1, "alice", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "|HOME=/home/alice|SHELL=/bin/zsh|"));
}

static void
test_hidden_system_and_unknown_are_one(void **state)
{
	static const char *const names[] = {"bob", "root", "nobody", "zed",
	    "Alice", ".", "..", "-", "alic", "alicex", ""};
	char out[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(
		    ask(LOOKUP_USER, 1, names[i], out, sizeof(out)), 0);
		assert_string_equal(out, "");
	}
}

/* Whose home is closed keeps the plan; that he exists is no secret. */
static void
test_a_closed_home_stays_closed(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(ask(LOOKUP_USER, 0, "carol", out, sizeof(out)), 1);
	assert_string_equal(out, "LOGIN=carol|NAME=Carol|");
}

static void
test_lists_who_shows_himself(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(ask(LOOKUP_LIST, 0, "", out, sizeof(out)), 1);
	assert_string_equal(out, "LOGIN=alice|NAME=Alice Alice|TTY=pts/none|"
				 "HOST=192.0.2.9|SINCE=1000000000|IDLE=|");
}

static void
test_a_name_that_is_none_is_not_looked_up(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(
	    ask(LOOKUP_USER, 0, "alice/../bob", out, sizeof(out)), 0);
	assert_string_equal(out, "");
}

/* A worker that was taken over asks for more than the configuration tells. */
static void
test_the_configuration_binds_whoever_asks(void **state)
{
	char out[4096];

	(void)state;
	if (geteuid() == 0)
		let_tell(0, 0);
	assert_int_equal(ask(LOOKUP_LIST, 0, "", out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(ask(LOOKUP_USER, 1, "alice", out, sizeof(out)), 1);
	assert_null(strstr(out, "SHELL="));
	let_tell(1, 1);
	assert_int_equal(ask(LOOKUP_LIST, 0, "", out, sizeof(out)), 1);
}

/* Sent ahead, they are answered in order; an answer may take messages. */
static void
test_several_questions(void **state)
{
	static char out[65536];
	uint32_t first = request + 1;

	(void)state;
	if (geteuid() != 0)
		skip();
	send_question(LOOKUP_USER, 0, "dave");
	send_question(LOOKUP_USER, 0, "bob");
	send_question(LOOKUP_USER, 0, "carol");
	assert_int_equal(read_answer(first, out, sizeof(out)), LOOKUP_FOUND);
	assert_true(strlen(out) > 16000);
	assert_int_equal(
	    read_answer(first + 1, out, sizeof(out)), LOOKUP_NOBODY);
	assert_string_equal(out, "");
	assert_int_equal(
	    read_answer(first + 2, out, sizeof(out)), LOOKUP_FOUND);
	assert_string_equal(out, "LOGIN=carol|NAME=Carol|");
}

/* As the lookup's own user: a machine's root may lack CAP_SYS_RESOURCE. */
static void
limit_descriptors(rlim_t soft)
{
	struct rlimit limit;
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (setgroups(0, NULL) != 0 || setgid(64991) != 0 ||
		    setuid(64991) != 0 ||
		    prlimit(z.pid, RLIMIT_NOFILE, NULL, &limit) != 0)
			_exit(1);
		limit.rlim_cur = soft == 0 ? limit.rlim_max : soft;
		_exit(prlimit(z.pid, RLIMIT_NOFILE, &limit, NULL) != 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* What it cannot know is no "nobody", of who exists and who does not. */
static void
test_short_of_descriptors(void **state)
{
	char path[64], out[4096];
	rlim_t lowest = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	do
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)z.pid,
		    (int)++lowest);
	while (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	limit_descriptors(lowest);
	assert_int_equal(
	    ask(LOOKUP_USER, 0, "alice", out, sizeof(out)), LOOKUP_LATER);
	assert_int_equal(
	    ask(LOOKUP_USER, 0, "no-such-one", out, sizeof(out)), LOOKUP_LATER);
	assert_int_equal(
	    ask(LOOKUP_LIST, 0, "", out, sizeof(out)), LOOKUP_LATER);
	limit_descriptors(0);
	assert_int_equal(
	    ask(LOOKUP_USER, 0, "alice", out, sizeof(out)), LOOKUP_FOUND);
	assert_int_equal(ask(LOOKUP_USER, 0, "no-such-one", out, sizeof(out)),
	    LOOKUP_NOBODY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tells_what_a_user_shows),
	    cmocka_unit_test(test_details_only_when_asked),
	    cmocka_unit_test(test_hidden_system_and_unknown_are_one),
	    cmocka_unit_test(test_a_closed_home_stays_closed),
	    cmocka_unit_test(test_lists_who_shows_himself),
	    cmocka_unit_test(test_a_name_that_is_none_is_not_looked_up),
	    cmocka_unit_test(test_several_questions),
	    cmocka_unit_test(test_short_of_descriptors),
	    cmocka_unit_test(test_the_configuration_binds_whoever_asks),
	};

	snprintf(
	    program, sizeof(program), "%s", stage_program("libexec/lookup"));
	return (cmocka_run_group_tests(tests, start_lookup, stop_lookup));
}
