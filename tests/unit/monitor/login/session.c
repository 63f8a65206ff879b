/* A login's session: identity, environment, terminal, records, its end. */
#include "tests/stage/login.h"

#include <sys/ioctl.h>
#include <sys/un.h>

#include <lastlog.h>
#include <time.h>
#include <utmpx.h>

static void
begin_session(uint32_t processes)
{
	struct msg_login_start start = default_start();

	play_begin(&start);
	give("alice", ALICE);
	let_in(processes);
}

static void
test_identity(void **state)
{
	NEEDS_WORLD();
	begin_session(0);
	assert_string_equal(tty_run("id"),
	    "uid=47113(alice) gid=47113(alice) "
	    "groups=47113(alice),47120(friends)\r\n");
	assert_string_equal(tty_run("pwd; echo $0"), "/home/alice\r\n-sh\r\n");
	/* No descriptor of ours: 3 is ls's own. */
	assert_string_equal(tty_run("ls /proc/self/fd"), "0  1  2  3\r\n");
	assert_string_equal(
	    tty_run("grep -c 'NoNewPrivs:.0' /proc/self/status"), "1\r\n");
	assert_string_equal(
	    tty_run("grep CapBnd /proc/self/status | grep -c 0000000000"),
	    "0\r\n");
}

static void
test_environment(void **state)
{
	NEEDS_WORLD();
	begin_session(0);
	assert_string_equal(tty_run("env | grep -v ^PWD | sort"),
	    "FROM_HOST=yes\r\n"
	    "HOME=/home/alice\r\n"
	    "LOGNAME=alice\r\n"
	    "MAIL=/var/mail/alice\r\n"
	    "MOTD_SHOWN=pam\r\n"
	    "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games\r\n"
	    "SHELL=/bin/sh\r\n"
	    "TERM=vt220\r\n"
	    "USER=alice\r\n");
	assert_non_null(strstr(play.said, "Welcome to the tests"));
}

static void
test_terminal_names(void **state)
{
	static const struct {
		const char *term, *got;
	} cases[] = {{"xterm-256color", "xterm-256color"}, {"", "dumb"},
	    {"../../etc/x", "dumb"}, {"a b", "dumb"}, {"x;id", "dumb"},
	    {".hidden", "dumb"}, {"$(id)", "dumb"}};
	struct msg_login_start start = default_start();
	char wanted[64];

	NEEDS_WORLD();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		play_begin(&start);
		send_user("alice", cases[i].term);
		worker_expect(MSG_LOGIN_PROMPT);
		send_answer(ALICE);
		let_in(0);
		snprintf(wanted, sizeof(wanted), "%s\r\n", cases[i].got);
		assert_string_equal(tty_run("echo $TERM"), wanted);
		tty_say("exit\n");
		worker_expect(MSG_SESSION_ENDED);
		assert_int_equal(play_end(), 0);
	}
}

static void
test_terminal(void **state)
{
	struct winsize size;
	struct stat st;
	char path[64], buf[4096];

	NEEDS_WORLD();
	begin_session(0);
	assert_string_equal(tty_run("stty size"), "25 81\r\n");
	assert_int_equal(ioctl(play.tty, TIOCGWINSZ, &size), 0);
	size.ws_row = 50;
	assert_int_equal(ioctl(play.tty, TIOCSWINSZ, &size), 0);
	assert_string_equal(tty_run("stty size"), "50 81\r\n");
	snprintf(path, sizeof(path), "/dev/%s", play.opened.tty);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, ALICE_UID);
	assert_int_equal(st.st_gid, 5);
	assert_int_equal(st.st_mode & 0777, 0620);
	/* A session leader with a terminal of its own, told to the monitor. */
	assert_int_equal(
	    strtol(tty_run("ps -o sid= -p $$"), NULL, 10), play.opened.leader);
	/* The line's own interrupt reaches the foreground. */
	tty_say("sh -c 'echo as''leep; exec sleep 100'\n");
	assert_true(tty_until(buf, sizeof(buf), "asleep\r\n"));
	tty_say("\003");
	assert_string_equal(tty_run("echo alive"), "alive\r\n");
}

static bool
utmp_has(short type, pid_t pid)
{
	struct utmpx *u;
	bool found = false;

	utmpxname("/run/utmp");
	setutxent();
	while ((u = getutxent()) != NULL) {
		if (u->ut_type != type || u->ut_pid != pid ||
		    strcmp(u->ut_line, play.opened.tty) != 0)
			continue;
		found = type == DEAD_PROCESS ||
			(strcmp(u->ut_user, "alice") == 0 &&
			    strcmp(u->ut_host, "192.0.2.7") == 0);
	}
	endutxent();
	return (found);
}

