/*
 * The login process as it is built, with its two neighbours played: monitor
 * and worker. Runs as root in a mount namespace of its own, where /etc is a
 * copy with users of the tests, and /run, /home and /var/log are empty.
 */
#include "tests/stage/login.h"

struct play play;
bool have_world;
static char work[] = "/tmp/portreeve-login-XXXXXX";

void
write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

void
append_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

void
run_program(const char *const argv[])
{
	union {
		const char *const *in;
		char *const *out;
	} vector = {.in = argv};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], vector.out);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void
mount_below(const char *name, const char *target)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	assert_int_equal(mount(path, target, NULL, MS_BIND, NULL), 0);
}

void
write_users(const char *alice_hash, const char *alice_rest)
{
	char row[512];

	write_file("/etc/passwd",
	    "root:x:0:0:root:/root:/bin/sh\n"
	    "toor:x:0:0:toor:/root:/bin/sh\n"
	    "alice:x:47113:47113:Alice:/home/alice:/bin/sh\n"
	    "bob:x:47114:47114:Bob:/home/none:/bin/sh\n"
	    "noshell:x:47115:47115::/:/home/shells/sh\n",
	    0644);
	write_file("/etc/group",
	    "root:x:0:\ntty:x:5:\nutmp:x:43:\nshadow:x:42:\n"
	    "alice:x:47113:\nbob:x:47114:\nfriends:x:47120:alice\n",
	    0644);
	snprintf(row, sizeof(row),
	    "root:%s:19000:0:99999:7:::\ntoor:%s:19000:0:99999:7:::\n",
	    ROOTS_HASH, ROOTS_HASH);
	write_file("/etc/shadow", row, 0600);
	snprintf(row, sizeof(row), "alice:%s:%s\n", alice_hash, alice_rest);
	append_file("/etc/shadow", row);
	snprintf(row, sizeof(row),
	    "bob:%s:19000:0:99999:7:::\n"
	    "noshell:%s:19000:0:99999:7:::\n",
	    ALICE_HASH, ALICE_HASH);
	append_file("/etc/shadow", row);
}

void
write_pam(const char *auth)
{
	char text[2048];

	snprintf(text, sizeof(text),
	    "auth     %s\n"
	    "account  required pam_nologin.so\n"
	    "account  required pam_unix.so\n"
	    "password required pam_unix.so sha512\n"
	    "session  required pam_limits.so\n"
	    "session  required pam_env.so readenv=1\n"
	    "session  required pam_unix.so\n"
	    "session  optional pam_motd.so noupdate\n",
	    auth);
	write_file("/etc/pam.d/login", text, 0644);
}

void
reset_world(void)
{
	write_users(ALICE_HASH, "19000:0:99999:7:::");
	write_pam("required pam_unix.so");
	unlink("/etc/nologin");
}

int
enter_world(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return (0);
	umask(022);
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_non_null(mkdtemp(work));
	assert_int_equal(mount("tmpfs", work, "tmpfs", 0, "mode=755"), 0);
	{
		char etc[128];
		const char *const copy[] = {"cp", "-a", "/etc", etc, NULL};

		snprintf(etc, sizeof(etc), "%s/etc", work);
		run_program(copy);
	}
	mount_below("etc", "/etc");
	mount_below("run", "/run");
	mount_below("home", "/home");
	mount_below("log", "/var/log");
	write_file("/var/log/wtmp", "", 0664);
	write_file("/var/log/lastlog", "", 0664);
	write_file("/etc/motd", "Welcome to the tests\n", 0644);
	write_file("/etc/profile", "", 0644);
	write_file("/etc/environment", "FROM_HOST=yes\n", 0644);
	assert_int_equal(mkdir("/home/alice", 0755), 0);
	assert_int_equal(chown("/home/alice", ALICE_UID, ALICE_UID), 0);
	reset_world();
	have_world = true;
	return (0);
}

