/*
 * The audit process itself, sealed as in life: the test plays the monitor and
 * the sources, and reads what it writes. As root with the full sandbox, as an
 * ordinary user with the rootless one.
 */
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
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

static void
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
static void
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

static void
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
static void
audit_run(struct audit *a, int foreground, void (*isolate)(void))
{
	struct msg_seal seal = {.profile = SANDBOX_AUDIT, .uid = TEST_ID,
	    .gid = TEST_ID, .level = SANDBOX_LANDLOCK_OPTIONAL};
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
static int
audit_source(struct audit *a, enum role role, uint32_t number)
{
	struct msg_audit_source m = {.role = (uint8_t)role, .number = number};
	int pair[2];

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	assert_int_equal(ipc_send(&a->ch, MSG_AUDIT_SOURCE, &m, &pair[1], 1),
	    0);
	close(pair[1]);
	return (pair[0]);
}

static void
audit_wait_exit(struct audit *a, int want)
{
	int status;

	assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), want);
	ipc_channel_close(&a->ch);
	fd_close(&a->out);
}

static void
audit_stop(struct audit *a)
{
	struct msg_stop stop = {0};

	assert_int_equal(ipc_send(&a->ch, MSG_STOP, &stop, NULL, 0), 0);
	audit_wait_exit(a, 0);
}

/* The next line that it writes, waited for; "" at the end. */
static const char *
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

static void
accepted(struct event_builder *b, uint64_t session)
{
	event_begin(b, EV_CONNECTION_ACCEPTED);
	event_text(b, FIELD_SERVICE, "finger");
	event_number(b, FIELD_SESSION, session);
	assert_int_equal(b->err, 0);
}

