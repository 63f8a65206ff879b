/*
 * The audit process, started and sealed as in life: the test plays the monitor
 * and the sources. As root with the full sandbox, as an ordinary user with the
 * rootless one.
 */
#ifndef PORTREEVE_TESTS_UNIT_AUDIT_AUDIT_H
#define PORTREEVE_TESTS_UNIT_AUDIT_AUDIT_H

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
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

#include "audit/event.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "sandbox/sandbox.h"

#define TEST_ID 61234 /* nobody's uid and gid */
#define WAIT_MS 10000

struct audit {
	pid_t pid;
	struct ipc_channel ch; /* the monitor's end */
	int out;	       /* what it writes in the foreground, or -1 */
	char buf[65536];
	size_t used;
};

static inline void
program_path(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);

	assert_true(n > 0);
	buf[n] = '\0';
	for (int up = 0; up < 4; up++) /* tests/unit/audit/writer */
		*strrchr(buf, '/') = '\0';
	assert_true(strlcat(buf, "/libexec/audit", size) < size);
}

/* fds 0 and 1 as given, 3 the channel, 2 the test's own. */
static inline void
audit_exec(int channel, int out)
{
	char path[4096];
	int null = open("/dev/null", O_RDWR);

	program_path(path, sizeof(path));
	if (dup2(null, 0) < 0 || dup2(out < 0 ? null : out, 1) < 0 ||
	    (channel == 3 ? fcntl(3, F_SETFD, 0) : dup2(channel, 3)) < 0)
		_exit(126);
	close_range(4, ~0u, 0);
	execl(path, "portreeve: audit", (char *)NULL);
	perror(path);
	_exit(127);
}

static inline void
audit_expect(struct audit *a, enum msg_type type, struct ipc_in *in)
{
	struct pollfd p = {.fd = a->ch.fd, .events = POLLIN};
	int err;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	err = ipc_recv(&a->ch, in);
	if (err == 0 && in->type == MSG_FAILED)
		fail_msg("%s", in->msg.failed.reason);
	assert_int_equal(err, 0);
	assert_int_equal(in->type, type);
}

/* isolate (may be NULL) runs in the child, before the exec. */
static inline void
audit_run(struct audit *a, int foreground, void (*isolate)(void))
{
	struct msg_seal seal = {.profile = SANDBOX_AUDIT,
	    .parent = getpid(),
	    .uid = TEST_ID,
	    .gid = TEST_ID,
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
	audit_expect(a, MSG_READY, &in);
}

/* A new source; returns the other end, to be closed by the caller. */
static inline int
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

static inline void
audit_wait_exit(struct audit *a, int want)
{
	int status;

	assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), want);
	ipc_channel_close(&a->ch);
	fd_close(&a->out);
}

static inline void
audit_stop(struct audit *a)
{
	struct msg_stop stop = {0};

	assert_int_equal(ipc_send(&a->ch, MSG_STOP, &stop, NULL, 0), 0);
	audit_wait_exit(a, 0);
}

/* The next line that it writes, waited for; "" at the end. */
static inline const char *
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
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = read(a->out, a->buf + a->used, sizeof(a->buf) - a->used);
		assert_true(n >= 0);
		if (n == 0)
			return ("");
		a->used += (size_t)n;
	}
}

static inline void
accepted(struct event_builder *b, uint64_t session)
{
	event_begin(b, EV_CONNECTION_ACCEPTED);
	event_text(b, FIELD_SERVICE, "finger");
	event_number(b, FIELD_SESSION, session);
	assert_int_equal(b->err, 0);
}

static inline int
send_event(int fd, const struct event_builder *b)
{
	uint8_t buf[IPC_MESSAGE_MAX];
	int n = msg_encode(MSG_EVENT, &b->msg, buf, sizeof(buf));

	assert_true(n > 0);
	return (send(fd, buf, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0
		    ? -errno
		    : 0);
}

#endif
