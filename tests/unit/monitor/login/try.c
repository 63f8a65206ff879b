/*
 * Who gets in and who does not: passwords right and wrong, users there and
 * not, accounts that are shut, root, limits. Refusals have one text and one
 * time, whatever their reason.
 */
#include "tests/stage/login.h"

#include <sys/resource.h>

#include <utmpx.h>

#define MS 1000000u
#define REFUSAL_LEAST_MS 2500
#define REFUSAL_MOST_MS 9000 /* with its jitter, and a busy machine */

static void
begin(void)
{
	struct msg_login_start start = default_start();

	play_begin(&start);
}

/* A refusal of the present try: its text and, from the answer on, its time. */
static void
expect_refusal(enum msg_type type, enum login_failure reason, uint64_t since)
{
	uint64_t ms;

	expect_failure(reason);
	worker_expect(type);
	assert_string_equal(text_of(), "Login incorrect\n");
	ms = (time_boot_ns() - since) / MS;
	assert_in_range(ms, REFUSAL_LEAST_MS, REFUSAL_MOST_MS);
}

static void
refused(const char *user, const char *password, enum msg_type type,
    enum login_failure reason)
{
	uint64_t since;

	send_user(user, "");
	worker_expect(MSG_LOGIN_PROMPT);
	assert_string_equal(text_of(), "Password: ");
	since = time_boot_ns();
	send_answer(password);
	expect_refusal(type, reason, since);
}

static void
test_right(void **state)
{
	NEEDS_WORLD();
	begin();
	give("alice", ALICE);
	let_in(0);
	assert_string_equal(tty_run("id -un"), "alice\r\n");
}

