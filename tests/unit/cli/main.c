/*
 * The portreeve command against a daemon that the test plays: what is asked,
 * what is shown, and that no byte of a stranger's moves a terminal's cursor.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/stage/stage.h"
#include "ipc/channel.h"
#include "ipc/protocol.h"
#include "lib/fd.h"

static char dir[64], program[4096];
static int listener;

/* What a run of the command left. */
static struct {
	int status;
	char out[65536], err[4096];
} ran;

/* The daemon's part of one conversation; runs in a child. */
typedef void daemon_part(struct ipc_channel *ch, const struct ipc_in *asked);

static void
daemon_done(struct ipc_channel *ch, int status, const char *reason)
{
	struct msg_done done = {.status = (uint8_t)status};

	snprintf(done.reason, sizeof(done.reason), "%s", reason);
	if (ipc_send_wait(ch, MSG_DONE, &done, NULL, 0) != 0)
		_exit(1);
}

static pid_t
daemon_start(daemon_part *part)
{
	pid_t pid = fork();
	static struct ipc_in in;
	struct ipc_channel ch;

	assert_true(pid >= 0);
	if (pid > 0)
		return (pid);
	ipc_channel_init(&ch, accept(listener, NULL, NULL), ROLE_MASTER,
	    ROLE_CLIENT, ST_NEW);
	if (ipc_recv(&ch, &in) != 0 || in.type != MSG_HELLO ||
	    ipc_judge_hello(&ch, &in) != 0 || ipc_recv(&ch, &in) != 0)
		_exit(1);
	part(&ch, &in);
	_exit(0);
}

static size_t
drain(int fd, char *buf, size_t size, size_t used)
{
	ssize_t n = read(fd, buf + used, size - 1 - used);

	assert_true(n >= 0);
	buf[used + (size_t)n] = '\0';
	return (n == 0 ? SIZE_MAX : used + (size_t)n);
}