/* Another login of the same moment, on another line. */
static void
write_lastlog(void)
{
	struct lastlog ll = {.ll_time = (int32_t)(time(NULL) + 5),
	    .ll_line = "pts/none",
	    .ll_host = "192.0.2.8"};
	int fd = open("/var/log/lastlog", O_WRONLY | O_CLOEXEC);

	assert_int_equal(
	    pwrite(fd, &ll, sizeof(ll), (off_t)ALICE_UID * (off_t)sizeof(ll)),
	    sizeof(ll));
	close(fd);
}

static void
test_records(void **state)
{
	struct lastlog ll = {0};
	struct stat st;
	pid_t pid;
	int fd;

	NEEDS_WORLD();
	unlink("/run/utmp");
	write_lastlog();
	begin_session(0);
	pid = play.pid;
	assert_int_equal(stat("/run/utmp", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0664);
	assert_int_equal(st.st_gid, 43);
	assert_true(utmp_has(USER_PROCESS, pid));
	fd = open("/var/log/lastlog", O_RDONLY | O_CLOEXEC);
	assert_int_equal(
	    pread(fd, &ll, sizeof(ll), (off_t)ALICE_UID * (off_t)sizeof(ll)),
	    sizeof(ll));
	close(fd);
	assert_string_equal(ll.ll_host, "192.0.2.7");
	assert_string_equal(ll.ll_line, play.opened.tty);
	tty_say("exit 3\n");
	worker_expect(MSG_SESSION_ENDED);
	assert_int_equal(play.in.msg.session_ended.how, ENDED_EXITED);
	assert_int_equal(play.in.msg.session_ended.value, 3);
	assert_int_equal(play_end(), 0);
	assert_true(utmp_has(DEAD_PROCESS, pid));
	assert_false(utmp_has(USER_PROCESS, pid));
	assert_int_equal(stat("/var/log/wtmp", &st), 0);
	assert_int_equal((size_t)st.st_size % sizeof(struct utmpx), 0);
	assert_true((size_t)st.st_size >= 2 * sizeof(struct utmpx));
}

/* Not a small one: programs beside this one have alice's processes too. */
static void
test_process_limit(void **state)
{
	NEEDS_WORLD();
	begin_session(517);
	assert_string_equal(tty_run("ulimit -p; ulimit -Hp"), "517\r\n517\r\n");
}

static void
test_killed_shell(void **state)
{
	NEEDS_WORLD();
	begin_session(0);
	tty_say("kill -9 $$\n");
	worker_expect(MSG_SESSION_ENDED);
	assert_int_equal(play.in.msg.session_ended.how, ENDED_SIGNAL);
	assert_int_equal(play.in.msg.session_ended.value, SIGKILL);
	assert_int_equal(play_end(), 0);
}

static void
test_worker_gone(void **state)
{
	pid_t leader;

	NEEDS_WORLD();
	begin_session(0);
	leader = play.opened.leader;
	tty_run("true");
	fd_close(&play.tty);
	ipc_channel_close(&play.worker);
	assert_int_equal(play_status(), 0);
	assert_int_equal(kill(leader, 0), -1);
}

/* By the monitor's socket, whose close it waits for. */
static void
test_tells_how_it_ended(void **state)
{
	struct msg_login_start start = default_start();
	struct sockaddr_un sun = {
	    .sun_family = AF_UNIX, .sun_path = "/run/login.sock"};
	struct ipc_channel words;
	int fd;

	NEEDS_WORLD();
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	memcpy(start.socket, sun.sun_path, sizeof("/run/login.sock"));
	play_begin(&start);
	give("alice", ALICE);
	let_in(0);
	tty_say("exit 77\n");
	ipc_channel_init(&words, accept(fd, NULL, NULL), ROLE_MONITOR,
	    ROLE_LOGIN, ST_SESSION);
	expect_on(&words, MSG_LOGIN_CLOSED);
	assert_int_equal(play.in.msg.login_closed.how, ENDED_EXITED);
	assert_int_equal(play.in.msg.login_closed.value, 77);
	/* The books are open as long as the monitor is at it. */
	assert_true(utmp_has(USER_PROCESS, play.pid));
	ipc_channel_close(&words);
	close(fd);
	assert_int_equal(play_end(), 0);
}

/* A shell that hears no hang-up is killed after five seconds, no sooner. */
static void
test_worker_gone_deaf_shell(void **state)
{
	char buf[4096];
	uint64_t begun;
	pid_t leader;

	NEEDS_WORLD();
	begin_session(0);
	leader = play.opened.leader;
	/* No shell of the terminal's own: those end when it is gone. */
	tty_say("exec sh -c \"trap '' HUP TERM; echo de''af; "
		"exec sleep 1000\"\n");
	assert_true(tty_until(buf, sizeof(buf), "deaf\r\n"));
	begun = time_boot_ns();
	fd_close(&play.tty);
	ipc_channel_close(&play.worker);
	assert_int_equal(play_status(), 0);
	assert_true(time_boot_ns() - begun >= 4900000000u);
	assert_int_equal(kill(leader, 0), -1);
}

static void
test_monitor_gone(void **state)
{
	NEEDS_WORLD();
	begin_session(0);
	ipc_channel_close(&play.monitor);
	assert_string_equal(tty_run("echo on"), "on\r\n");
	tty_say("exit\n");
	worker_expect(MSG_SESSION_ENDED);
	assert_int_equal(play_end(), 0);
}

/* Told to end: the session is hung up, and the books are closed. */
static void
test_terminated(void **state)
{
	pid_t pid;

	NEEDS_WORLD();
	begin_session(0);
	pid = play.pid;
	tty_run("true");
	kill(pid, SIGTERM);
	worker_expect(MSG_SESSION_ENDED);
	assert_int_equal(play_end(), 0);
	assert_true(utmp_has(DEAD_PROCESS, pid));
}

static void
test_no_home_no_shell(void **state)
{
	struct msg_login_start start = default_start();
	char buf[4096];

	NEEDS_WORLD();
	play_begin(&start);
	give("bob", ALICE);
	let_in(0);
	assert_string_equal(tty_run("pwd; echo $HOME"), "/\r\n/\r\n");
	tty_say("exit\n");
	worker_expect(MSG_SESSION_ENDED);
	play_end();
	/* One that may be executed, says its mode. */
	assert_int_equal(mkdir("/home/shells", 0755), 0);
	write_file("/home/shells/sh", "\x7f", 0755);
	play_begin(&start);
	give("noshell", ALICE);
	let_in(0);
	assert_true(
	    tty_until(buf, sizeof(buf), "/home/shells/sh cannot be run"));
	worker_expect(MSG_SESSION_ENDED);
	assert_int_equal(play.in.msg.session_ended.value, 1);
	assert_int_equal(play_end(), 0);
}

/*
 * utmp that cannot be written at the session's end: the exit status says so,
 * and the monitor sees to it.
 */
static void
test_record_that_stays_open(void **state)
{
	NEEDS_WORLD();
	begin_session(0);
	assert_string_equal(tty_run("echo in"), "in\r\n");
	assert_int_equal(rename("/run/utmp", "/run/utmp.away"), 0);
	assert_int_equal(mkdir("/run/utmp", 0755), 0);
	tty_say("exit\n");
	worker_expect(MSG_SESSION_ENDED);
	assert_int_equal(play_end(), LOGIN_EXIT_RECORD);
	assert_int_equal(rmdir("/run/utmp"), 0);
	assert_int_equal(rename("/run/utmp.away", "/run/utmp"), 0);
}

static void
test_session_sandbox(void **state)
{
	struct msg_login_start start = default_start();

	NEEDS_WORLD();
	start.session_sandbox = 1;
	play_begin(&start);
	give("alice", ALICE);
	let_in(0);
	assert_string_equal(
	    tty_run("grep ^Seccomp: /proc/self/status"), "Seccomp:\t2\r\n");
	assert_string_equal(
	    tty_run("grep -c 'NoNewPrivs:.0' /proc/self/status"), "1\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_identity),
	    WORLD_TEST(test_environment),
	    WORLD_TEST(test_terminal_names),
	    WORLD_TEST(test_terminal),
	    WORLD_TEST(test_records),
	    WORLD_TEST(test_process_limit),
	    WORLD_TEST(test_killed_shell),
	    WORLD_TEST(test_worker_gone),
	    WORLD_TEST(test_tells_how_it_ended),
	    WORLD_TEST(test_worker_gone_deaf_shell),
	    WORLD_TEST(test_monitor_gone),
	    WORLD_TEST(test_terminated),
	    WORLD_TEST(test_no_home_no_shell),
	    WORLD_TEST(test_record_that_stays_open),
	    WORLD_TEST(test_session_sandbox),
	};

	return (cmocka_run_group_tests(tests, enter_world, leave_world));
}