int
leave_world(void **state)
{
	(void)state;
	if (have_world) {
		umount2(work, MNT_DETACH);
		rmdir(work);
	}
	return (0);
}

struct msg_login_start
default_start(void)
{
	struct msg_login_start m = {.session = 7,
	    .service = "telnet",
	    .kind = SERVICE_TELNET,
	    .pam_service = "login",
	    .root_login = ROOT_LOGIN_DENY_PASSWORD,
	    .tries = 3,
	    .grace = 30000};

	assert_int_equal(addr_parse(&m.peer, "192.0.2.7", 40112), 0);
	return (m);
}

static void __attribute__((noreturn)) exec_login(int monitor, int worker)
{
	static char title[] = "portreeve: login telnet";
	static char path_var[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *argv[] = {title, NULL}, *env[] = {path_var, NULL};

	setsid();
	monitor = fcntl(monitor, F_DUPFD, 20);
	worker = fcntl(worker, F_DUPFD, 20);
	if (dup2(monitor, 3) != 3 || dup2(worker, 4) != 4 ||
	    close_range(5, ~0U, 0) != 0)
		_exit(127);
	execve(stage_program("libexec/login"), argv, env);
	_exit(127);
}

void
play_begin(const struct msg_login_start *start)
{
	int m[2], w[2];

	memset(&play, 0, sizeof(play));
	play.tty = -1;
	assert_int_equal(fd_seqpacket_pair(m), 0);
	assert_int_equal(fd_seqpacket_pair(w), 0);
	play.pid = fork();
	assert_true(play.pid >= 0);
	if (play.pid == 0)
		exec_login(m[1], w[1]);
	close(m[1]);
	close(w[1]);
	ipc_channel_init(&play.monitor, m[0], ROLE_MONITOR, ROLE_LOGIN, ST_NEW);
	ipc_channel_init(&play.worker, w[0], ROLE_WORKER, ROLE_LOGIN, ST_LOGIN);
	assert_int_equal(
	    ipc_send(&play.monitor, MSG_LOGIN_START, start, NULL, 0), 0);
}

int
play_status(void)
{
	int status;

	assert_int_equal(waitpid(play.pid, &status, 0), play.pid);
	play.pid = 0;
	return (WIFSIGNALED(status) ? 1000 + WTERMSIG(status)
				    : WEXITSTATUS(status));
}

int
play_end(void)
{
	ipc_channel_close(&play.monitor);
	ipc_channel_close(&play.worker);
	fd_close(&play.tty);
	return (play_status());
}

int
clean_up(void **state)
{
	(void)state;
	if (!have_world)
		return (0);
	if (play.pid > 0) {
		kill(play.pid, SIGKILL);
		play_end();
	}
	reset_world();
	return (0);
}

enum msg_type
next_on(struct ipc_channel *ch)
{
	struct pollfd p = {.fd = ch->fd, .events = POLLIN};
	int err;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	err = ipc_recv_now(ch, &play.in);
	if (err == ERR_CLOSED)
		return (MSG_COUNT);
	assert_int_equal(err, 0);
	return (play.in.type);
}

void
expect_on(struct ipc_channel *ch, enum msg_type type)
{
	assert_string_equal(msg_name(next_on(ch)), msg_name(type));
}

enum msg_type
worker_next(void)
{
	for (;;) {
		enum msg_type type = next_on(&play.worker);
		size_t n = strlen(play.said);
		const struct msg_login_text *t = &play.in.msg.login_text;

		if (type != MSG_LOGIN_TEXT)
			return (type);
		assert_true(n + t->text.n < sizeof(play.said));
		memcpy(play.said + n, t->text.b, t->text.n);
		play.said[n + t->text.n] = '\0';
	}
}

void
worker_expect(enum msg_type type)
{
	assert_string_equal(msg_name(worker_next()), msg_name(type));
}

const char *
text_of(void)
{
	static char text[1025];
	const struct msg_login_again *a = &play.in.msg.login_again;
	const struct msg_login_over *o = &play.in.msg.login_over;
	const struct msg_login_prompt *p = &play.in.msg.login_prompt;
	const uint8_t *b = play.in.type == MSG_LOGIN_AGAIN  ? a->text.b
			   : play.in.type == MSG_LOGIN_OVER ? o->text.b
							    : p->text.b;
	size_t n = play.in.type == MSG_LOGIN_AGAIN  ? a->text.n
		   : play.in.type == MSG_LOGIN_OVER ? o->text.n
						    : p->text.n;

	memcpy(text, b, n);
	text[n] = '\0';
	return (text);
}

void
send_user(const char *user, const char *term)
{
	struct msg_login_user m = {.rows = 25, .columns = 81};

	snprintf(m.user, sizeof(m.user), "%s", user);
	snprintf(m.term, sizeof(m.term), "%s", term);
	assert_int_equal(
	    ipc_send(&play.worker, MSG_LOGIN_USER, &m, NULL, 0), 0);
	expect_on(&play.monitor, MSG_LOGIN_TRY);
	assert_string_equal(play.in.msg.login_try.user, user);
}

void
send_answer(const char *answer)
{
	struct msg_login_answer m = {.end_ = 0};

	m.answer.n = (uint16_t)strlen(answer);
	memcpy(m.answer.b, answer, m.answer.n);
	assert_int_equal(
	    ipc_send(&play.worker, MSG_LOGIN_ANSWER, &m, NULL, 0), 0);
	explicit_bzero(&m, sizeof(m));
}

void
give(const char *user, const char *password)
{
	send_user(user, "vt220");
	worker_expect(MSG_LOGIN_PROMPT);
	assert_string_equal(text_of(), "Password: ");
	assert_int_equal(play.in.msg.login_prompt.echo, 0);
	send_answer(password);
}

void
expect_failure(enum login_failure reason)
{
	expect_on(&play.monitor, MSG_LOGIN_FAILURE);
	assert_int_equal(play.in.msg.login_failure.reason, reason);
}

void
let_in(uint32_t processes)
{
	struct msg_login_verdict v = {.allow = 1, .processes = processes};

	expect_on(&play.monitor, MSG_LOGIN_MAY);
	assert_int_equal(
	    ipc_send(&play.monitor, MSG_LOGIN_VERDICT, &v, NULL, 0), 0);
	expect_on(&play.monitor, MSG_LOGIN_OPENED);
	play.opened = play.in.msg.login_opened;
	worker_expect(MSG_SESSION_STARTED);
	play.tty = play.in.fds[0];
	fd_set_nonblock(play.tty, 0);
}

bool
tty_until(char *buf, size_t size, const char *text)
{
	size_t n = 0;

	buf[0] = '\0';
	while (strstr(buf, text) == NULL) {
		struct pollfd p = {.fd = play.tty, .events = POLLIN};
		ssize_t got;

		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		assert_true(n + 1 < size);
		got = read(play.tty, buf + n, size - 1 - n);
		if (got <= 0)
			return (false);
		n += (size_t)got;
		buf[n] = '\0';
	}
	return (true);
}

void
tty_say(const char *line)
{
	assert_int_equal(fd_write_all(play.tty, line, strlen(line)), 0);
}

const char *
tty_run(const char *command)
{
	static char buf[16384];
	char line[1024], *start, *end;

	snprintf(line, sizeof(line), "echo '<''<'; %s; echo '>''>'\n", command);
	tty_say(line);
	if (!tty_until(buf, sizeof(buf), ">>\r\n"))
		fail_msg("the terminal's end, after: %s", buf);
	start = strstr(buf, "<<\r\n");
	end = strstr(buf, ">>\r\n");
	assert_non_null(start);
	*end = '\0';
	return (start + 4);
}