/* Run it with these arguments; NULL ends them. */
static void
run(const char *const *args)
{
	int out[2], err[2], status;
	const char *argv[16] = {program};
	size_t n = 1, used[2] = {0, 0};
	pid_t pid;

	while (*args != NULL)
		argv[n++] = *args++;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		/* Nobody who is logged in: a reload asks no more of that. */
		close(0);
		unsetenv("SSH_CONNECTION");
		if (open("/dev/null", O_RDONLY) != 0)
			_exit(127);
		dup2(out[1], 1);
		dup2(err[1], 2);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(out[1]);
	close(err[1]);
	ran.out[0] = ran.err[0] = '\0';
	while (used[0] != SIZE_MAX || used[1] != SIZE_MAX) {
		struct pollfd p[2] = {
		    {.fd = used[0] == SIZE_MAX ? -1 : out[0], .events = POLLIN},
		    {.fd = used[1] == SIZE_MAX ? -1 : err[0],
			.events = POLLIN}};

		assert_true(poll(p, 2, 20000) > 0);
		if (p[0].revents != 0)
			used[0] =
			    drain(out[0], ran.out, sizeof(ran.out), used[0]);
		if (p[1].revents != 0)
			used[1] =
			    drain(err[0], ran.err, sizeof(ran.err), used[1]);
	}
	close(out[0]);
	close(err[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	ran.status = WEXITSTATUS(status);
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

/* The same, with a daemon, which must have had its say. */
static void
ask(daemon_part *part, const char *const *args)
{
	pid_t pid = daemon_start(part);
	int status;

	run(args);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define ASK(part, ...)                                                         \
	ask(part, (const char *const[]){"-r", dir, __VA_ARGS__, NULL})

/* One line on stderr, with this in it. */
static void
one_line(const char *with)
{
	assert_non_null(strstr(ran.err, with));
	assert_ptr_equal(strchr(ran.err, '\n'), ran.err + strlen(ran.err) - 1);
	assert_memory_equal(ran.err, "portreeve: ", 11);
}

static void
test_usage(void **state)
{
	static const char *const wrong[][4] = {{NULL}, {"show"}, {"nothing"},
	    {"show", "nothing"}, {"reload", "now"}, {"check"},
	    {"check", "a", "b"}, {"clear", "session"}, {"clear"},
	    {"show", "services", "--set"}, {"show", "configuration", "--json"},
	    {"reload", "--json"}, {"--nothing"}, {"show", "services", "-x"},
	    {"-r"}, {"clear", "session", "x"}, {"clear", "session", "0"},
	    {"clear", "session", "-1"}, {"clear", "session", "7x"},
	    {"clear", "session", "99999999999999999999"}};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		RUN(wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3]);
		assert_int_equal(ran.status, 2);
		assert_string_equal(ran.out, "");
		one_line("");
	}
	RUN("show", "\x1b[2Jx");
	assert_int_equal(ran.status, 2);
	one_line("\\x1b[2Jx");
	RUN("--help");
	assert_int_equal(ran.status, 0);
	assert_non_null(strstr(ran.out, "show sessions [--json]"));
	assert_string_equal(ran.err, "");
	RUN("--version");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.out, "portreeve " VERSION "\n");
}

static void
test_no_daemon(void **state)
{
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/none", dir);
	RUN("-r", path, "show", "services");
	assert_int_equal(ran.status, 1);
	assert_string_equal(ran.out, "");
	one_line("start portreeved");
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	RUN("-r", path, "reload");
	assert_int_equal(ran.status, 1);
	one_line("too long");
}

static void
part_services(struct ipc_channel *ch, const struct ipc_in *asked)
{
	struct msg_row_service row = {.service = "finger",
	    .sessions = 3,
	    .connection_limit = 75,
	    .rate_limit = 150,
	    .accepted = 12345678901,
	    .refused = 0,
	    .state = "listening"};

	if (asked->type != MSG_SHOW_SERVICES)
		_exit(1);
	addr_parse(&row.address, "0.0.0.0", 79);
	ipc_send_wait(ch, MSG_ROW_SERVICE, &row, NULL, 0);
	addr_parse(&row.address, "::", 79);
	row.family = FAMILY_INET6;
	row.sessions = 0;
	snprintf(row.state, sizeof(row.state), "waiting: no such program here");
	ipc_send_wait(ch, MSG_ROW_SERVICE, &row, NULL, 0);
	daemon_done(ch, 0, "");
}

static void
test_services(void **state)
{
	(void)state;
	ASK(part_services, "show", "services");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.err, "");
	assert_string_equal(ran.out,
	    "service  family  address  port  sessions  connection-limit  "
	    "rate-limit     accepted  refused  state\n"
	    "finger   inet    0.0.0.0    79         3                75  "
	    "       150  12345678901        0  listening\n"
	    "finger   inet6   ::         79         0                75  "
	    "       150  12345678901        0  waiting: no such program "
	    "here\n");
	ASK(part_services, "show", "services", "--json");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.err, "");
	assert_memory_equal(ran.out,
	    "[\n  {\n    \"service\": \"finger\",\n"
	    "    \"family\": \"inet\",\n"
	    "    \"address\": \"0.0.0.0\",\n"
	    "    \"port\": 79,\n"
	    "    \"sessions\": 3,\n"
	    "    \"connection-limit\": 75,\n"
	    "    \"rate-limit\": 150,\n"
	    "    \"accepted\": 12345678901,\n"
	    "    \"refused\": 0,\n"
	    "    \"state\": \"listening\"\n"
	    "  },\n",
	    190);
}

static void
part_sessions(struct ipc_channel *ch, const struct ipc_in *asked)
{
	struct msg_row_session row = {.id = 10,
	    .service = "ssh",
	    .user = "al\x1b[2J\"\n\xff",
	    .tty = "pts/3",
	    .since = UINT64_C(1700000000) * 1000000000,
	    .pid = 4711,
	    .bytes_in = 5,
	    .bytes_out = UINT64_MAX,
	    .doing = "session"};

	if (asked->type != MSG_SHOW_SESSIONS)
		_exit(1);
	addr_parse(&row.source, "2001:db8::1", 40112);
	ipc_send_wait(ch, MSG_ROW_SESSION, &row, NULL, 0);
	/* Nothing is known of this one, whose id is the smaller. */
	memset(&row, 0, sizeof(row));
	row.id = 9;
	row.bytes_in = row.bytes_out = UINT64_MAX;
	ipc_send_wait(ch, MSG_ROW_SESSION, &row, NULL, 0);
	daemon_done(ch, 0, "");
}