static int
send_event(int fd, const struct event_builder *b)
{
	uint8_t buf[IPC_MESSAGE_MAX];
	int n = msg_encode(MSG_EVENT, &b->msg, buf, sizeof(buf));

	assert_true(n > 0);
	return (send(fd, buf, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ?
		-errno :
		0);
}

static void
test_lines(void **state)
{
	struct event_builder b;
	struct audit a;
	int master, mon;

	(void)state;
	audit_run(&a, 1, NULL);
	master = audit_source(&a, ROLE_MASTER, 1);
	mon = audit_source(&a, ROLE_MONITOR, 2);
	event_begin(&b, EV_READY);
	event_text(&b, FIELD_SERVICES, "finger");
	assert_int_equal(send_event(mon, &b), 0);
	assert_string_equal(audit_line(&a), "event=ready services=finger");
	accepted(&b, 7);
	assert_int_equal(send_event(master, &b), 0);
	assert_string_equal(audit_line(&a),
	    "event=connection-accepted service=finger session=7");
	/* What was sent before STOP is written. */
	event_begin(&b, EV_STOPPED);
	assert_int_equal(send_event(mon, &b), 0);
	{
		struct msg_stop stop = {0};

		assert_int_equal(ipc_send(&a.ch, MSG_STOP, &stop, NULL, 0),
		    0);
	}
	assert_string_equal(audit_line(&a), "event=stopped");
	assert_string_equal(audit_line(&a), "");
	audit_wait_exit(&a, 0);
	close(master);
	close(mon);
}

/* The monitor dies: what others still say is written, then it ends. */
static void
test_orphaned(void **state)
{
	struct event_builder b;
	struct audit a;
	int master;

	(void)state;
	audit_run(&a, 1, NULL);
	master = audit_source(&a, ROLE_MASTER, 1);
	accepted(&b, 1);
	assert_int_equal(send_event(master, &b), 0);
	ipc_channel_close(&a.ch);
	assert_non_null(strstr(audit_line(&a), "session=1"));
	accepted(&b, 2);
	assert_int_equal(send_event(master, &b), 0);
	assert_non_null(strstr(audit_line(&a), "session=2"));
	close(master);
	assert_string_equal(audit_line(&a), "");
	audit_wait_exit(&a, 0);
}

/*
 * What a source may not do: each is told, to the monitor with the source's
 * number, and ends that source alone.
 */
static void
test_breach(void **state)
{
	enum { FOREIGN, GARBAGE, EMPTY_TYPE, LONG, DESCRIPTOR, OTHER, KINDS };
	struct event_builder b;
	struct audit a;
	int mon;

	(void)state;
	audit_run(&a, 1, NULL);
	mon = audit_source(&a, ROLE_MONITOR, 0);
	for (uint32_t kind = 0; kind < KINDS; kind++) {
		int fd = audit_source(&a, ROLE_MASTER, 100 + kind);
		struct msg_ready ready = {0};
		uint8_t buf[4096] = {0xff, 0xff};
		struct ipc_channel ch;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		struct ipc_in in;
		int n;

		accepted(&b, 1);
		assert_int_equal(send_event(fd, &b), 0);
		switch (kind) {
		case FOREIGN: /* the monitor's event */
			event_begin(&b, EV_READY);
			assert_int_equal(send_event(fd, &b), 0);
			break;
		case GARBAGE:
			assert_int_equal(send(fd, buf, 100, 0), 100);
			break;
		case EMPTY_TYPE:
			assert_int_equal(send(fd, buf, 1, 0), 1);
			break;
		case LONG:
			n = msg_encode(MSG_EVENT, &b.msg, buf, sizeof(buf));
			assert_true(n > 0);
			assert_int_equal(send(fd, buf, sizeof(buf), 0),
			    sizeof(buf));
			break;
		case DESCRIPTOR: {
			struct iovec iov = {.iov_base = buf};
			union {
				char b[CMSG_SPACE(sizeof(int))];
				struct cmsghdr align;
			} c;
			struct msghdr hdr = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.b,
			    .msg_controllen = sizeof(c)};

			memset(&c, 0, sizeof(c));
			c.align.cmsg_level = SOL_SOCKET;
			c.align.cmsg_type = SCM_RIGHTS;
			c.align.cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(&c.align), &fd, sizeof(fd));
			n = msg_encode(MSG_EVENT, &b.msg, buf, sizeof(buf));
			assert_true(n > 0);
			iov.iov_len = (size_t)n;
			assert_int_equal(sendmsg(fd, &hdr, 0), n);
			break;
		}
		case OTHER: /* a good message of another channel's */
			ipc_channel_init(&ch, fd, ROLE_MASTER, ROLE_MONITOR,
			    ST_SEALED);
			assert_int_equal(ipc_send(&ch, MSG_READY, &ready,
					     NULL, 0),
			    0);
			break;
		default:
			break;
		}
		assert_non_null(strstr(audit_line(&a), "session=1"));
		assert_non_null(strstr(audit_line(&a), "event=warning reason="
						       "\"the master sent"));
		audit_expect(&a, MSG_AUDIT_BREACH, &in);
		assert_int_equal(in.msg.audit_breach.role, ROLE_MASTER);
		assert_int_equal(in.msg.audit_breach.number, 100 + kind);
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_true((p.revents & POLLHUP) != 0);
		close(fd);
	}
	/* The others are still heard. */
	event_begin(&b, EV_READY);
	assert_int_equal(send_event(mon, &b), 0);
	assert_string_equal(audit_line(&a), "event=ready");
	close(mon);
	audit_stop(&a);
}

/*
 * Nobody reads what it writes: the reporting side goes on at once, and at the
 * end every event was either written, in order, or counted as dropped.
 */
static void
test_full_pipe(void **state)
{
	const uint64_t events = 30000;
	struct event_sink *s = event_sink_new(ROLE_MASTER, 64);
	struct event_builder b;
	uint64_t next = 1, lost = 0;
	struct audit a;
	int fd;

	(void)state;
	audit_run(&a, 1, NULL);
	fd = audit_source(&a, ROLE_MASTER, 1);
	event_sink_attach(s, fd);
	for (uint64_t i = 1; i <= events; i++) {
		accepted(&b, i);
		event_emit(s, &b);
	}
	assert_true(event_sink_wants_write(s));
	while (next <= events) {
		const char *line = audit_line(&a), *p;

		assert_string_not_equal(line, "");
		event_sink_flush(s);
		p = strstr(line, "count=");
		if (p != NULL) {
			assert_non_null(strstr(line, "event=events-dropped"));
			lost += strtoull(p + 6, NULL, 10);
			next += strtoull(p + 6, NULL, 10);
			continue;
		}
		p = strstr(line, "session=");
		assert_non_null(p);
		assert_true(strtoull(p + 8, NULL, 10) == next);
		next++;
	}
	assert_true(lost > 0);
	event_sink_free(s);
	audit_stop(&a);
}