/* Three tries, the third with the last words. */
static void
test_wrong(void **state)
{
	NEEDS_WORLD();
	begin();
	refused("alice", "wrong", MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
	assert_int_equal(play.in.type, MSG_LOGIN_AGAIN);
	refused(
	    "nobody-here", ALICE, MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
	refused("alice", "", MSG_LOGIN_OVER, LOGIN_FAILED_CREDENTIALS);
	assert_int_equal(next_on(&play.worker), MSG_COUNT);
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
}

/* btmp's rows: as many as that, the last of that name. */
static void
failed_logins(unsigned wanted, const char *user)
{
	struct utmpx u = {0}, last = {0};
	unsigned n = 0;
	int fd = open("/var/log/btmp", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	while (read(fd, &u, sizeof(u)) == (ssize_t)sizeof(u)) {
		last = u;
		n++;
	}
	close(fd);
	assert_int_equal(n, wanted);
	if (n == 0)
		return;
	assert_string_equal(last.ut_user, user);
	assert_string_equal(last.ut_line, "telnet:notty");
	assert_string_equal(last.ut_host, "192.0.2.7");
	assert_int_equal(last.ut_type, LOGIN_PROCESS);
	assert_true(last.ut_pid > 0);
}

/*
 * For lastb(1), where the host keeps such a file. A name of nobody's may be a
 * password, and is not written.
 */
static void
test_failures_are_recorded(void **state)
{
	struct stat st;

	NEEDS_WORLD();
	unlink("/var/log/btmp");
	begin();
	refused("alice", "wrong", MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
	assert_int_equal(stat("/var/log/btmp", &st), -1);
	write_file("/var/log/btmp", "", 0660);
	refused("alice", "wrong", MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
	failed_logins(1, "alice");
	refused("Wonderland-7", "", MSG_LOGIN_OVER, LOGIN_FAILED_CREDENTIALS);
	failed_logins(2, "UNKNOWN");
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
	/* Right, but root's: a failure as well. Let in: none. */
	begin();
	refused("toor", ROOTS, MSG_LOGIN_AGAIN, LOGIN_FAILED_ROOT);
	failed_logins(3, "toor");
	give("alice", ALICE);
	let_in(0);
	play_end();
	failed_logins(3, "toor");
	/* Who leaves at the prompt has tried nothing. */
	begin();
	send_user("alice", "");
	worker_expect(MSG_LOGIN_PROMPT);
	ipc_channel_close(&play.worker);
	expect_failure(LOGIN_FAILED_CREDENTIALS);
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
	failed_logins(3, "toor");
	unlink("/var/log/btmp");
}

static void
test_wrong_then_right(void **state)
{
	NEEDS_WORLD();
	begin();
	refused("alice", "wrong", MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
	give("alice", ALICE);
	let_in(0);
}

static void
test_locked(void **state)
{
	NEEDS_WORLD();
	write_users("!" ALICE_HASH, "19000:0:99999:7:::");
	begin();
	refused("alice", ALICE, MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
}

/* Names that no user has, and that other daemons' logins have obeyed. */
static void
test_names_that_are_none(void **state)
{
	static const char *const names[] = {"-froot", "a b\n\033[2J", "../x"};

	NEEDS_WORLD();
	begin();
	for (unsigned i = 0; i < 3; i++) {
		send_user(names[i], "");
		if (worker_next() == MSG_LOGIN_PROMPT) {
			send_answer(ALICE);
			worker_next();
		}
		assert_int_equal(
		    play.in.type, i < 2 ? MSG_LOGIN_AGAIN : MSG_LOGIN_OVER);
		assert_string_equal(text_of(), "Login incorrect\n");
		expect_failure(LOGIN_FAILED_CREDENTIALS);
	}
}

static void
test_expired_account(void **state)
{
	NEEDS_WORLD();
	write_users(ALICE_HASH, "19000:0:99999:7::1:");
	begin();
	give("alice", ALICE);
	expect_failure(LOGIN_FAILED_ACCOUNT);
	worker_expect(MSG_LOGIN_OVER);
	assert_non_null(strstr(play.said, "Your account has expired"));
	assert_non_null(strstr(text_of(), "expired"));
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
}

static void
test_expired_password(void **state)
{
	static const char *const dialogue[][2] = {{"Current password: ", ALICE},
	    {"New password: ", "Looking-Glass-71"},
	    {"Retype new password: ", "Looking-Glass-71"}};

	NEEDS_WORLD();
	write_users(ALICE_HASH, "0:0:99999:7:::");
	begin();
	give("alice", ALICE);
	for (int i = 0; i < 3; i++) {
		worker_expect(MSG_LOGIN_PROMPT);
		assert_string_equal(text_of(), dialogue[i][0]);
		send_answer(dialogue[i][1]);
	}
	let_in(0);
	assert_non_null(
	    strstr(play.said, "You are required to change your password"));
	play_end();
	begin();
	give("alice", "Looking-Glass-71");
	let_in(0);
}

static void
test_nologin(void **state)
{
	NEEDS_WORLD();
	write_file("/etc/nologin", "Down until noon\n", 0644);
	begin();
	give("alice", ALICE);
	expect_failure(LOGIN_FAILED_ACCOUNT);
	worker_expect(MSG_LOGIN_OVER);
	assert_non_null(strstr(play.said, "Down until noon"));
}

/* As the system's own login has it: refused before any password is asked. */
static void
test_nologin_before_password(void **state)
{
	uint64_t since;

	NEEDS_WORLD();
	write_pam("requisite pam_nologin.so\nauth required pam_unix.so");
	write_file("/etc/nologin", "Down until noon\n", 0644);
	begin();
	since = time_boot_ns();
	send_user("alice", "");
	expect_refusal(MSG_LOGIN_AGAIN, LOGIN_FAILED_ACCOUNT, since);
	assert_non_null(strstr(play.said, "Down until noon"));
}

/* One of the tests' own modules, which `control` says how to take. */
static void
use_module(const char *name, const char *control)
{
	char text[700];

	snprintf(text, sizeof(text), "%s %s/%s.so", control,
	    stage_program("tests/pam"), name);
	write_pam(text);
}

/* --- what is no login ---------------------------------------------------- */

/* A stack that would let in an account without a password, on its name. */
static void
test_no_answer_is_no_login(void **state)
{
	uint64_t since;

	NEEDS_WORLD();
	write_users("", "19000:0:99999:7:::");
	write_pam("required pam_unix.so nullok");
	begin();
	refused("alice", "", MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
	refused("alice", "x", MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
	play_end();
	write_pam("required pam_permit.so");
	begin();
	since = time_boot_ns();
	send_user("alice", "");
	expect_refusal(MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS, since);
	/* Asked, and nothing answered, whatever the module makes of it. */
	use_module("ask", "required");
	play_end();
	begin();
	refused("alice", "", MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
	give("alice", "a word");
	expect_on(&play.monitor, MSG_LOGIN_MAY);
}

/* As sshd has it: a shell that is no program. */
static void
test_no_shell(void **state)
{
	NEEDS_WORLD();
	unlink("/home/shells/sh");
	begin();
	refused("noshell", ALICE, MSG_LOGIN_AGAIN, LOGIN_FAILED_ACCOUNT);
	(void)mkdir("/home/shells", 0755);
	write_file("/home/shells/sh", "", 0644);
	refused("noshell", ALICE, MSG_LOGIN_AGAIN, LOGIN_FAILED_ACCOUNT);
}

/* Such a name may be a password. */
static void
test_unknown_names_are_told(void **state)
{
	NEEDS_WORLD();
	begin();
	send_user("alice", "");
	assert_int_equal(play.in.msg.login_try.unknown, 0);
	worker_expect(MSG_LOGIN_PROMPT);
	send_answer("wrong");
	expect_failure(LOGIN_FAILED_CREDENTIALS);
	worker_expect(MSG_LOGIN_AGAIN);
	send_user(ALICE, "");
	assert_int_equal(play.in.msg.login_try.unknown, 1);
}

/* --- what the host lacks -------------------------------------------------- */

static void
expect_later(void)
{
	expect_failure(LOGIN_FAILED_RESOURCES);
	worker_expect(MSG_LOGIN_OVER);
	assert_non_null(strstr(text_of(), "try again later"));
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
}

static void
limit_files(rlim_t most)
{
	struct rlimit r = {most, most};

	assert_int_equal(prlimit(play.pid, RLIMIT_NOFILE, &r, NULL), 0);
}

/* No verdict that a peer could be punished for. */
static void
test_short_of_descriptors(void **state)
{
	NEEDS_WORLD();
	write_file("/var/log/btmp", "", 0660);
	/* Of all, of some, and from the answer on. */
	for (rlim_t most = 5; most <= 8; most++) {
		begin();
		/* It has begun when it is refused the first time. */
		refused("alice", "wrong", MSG_LOGIN_AGAIN,
		    LOGIN_FAILED_CREDENTIALS);
		limit_files(most);
		send_user("alice", "");
		expect_later();
	}
	failed_logins(4, "alice");
	begin();
	send_user("alice", "");
	worker_expect(MSG_LOGIN_PROMPT);
	limit_files(5);
	send_answer(ALICE);
	expect_later();
	unlink("/var/log/btmp");
}

static void
test_short_of_a_module(void **state)
{
	NEEDS_WORLD();
	write_pam("required pam_not_there.so");
	begin();
	send_user("alice", "");
	expect_later();
}

/* Allowed, and no terminal to be had. */
static void
test_short_of_terminals(void **state)
{
	struct msg_login_verdict v = {.allow = 1};

	NEEDS_WORLD();
	begin();
	give("alice", ALICE);
	expect_on(&play.monitor, MSG_LOGIN_MAY);
	limit_files(5);
	assert_int_equal(
	    ipc_send(&play.monitor, MSG_LOGIN_VERDICT, &v, NULL, 0), 0);
	expect_later();
}

/* --- root -------------------------------------------------------------- */

static void
try_root(const char *user, enum conf_root_login rule, bool in)
{
	struct msg_login_start start = default_start();

	start.root_login = (uint8_t)rule;
	play_begin(&start);
	if (in) {
		give(user, ROOTS);
		let_in(0);
		assert_string_equal(tty_run("id -u"), "0\r\n");
	} else {
		refused(user, ROOTS, MSG_LOGIN_AGAIN, LOGIN_FAILED_ROOT);
	}
	play_end();
}

static void
test_root(void **state)
{
	NEEDS_WORLD();
	try_root("root", ROOT_LOGIN_ALLOW, true);
	try_root("toor", ROOT_LOGIN_ALLOW, true);
	try_root("root", ROOT_LOGIN_DENY, false);
	try_root("toor", ROOT_LOGIN_DENY_PASSWORD, false);
}

static void
test_root_wrong_password(void **state)
{
	NEEDS_WORLD();
	begin();
	refused("root", "wrong", MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
}

/* --- the monitor's word ------------------------------------------------ */

static void
test_user_limit(void **state)
{
	struct msg_login_verdict v = {.allow = 0};

	NEEDS_WORLD();
	begin();
	give("alice", ALICE);
	expect_on(&play.monitor, MSG_LOGIN_MAY);
	assert_int_equal(play.in.msg.login_may.uid, ALICE_UID);
	assert_string_equal(play.in.msg.login_may.user, "alice");
	assert_int_equal(play.in.msg.login_may.method, POLICY_METHOD_PASSWORD);
	assert_int_equal(
	    ipc_send(&play.monitor, MSG_LOGIN_VERDICT, &v, NULL, 0), 0);
	worker_expect(MSG_LOGIN_OVER);
	assert_non_null(strstr(text_of(), "as many sessions"));
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
}

/* Nobody there to decide: nobody is let in. */
static void
test_monitor_gone(void **state)
{
	NEEDS_WORLD();
	begin();
	give("alice", ALICE);
	expect_on(&play.monitor, MSG_LOGIN_MAY);
	ipc_channel_close(&play.monitor);
	worker_expect(MSG_LOGIN_OVER);
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
}

/* Nobody there to count the tries: there are none. */
static void
test_monitor_gone_before(void **state)
{
	struct msg_login_user m = {.user = "alice"};

	NEEDS_WORLD();
	begin();
	ipc_channel_close(&play.monitor);
	assert_int_equal(
	    ipc_send(&play.worker, MSG_LOGIN_USER, &m, NULL, 0), 0);
	worker_expect(MSG_LOGIN_OVER);
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
}

static void
test_time(void **state)
{
	struct msg_login_start start = default_start();

	NEEDS_WORLD();
	start.grace = 300;
	play_begin(&start);
	send_user("alice", "");
	worker_expect(MSG_LOGIN_PROMPT);
	expect_failure(LOGIN_FAILED_TIMEOUT);
	worker_expect(MSG_LOGIN_OVER);
	assert_non_null(strstr(text_of(), "timed out"));
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
	play_begin(&start);
	worker_expect(MSG_LOGIN_OVER); /* and no name at all */
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
}

/* --- other modules ----------------------------------------------------- */

/* Between two names: a failure of its own. */
static void
test_time_at_the_next_name(void **state)
{
	struct msg_login_start start = default_start();

	NEEDS_WORLD();
	start.grace = 3500;
	play_begin(&start);
	refused("alice", "wrong", MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS);
	expect_failure(LOGIN_FAILED_TIMEOUT);
	assert_int_equal(play.in.msg.login_failure.method, POLICY_METHOD_COUNT);
	worker_expect(MSG_LOGIN_OVER);
	assert_non_null(strstr(text_of(), "timed out"));
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
}

static void
test_two_prompts(void **state)
{
	uint64_t since;

	NEEDS_WORLD();
	use_module("two", "required");
	begin();
	send_user("alice", "");
	for (int i = 0; i < 2; i++) {
		worker_expect(MSG_LOGIN_PROMPT);
		assert_string_equal(text_of(), "First: ");
		assert_int_equal(play.in.msg.login_prompt.echo, 1);
		send_answer("open");
		worker_expect(MSG_LOGIN_PROMPT);
		assert_string_equal(text_of(), "Second: ");
		assert_int_equal(play.in.msg.login_prompt.echo, 0);
		since = time_boot_ns();
		send_answer(i == 0 ? "wrong" : "sesame");
		if (i > 0)
			break;
		expect_refusal(
		    MSG_LOGIN_AGAIN, LOGIN_FAILED_CREDENTIALS, since);
		send_user("alice", "");
	}
	expect_on(&play.monitor, MSG_LOGIN_MAY);
	assert_int_equal(
	    play.in.msg.login_may.method, POLICY_METHOD_KEYBOARD_INTERACTIVE);
	/* A module's text has lost what a terminal would obey. */
	assert_non_null(strstr(play.said, "two?[2Jwords\n"));
}

/* One connection's trouble: nobody is let in, and there is nothing to clean. */
static void
test_crash(void **state)
{
	NEEDS_WORLD();
	use_module("crash", "required");
	begin();
	send_user("alice", "");
	assert_int_equal(next_on(&play.worker), MSG_COUNT);
	assert_int_equal(play_end(), 1000 + SIGSEGV);
}

/* Deaf to everything but the monitor's SIGKILL. */
static void
test_hang(void **state)
{
	struct pollfd p;

	NEEDS_WORLD();
	use_module("hang", "required");
	begin();
	send_user("alice", "");
	p = (struct pollfd){.fd = play.worker.fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 300), 0);
	kill(play.pid, SIGKILL);
	assert_int_equal(next_on(&play.worker), MSG_COUNT);
	assert_int_equal(play_end(), 1000 + SIGKILL);
}

/* Nor for ever where the monitor has died: the kernel has an order to end it.
 */
static void
test_hang_without_monitor(void **state)
{
	struct msg_login_start start = default_start();
	struct pollfd p;

	NEEDS_WORLD();
	use_module("hang", "required");
	start.grace = 500;
	play_begin(&start);
	send_user("alice", "");
	ipc_channel_close(&play.monitor);
	p = (struct pollfd){.fd = play.worker.fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_int_equal(next_on(&play.worker), MSG_COUNT);
	assert_int_equal(play_end(), 1000 + SIGKILL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_right),
	    WORLD_TEST(test_wrong),
	    WORLD_TEST(test_failures_are_recorded),
	    WORLD_TEST(test_wrong_then_right),
	    WORLD_TEST(test_locked),
	    WORLD_TEST(test_names_that_are_none),
	    WORLD_TEST(test_expired_account),
	    WORLD_TEST(test_expired_password),
	    WORLD_TEST(test_nologin),
	    WORLD_TEST(test_nologin_before_password),
	    WORLD_TEST(test_no_answer_is_no_login),
	    WORLD_TEST(test_no_shell),
	    WORLD_TEST(test_unknown_names_are_told),
	    WORLD_TEST(test_short_of_descriptors),
	    WORLD_TEST(test_short_of_a_module),
	    WORLD_TEST(test_short_of_terminals),
	    WORLD_TEST(test_root),
	    WORLD_TEST(test_root_wrong_password),
	    WORLD_TEST(test_user_limit),
	    WORLD_TEST(test_monitor_gone),
	    WORLD_TEST(test_monitor_gone_before),
	    WORLD_TEST(test_time),
	    WORLD_TEST(test_time_at_the_next_name),
	    WORLD_TEST(test_two_prompts),
	    WORLD_TEST(test_crash),
	    WORLD_TEST(test_hang),
	    WORLD_TEST(test_hang_without_monitor),
	};

	return (cmocka_run_group_tests(tests, enter_world, leave_world));
}