static void
test_sessions(void **state)
{
	(void)state;
	ASK(part_sessions, "show", "sessions");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.err, "");
	assert_string_equal(ran.out,
	    "id  service  family  source       source-port  "
	    "user                 tty    since                  pid  "
	    "bytes-in  bytes-out  doing\n"
	    " 9  -        inet    -                      -  "
	    "-                    -      -                        -  "
	    "       -  -          -\n"
	    "10  ssh      inet6   2001:db8::1        40112  "
	    "al\\x1b[2J\\\"\\x0a\\xff  pts/3  2023-11-14T22:13:20Z"
	    "  4711         5  -          session\n");
}

static void
test_sessions_json(void **state)
{
	(void)state;
	ASK(part_sessions, "show", "sessions", "--json");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.err, "");
	assert_string_equal(ran.out,
	    "[\n  {\n    \"id\": 9,\n    \"service\": null,\n"
	    "    \"family\": \"inet\",\n    \"source\": null,\n"
	    "    \"source-port\": null,\n    \"user\": null,\n"
	    "    \"tty\": null,\n    \"since\": null,\n    \"pid\": null,\n"
	    "    \"bytes-in\": null,\n    \"bytes-out\": null,\n"
	    "    \"doing\": null\n  },\n"
	    "  {\n    \"id\": 10,\n    \"service\": \"ssh\",\n"
	    "    \"family\": \"inet6\",\n    \"source\": \"2001:db8::1\",\n"
	    "    \"source-port\": 40112,\n"
	    "    \"user\": \"al\\\\x1b[2J\\\\\\\"\\\\x0a\\\\xff\",\n"
	    "    \"tty\": \"pts/3\",\n"
	    "    \"since\": \"2023-11-14T22:13:20Z\",\n    \"pid\": 4711,\n"
	    "    \"bytes-in\": 5,\n    \"bytes-out\": null,\n"
	    "    \"doing\": \"session\"\n  }\n]\n");
}

static void
part_nothing(struct ipc_channel *ch, const struct ipc_in *asked)
{
	(void)asked;
	daemon_done(ch, 0, "");
}

static void
test_empty(void **state)
{
	(void)state;
	ASK(part_nothing, "show", "sessions", "--json");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.out, "[]\n");
	ASK(part_nothing, "show", "sessions");
	assert_int_equal(ran.status, 0);
	assert_memory_equal(ran.out, "id  service", 11);
	assert_ptr_equal(strchr(ran.out, '\n'), ran.out + strlen(ran.out) - 1);
}

static void
part_configuration(struct ipc_channel *ch, const struct ipc_in *asked)
{
	struct msg_text text = {0};
	const char *pieces[] = {
	    "system {\n\tservices { # \"a\\b\" \x1b[2J\r\n", "    }\n}\n"};

	if (asked->type != MSG_SHOW_CONFIGURATION)
		_exit(1);
	for (size_t i = 0; i < 2; i++) {
		const char *p = asked->msg.show_configuration.set
				    ? "set system\n"
				    : pieces[i];

		text.text.n = (uint16_t)strlen(p);
		memcpy(text.text.b, p, strlen(p));
		ipc_send_wait(ch, MSG_TEXT, &text, NULL, 0);
	}
	daemon_done(ch, 0, "");
}

static void
test_configuration(void **state)
{
	(void)state;
	ASK(part_configuration, "show", "configuration");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.err, "");
	assert_string_equal(ran.out,
	    "system {\n\tservices { # \"a\\b\" \\x1b[2J\\x0d\n    }\n}\n");
	ASK(part_configuration, "show", "configuration", "--set");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.out, "set system\nset system\n");
}

static void
part_refuses(struct ipc_channel *ch, const struct ipc_in *asked)
{
	if (asked->type == MSG_CLEAR_SESSION &&
	    asked->msg.clear_session.session != UINT64_MAX)
		_exit(1);
	daemon_done(ch, 1, "line 7: no such \"thing\"\x1b[2J\nlook again");
}

static void
part_closes(struct ipc_channel *ch, const struct ipc_in *asked)
{
	(void)asked;
	ipc_channel_close(ch);
}

static void
part_babbles(struct ipc_channel *ch, const struct ipc_in *asked)
{
	(void)asked;
	if (send(ch->fd, "\xff\xff..", 4, 0) != 4)
		_exit(1);
}

