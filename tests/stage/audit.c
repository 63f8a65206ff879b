/*
 * The audit process, started and sealed as in life: the test plays the monitor
 * and the sources. As root with the full sandbox, as an ordinary user with the
 * rootless one.
 */
#include "tests/stage/audit.h"

void
audit_exec(int channel, int out)
{
	const char *path = stage_program("libexec/audit");
	int null = open("/dev/null", O_RDWR);

	if (dup2(null, 0) < 0 || dup2(out < 0 ? null : out, 1) < 0 ||
	    (channel == 3 ? fcntl(3, F_SETFD, 0) : dup2(channel, 3)) < 0)
		_exit(126);
	close_range(4, ~0u, 0);
	execl(path, "portreeve: audit", (char *)NULL);
	perror(path);
	_exit(127);
}

void
audit_run(struct audit *a, int foreground, void (*isolate)(void))
{
	struct msg_seal seal = {.profile = SANDBOX_AUDIT,
	    .parent = getpid(),
	    .uid = TEST_ID,
	    .gid = TEST_ID,
	    .group = UINT32_MAX,
	    .level = SANDBOX_LANDLOCK_OPTIONAL};
	int pair[2], out[2] = {-1, -1};
	struct ipc_in in;

	memset(a, 0, sizeof(*a));
	if (geteuid() != 0)
		seal.level = SANDBOX_ROOTLESS;
	seal.foreground = foreground != 0;
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	if (foreground)
		assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	a->pid = fork();
	assert_true(a->pid >= 0);
	if (a->pid == 0) {
		if (isolate != NULL)
			isolate();
		audit_exec(pair[1], out[1]);
	}
	close(pair[1]);
	if (foreground)
		close(out[1]);
	a->out = out[0];
	ipc_channel_init(&a->ch, pair[0], ROLE_MONITOR, ROLE_AUDIT, ST_NEW);
	assert_int_equal(ipc_send(&a->ch, MSG_SEAL, &seal, NULL, 0), 0);
	stage_expect(&a->ch, MSG_READY, &in);
}

int
audit_source(struct audit *a, enum role role, uint32_t number)
{
	struct msg_audit_source m = {.role = (uint8_t)role, .number = number};
	int pair[2];

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	assert_int_equal(
	    ipc_send(&a->ch, MSG_AUDIT_SOURCE, &m, &pair[1], 1), 0);
	close(pair[1]);
	return (pair[0]);
}

void
audit_wait_exit(struct audit *a, int want)
{
	int status;

	assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), want);
	ipc_channel_close(&a->ch);
	fd_close(&a->out);
}

void
audit_stop(struct audit *a)
{
	struct msg_stop stop = {0};

	assert_int_equal(ipc_send(&a->ch, MSG_STOP, &stop, NULL, 0), 0);
	audit_wait_exit(a, 0);
}

const char *
audit_line(struct audit *a)
{
	static char line[16384];

	for (;;) {
		char *newline = memchr(a->buf, '\n', a->used);
		struct pollfd p = {.fd = a->out, .events = POLLIN};
		size_t len;
		ssize_t n;

		if (newline != NULL) {
			len = (size_t)(newline - a->buf);
			assert_true(len < sizeof(line));
			memcpy(line, a->buf, len);
			line[len] = '\0';
			a->used -= len + 1;
			memmove(a->buf, newline + 1, a->used);
			return (line);
		}
		assert_true(a->used < sizeof(a->buf));
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		n = read(a->out, a->buf + a->used, sizeof(a->buf) - a->used);
		assert_true(n >= 0);
		if (n == 0)
			return ("");
		a->used += (size_t)n;
	}
}

void
audit_accepted(struct event_builder *b, uint64_t session)
{
	event_begin(b, EV_CONNECTION_ACCEPTED);
	event_text(b, FIELD_SERVICE, "finger");
	event_number(b, FIELD_SESSION, session);
	assert_int_equal(b->err, 0);
}

int
audit_send_event(int fd, const struct event_builder *b)
{
	uint8_t buf[IPC_MESSAGE_MAX];
	int n = msg_encode(MSG_EVENT, &b->msg, buf, sizeof(buf));

	assert_true(n > 0);
	return (send(fd, buf, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0
		    ? -errno
		    : 0);
}