/* One source's flood does not keep another's event waiting. */
static void
test_fair(void **state)
{
	struct event_builder b;
	struct audit a;
	int flood, mon, before = 0;

	(void)state;
	audit_run(&a, 1, NULL);
	kill(a.pid, SIGSTOP);
	flood = audit_source(&a, ROLE_MASTER, 1);
	mon = audit_source(&a, ROLE_MONITOR, 2);
	accepted(&b, 1);
	for (int i = 0; i < 200; i++)
		assert_int_equal(send_event(flood, &b), 0);
	event_begin(&b, EV_READY);
	assert_int_equal(send_event(mon, &b), 0);
	kill(a.pid, SIGCONT);
	while (strstr(audit_line(&a), "event=ready") == NULL)
		before++;
	assert_true(before < 150);
	while (before < 200) {
		assert_non_null(strstr(audit_line(&a), "session=1"));
		before++;
	}
	close(flood);
	close(mon);
	audit_stop(&a);
}

/* The reader of its lines goes: it lives, and tells the loss to the next. */
static void
test_reader_gone(void **state)
{
	struct event_builder b;
	struct audit a;
	int master;

	(void)state;
	audit_run(&a, 1, NULL);
	master = audit_source(&a, ROLE_MASTER, 1);
	fd_close(&a.out);
	accepted(&b, 1);
	assert_int_equal(send_event(master, &b), 0);
	assert_int_equal(send_event(master, &b), 0);
	close(master);
	audit_stop(&a);
}

/* A /run and a /dev of its own, in which there is a socket of the test's. */
static char stage[64];

static void
stage_isolate(void)
{
	char path[96];
	uid_t uid = getuid();
	gid_t gid = getgid();
	int ordinary = geteuid() != 0;

	if (unshare((ordinary ? CLONE_NEWUSER : 0) | CLONE_NEWNS) < 0)
		goto fail;
	if (ordinary) {
		char map[64];
		int fd;

		snprintf(map, sizeof(map), "%u %u 1", uid, uid);
		if ((fd = open("/proc/self/uid_map", O_WRONLY)) < 0 ||
		    write(fd, map, strlen(map)) < 0)
			goto fail;
		close(fd);
		(void)gid;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		goto fail;
	snprintf(path, sizeof(path), "%s/run", stage);
	if (mount(path, "/run", NULL, MS_BIND, NULL) < 0)
		goto fail;
	snprintf(path, sizeof(path), "%s/dev", stage);
	if (mount(path, "/dev", NULL, MS_BIND, NULL) < 0)
		goto fail;
	return;
fail:
	perror("the test's mounts");
	_exit(125);
}

static void
stage_make(const char *folder)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", stage, folder);
	assert_int_equal(mkdir(path, 0755), 0);
}

static int
stage_socket(const char *name)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", stage, name);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(chmod(sun.sun_path, 0666), 0);
	return (fd);
}

static void
stage_up(void)
{
	int fd;
	char path[96];

	strlcpy(stage, "/tmp/portreeve-audit-XXXXXX", sizeof(stage));
	assert_non_null(mkdtemp(stage));
	assert_int_equal(chmod(stage, 0755), 0);
	stage_make("run");
	stage_make("run/systemd");
	stage_make("run/systemd/journal");
	stage_make("dev");
	snprintf(path, sizeof(path), "%s/dev/null", stage);
	fd = open(path, O_CREAT | O_WRONLY, 0666);
	assert_true(fd >= 0);
	close(fd);
}

static void
stage_down(void)
{
	static const char *const names[] = {"run/systemd/journal/socket",
	    "run/systemd/journal", "run/systemd", "run", "dev/null",
	    "dev/log", "dev", ""};
	char path[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", stage, names[i]);
		remove(path);
	}
}