/* As the daemon says it when the HELLO does not agree with it. */
static void
part_is_older(struct ipc_channel *ch, const struct ipc_in *asked)
{
	struct msg_other_build other = {.words = "restart the daemon"};

	(void)asked;
	if (ipc_send(ch, MSG_OTHER_BUILD, &other, NULL, 0) != 0)
		_exit(1);
}

static void
part_obeys(struct ipc_channel *ch, const struct ipc_in *asked)
{
	if (asked->type != MSG_RELOAD &&
	    (asked->type != MSG_CLEAR_SESSION ||
		asked->msg.clear_session.session != 42))
		_exit(1);
	daemon_done(ch, 0, "");
}

static void
test_answers(void **state)
{
	(void)state;
	ASK(part_obeys, "reload");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.out, "");
	assert_string_equal(ran.err, "");
	ASK(part_obeys, "clear", "session", "42");
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.err, "");
	ASK(part_refuses, "reload");
	assert_int_equal(ran.status, 1);
	one_line("line 7: no such \"thing\"\\x1b[2J\\x0alook again");
	ASK(part_refuses, "clear", "session", "18446744073709551615");
	assert_int_equal(ran.status, 1);
	ASK(part_refuses, "show", "services", "--json");
	assert_int_equal(ran.status, 1);
	assert_string_equal(ran.out, "");
	ASK(part_closes, "show", "sessions");
	assert_int_equal(ran.status, 1);
	one_line("closed the connection");
	ASK(part_babbles, "show", "sessions");
	assert_int_equal(ran.status, 1);
	one_line("same version");
	ASK(part_is_older, "reload");
	assert_int_equal(ran.status, 1);
	one_line("restart the daemon");
}

/* What one command writes to a terminal. */
static void
on_terminal(const char *no_color)
{
	pid_t pid, daemon = daemon_start(part_services);
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status;
	size_t used = 0;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	pid = fork();
	if (pid == 0) {
		int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);

		dup2(terminal, 1);
		setenv("TERM", "xterm", 1);
		if (no_color != NULL)
			setenv("NO_COLOR", no_color, 1);
		else
			unsetenv("NO_COLOR");
		execl(program, program, "-r", dir, "show", "services", NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(daemon, &status, 0), daemon);
	while (strstr(ran.out, "inet6") == NULL || used == 0) {
		struct pollfd p = {.fd = master, .events = POLLIN};

		assert_int_equal(poll(&p, 1, 20000), 1);
		used = drain(master, ran.out, sizeof(ran.out), used);
	}
	close(master);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
test_colour(void **state)
{
	(void)state;
	on_terminal(NULL);
	assert_memory_equal(ran.out, "\033[1mservice", 11);
	on_terminal("");
	assert_memory_equal(ran.out, "\033[1mservice", 11);
	on_terminal("1");
	assert_memory_equal(ran.out, "service", 7);
	assert_null(strchr(ran.out, '\033'));
}

/* check is the daemon's own -n; here it is found beside the command. */
static void
test_check(void **state)
{
	char path[sizeof(dir) + 8];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/good", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	RUN("check", path);
	assert_int_equal(ran.status, 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(fd_write_all(fd, "system { nothing; }\n", 20), 0);
	close(fd);
	RUN("check", path);
	assert_int_equal(ran.status, 1);
	assert_memory_equal(ran.err, path, strlen(path));
	assert_memory_equal(ran.err + strlen(path), ":1:10: error: ", 14);
	unlink(path);
}

static int
setup(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	(void)state;
	strlcpy(program, stage_program("portreeve"), sizeof(program));
	strlcpy(dir, "/tmp/portreeve-cli-XXXXXX", sizeof(dir));
	if (mkdtemp(dir) == NULL)
		return (-1);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/control.sock", dir);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (listener < 0 ||
	    bind(listener, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return (-1);
	return (listen(listener, 4));
}

static int
teardown(void **state)
{
	char path[sizeof(dir) + 16];

	(void)state;
	snprintf(path, sizeof(path), "%s/control.sock", dir);
	unlink(path);
	return (rmdir(dir));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_usage),
	    cmocka_unit_test(test_no_daemon),
	    cmocka_unit_test(test_services),
	    cmocka_unit_test(test_sessions),
	    cmocka_unit_test(test_sessions_json),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_configuration),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_colour),
	    cmocka_unit_test(test_check),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