/* Whether the mounts can be had, asked in a child. */
static int
stage_possible(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		close(2);
		stage_isolate();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static size_t
receive(int fd, char *buf, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	n = recv(fd, buf, size - 1, 0);
	assert_true(n > 0);
	buf[n] = '\0';
	return ((size_t)n);
}

static void
hostile_event(struct event_builder *b)
{
	event_begin(b, EV_AUTH_FAILURE);
	event_text(b, FIELD_SERVICE, "ssh");
	event_text(b, FIELD_SOURCE, "::1");
	event_number(b, FIELD_SOURCE_PORT, 40112);
	event_text(b, FIELD_USER, "x\nPORTREEVE_EVENT=auth-success");
	event_text(b, FIELD_METHOD, "password");
	event_text(b, FIELD_REASON, "credentials");
}

/* Entries as the journal's native protocol has them (systemd's
 * JOURNAL_NATIVE_PROTOCOL): NAME=VALUE lines. */
static void
test_journal(void **state)
{
	static const char *const want[] = {"\nPORTREEVE_EVENT=auth-failure\n",
	    "\nPORTREEVE_SERVICE=ssh\n", "\nPORTREEVE_SOURCE=::1\n",
	    "\nPORTREEVE_SOURCE_PORT=40112\n",
	    "\nPORTREEVE_USER=x\\x0aPORTREEVE_EVENT=auth-success\n",
	    "\nPORTREEVE_METHOD=password\n", "\nPORTREEVE_REASON=credentials\n",
	    "\nMESSAGE_ID=0f8c5a4e7d2b4c16b1a0c9b3e5f70006\n",
	    "\nPRIORITY=5\n", "\nSYSLOG_IDENTIFIER=portreeved\n",
	    "\nMESSAGE=ssh: login of x\\x0aPORTREEVE_EVENT=auth-success by "
	    "password from ::1 failed: credentials\n"};
	struct event_builder b;
	char buf[16384] = "\n";
	struct audit a;
	int master, log;

	(void)state;
	stage_up();
	if (!stage_possible()) {
		stage_down();
		print_message("no mount namespace for this user here\n");
		skip();
	}
	log = stage_socket("run/systemd/journal/socket");
	audit_run(&a, 0, stage_isolate);
	master = audit_source(&a, ROLE_LOGREADER, 1);
	hostile_event(&b);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send_event(master, &b), 0);
		receive(log, buf + 1, sizeof(buf) - 1);
		for (size_t w = 0; w < sizeof(want) / sizeof(want[0]); w++)
			assert_non_null(strstr(buf, want[w]));
		assert_null(strstr(buf, "\nPORTREEVE_EVENT=auth-success"));
	}
	close(log);
	close(master);
	audit_stop(&a);
	stage_down();
}

static void
test_syslog(void **state)
{
	struct event_builder b;
	char buf[16384], *p;
	struct audit a;
	int master, log;

	(void)state;
	stage_up();
	if (!stage_possible()) {
		stage_down();
		print_message("no mount namespace for this user here\n");
		skip();
	}
	log = stage_socket("dev/log");
	audit_run(&a, 0, stage_isolate);
	master = audit_source(&a, ROLE_LOGREADER, 1);
	hostile_event(&b);
	assert_int_equal(send_event(master, &b), 0);
	receive(log, buf, sizeof(buf));
	assert_memory_equal(buf, "<85>", 4); /* authpriv, notice */
	p = strstr(buf, "event=");
	assert_non_null(p);
	assert_string_equal(p,
	    "event=auth-failure service=ssh source=::1 source-port=40112 "
	    "user=\"x\\x0aPORTREEVE_EVENT=auth-success\" method=password "
	    "reason=credentials");
	close(log);
	close(master);
	audit_stop(&a);
	stage_down();
}

/* No log daemon at first: the losses are told when one comes. */
static void
test_log_comes_late(void **state)
{
	struct event_builder b;
	char buf[16384];
	struct audit a;
	int master, log;

	(void)state;
	stage_up();
	if (!stage_possible()) {
		stage_down();
		print_message("no mount namespace for this user here\n");
		skip();
	}
	audit_run(&a, 0, stage_isolate);
	master = audit_source(&a, ROLE_MASTER, 1);
	accepted(&b, 1);
	assert_int_equal(send_event(master, &b), 0);
	log = stage_socket("run/systemd/journal/socket");
	for (;;) {
		struct pollfd p = {.fd = log, .events = POLLIN};

		accepted(&b, 2);
		assert_int_equal(send_event(master, &b), 0);
		if (poll(&p, 1, 100) == 1)
			break;
	}
	receive(log, buf, sizeof(buf));
	assert_non_null(strstr(buf, "PORTREEVE_EVENT=events-dropped\n"));
	assert_non_null(strstr(buf, "PORTREEVE_ROLE=audit\n"));
	receive(log, buf, sizeof(buf));
	assert_non_null(strstr(buf, "PORTREEVE_SESSION=2\n"));
	close(log);
	close(master);
	audit_stop(&a);
	stage_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_orphaned),
	    cmocka_unit_test(test_breach),
	    cmocka_unit_test(test_full_pipe),
	    cmocka_unit_test(test_fair),
	    cmocka_unit_test(test_reader_gone),
	    cmocka_unit_test(test_journal),
	    cmocka_unit_test(test_syslog),
	    cmocka_unit_test(test_log_comes_late),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
