/*
 * The log reader's sources over real sockets with real writers: whose a record
 * is, which events and messages come of it, floods, ends, descriptors, and
 * what their zygote is told.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/logreader/source.h"

struct fixture {
	struct source src;
	struct event_sink *sink;
	struct ipc_channel audit;   /* audit's end */
	struct ipc_channel monitor; /* the reader's end */
	struct ipc_channel theirs;  /* the monitor's end */
	struct ipc_channel zygote;  /* the zygote's end */
	struct source_out out;
	enum service_kind kind;
	int epoll;
	int writer; /* of the connection opened last */
	uint64_t now;
};

static bool
is_root(const char *name)
{
	return (strcmp(name, "root") == 0);
}

static void
fixture_new(struct fixture *f, enum service_kind kind, uint8_t decide)
{
	struct msg_log_source m = {.kind = (uint8_t)kind,
	    .instance = 1,
	    .service = "test",
	    .decide = decide,
	    .root_login = 2,
	    .packets = 20};
	int pair[2];

	memset(f, 0, sizeof(*f));
	f->now = UINT64_C(1000000000000);
	f->kind = kind;
	f->writer = -1;
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	assert_true(f->epoll >= 0);
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	assert_int_equal(
	    source_open(&f->src, &m, pair[0], f->epoll, geteuid(), is_root), 0);
	ipc_channel_init(
	    &f->zygote, pair[1], ROLE_ZYGOTE, ROLE_LOGREADER, ST_UP);
	f->sink = event_sink_new(ROLE_LOGREADER, 1024);
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	event_sink_attach(f->sink, pair[0]);
	ipc_channel_init(&f->audit, pair[1], ROLE_AUDIT, ROLE_LOGREADER, ST_UP);
	assert_int_equal(fd_set_nonblock(pair[1], 1), 0);
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	ipc_channel_init(
	    &f->monitor, pair[0], ROLE_LOGREADER, ROLE_MONITOR, ST_UP);
	ipc_channel_init(
	    &f->theirs, pair[1], ROLE_MONITOR, ROLE_LOGREADER, ST_UP);
	assert_int_equal(fd_set_nonblock(pair[1], 1), 0);
	f->out.events = f->sink;
	f->out.monitor = &f->monitor;
}

static void
fixture_free(struct fixture *f)
{
	source_close(&f->src);
	logconn_bury();
	event_sink_free(f->sink);
	ipc_channel_close(&f->audit);
	ipc_channel_close(&f->monitor);
	ipc_channel_close(&f->theirs);
	ipc_channel_close(&f->zygote);
	fd_close(&f->writer);
	fd_close(&f->epoll);
}

/* Everything that there is to read, as the reader's loop would. */
static void
read_all(struct fixture *f)
{
	struct epoll_event e[8];
	int n;

	while ((n = epoll_wait(f->epoll, e, 8, 0)) > 0) {
		for (int i = 0; i < n; i++) {
			struct logconn *c = e[i].data.ptr;

			if (c->watched == WATCHED_SOURCE)
				source_serve(&f->src, &f->out, f->now);
			else if (c->src != NULL && c->fd >= 0)
				logconn_read(c, &f->out, f->now);
		}
		logconn_bury();
	}
	event_sink_flush(f->sink);
}

/* A connection, with `pid` as its leader; its writing end is f->writer. */
static void
open_one(
    struct fixture *f, uint32_t number, uint64_t session, pid_t pid, bool again)
{
	struct msg_log_connection m = {
	    .number = number, .session = session, .pid = pid, .again = again};
	int type = f->kind == SERVICE_SSH ? SOCK_SEQPACKET : SOCK_STREAM;
	int log[2], on = 1;

	addr_parse(&m.peer, "192.0.2.7", 40112);
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, log), 0);
	assert_int_equal(
	    setsockopt(log[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	fd_close(&f->writer);
	f->writer = log[1];
	assert_int_equal(
	    ipc_send(&f->zygote, MSG_LOG_CONNECTION, &m, &log[0], 1), 0);
	close(log[0]);
	read_all(f);
}

static void
end_one(struct fixture *f, uint32_t number, uint64_t session, int status)
{
	struct msg_log_ended m = {.number = number,
	    .session = session,
	    .how = ENDED_EXITED,
	    .value = status};

	assert_int_equal(ipc_send(&f->zygote, MSG_LOG_ENDED, &m, NULL, 0), 0);
	read_all(f);
}

static void
expect_told(
    struct fixture *f, uint32_t number, uint64_t session, int ended, int closed)
{
	struct ipc_in in;

	assert_int_equal(ipc_recv_now(&f->zygote, &in), 0);
	assert_int_equal(in.type, MSG_LOG_TOLD);
	assert_int_equal(in.msg.log_told.number, number);
	assert_int_equal(in.msg.log_told.session, session);
	assert_int_equal(in.msg.log_told.ended, ended);
	assert_int_equal(in.msg.log_told.closed, closed);
}

static void
say(struct fixture *f, const char *text)
{
	assert_int_equal(write(f->writer, text, strlen(text)), strlen(text));
}

/* One event as "name field=value …", in the catalogue's order; "" for none. */
static const char *
next_event(struct fixture *f)
{
	static char text[8192];
	static struct ipc_in in;
	struct event_view v;
	size_t n;

	event_sink_flush(f->sink);
	text[0] = '\0';
	if (ipc_recv(&f->audit, &in) != 0)
		return (text);
	assert_int_equal(in.type, MSG_EVENT);
	assert_int_equal(event_decode(&in.msg.event, ROLE_LOGREADER, &v), 0);
	n = (size_t)snprintf(text, sizeof(text), "%s", event_name(v.event));
	for (enum event_field i = 0; i < EVENT_FIELDS; i++) {
		if (v.fields[i].p == NULL || i == FIELD_FAMILY ||
		    i == FIELD_PID)
			continue;
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, " %s=", event_field_name(i));
		if (i == FIELD_SOURCE_PORT || i == FIELD_SESSION ||
		    i == FIELD_COUNT)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%lu",
			    (unsigned long)v.fields[i].number);
		else if (i == FIELD_SOURCE)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "*");
		else
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%.*s", (int)v.fields[i].n, v.fields[i].p);
	}
	return (text);
}

static void
expect_login(
    struct fixture *f, uint64_t session, const char *user, const char *tty)
{
	static struct ipc_in in;

	assert_int_equal(ipc_recv(&f->theirs, &in), 0);
	assert_int_equal(in.type, MSG_LOG_LOGIN);
	assert_int_equal(in.msg.log_login.session, session);
	assert_string_equal(in.msg.log_login.user, user);
	assert_string_equal(in.msg.log_login.tty, tty);
}

#define HELLO "Connection from 192.0.2.7 port 40112 on 192.0.2.1 port 22\r\n"
#define TAIL " from 192.0.2.7 port 40112 ssh2\r\n"
#define WHERE " source=* source-port=40112 session=9"

static void
test_failure(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 0);
	open_one(&f, 3, 9, getpid(), false);
	say(&f, HELLO);
	say(&f, "Failed password for invalid user x\r\ny" TAIL);
	read_all(&f);
	assert_string_equal(next_event(&f), ""); /* its reason may follow */
	f.now += SSHSESSION_REASON_WITHIN - 1;
	source_tick(&f.src, &f.out, f.now);
	assert_string_equal(next_event(&f), "");
	f.now++;
	source_tick(&f.src, &f.out, f.now);
	assert_string_equal(next_event(&f),
	    "auth-failure service=test" WHERE
	    " user=x\r\ny method=password reason=credentials");
	assert_string_equal(next_event(&f), "");
	fixture_free(&f);
}

/* With our PAM module the log tells of terminals alone, else of logins too. */
static void
test_login(void **state)
{
	(void)state;
	for (uint8_t decide = 0; decide < 2; decide++) {
		struct fixture f;

		fixture_new(&f, SERVICE_SSH, decide);
		open_one(&f, 0, 9, getpid(), false);
		say(&f, HELLO);
		say(&f, "Accepted password for alice" TAIL);
		say(&f, "Starting session: shell on pts/3 for alice" TAIL);
		read_all(&f);
		expect_login(&f, 9, "alice", "pts/3");
		if (decide) {
			assert_string_equal(next_event(&f),
			    "auth-success "
			    "service=test" WHERE " user=alice "
			    "method=password");
			assert_string_equal(next_event(&f),
			    "session-opened "
			    "service=test" WHERE " user=alice tty=pts/3");
		}
		assert_string_equal(next_event(&f), "");
		fixture_free(&f);
	}
}

/* A process that leads no connection makes nothing, whatever it says. */
static void
test_stranger_process(void **state)
{
	struct fixture f;
	int status;
	pid_t pid;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 1);
	open_one(&f, 0, 9, getpid(), false);
	say(&f, HELLO);
	pid = fork();
	if (pid == 0) {
		say(&f, "Accepted password for root" TAIL);
		say(&f, "Failed password for root" TAIL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	read_all(&f);
	source_tick(&f.src, &f.out, f.now + 10);
	assert_string_equal(next_event(&f), "");
	fixture_free(&f);
}

/* A process that outlives a login writes on: it is still that user's. */
static void
test_output_behind_login(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 0);
	open_one(&f, 0, 9, getpid(), false);
	say(&f, HELLO);
	say(&f, "Accepted password for alice" TAIL);
	end_one(&f, 0, 9, 0);
	say(&f, "fatal: late\r\n");
	read_all(&f);
	assert_string_equal(next_event(&f),
	    "sshd-output service=test" WHERE " user=alice text=fatal: late");
	fixture_free(&f);
}

/* What was held back is told at the end, before the zygote hears of it. */
static void
test_end(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 1);
	open_one(&f, 0, 8, getpid(), false);
	say(&f, HELLO);
	say(&f, "Failed password for alice" TAIL);
	end_one(&f, 0, 8, 255);
	assert_non_null(strstr(next_event(&f), "session=8 user=alice"));
	expect_told(&f, 0, 8, 1, 0);
	fd_close(&f.writer);
	read_all(&f);
	expect_told(&f, 0, 8, 0, 1);
	assert_int_equal(f.src.count, 0);
	/* The end of what can be written may come first. */
	open_one(&f, 0, 9, getpid(), false);
	say(&f, HELLO);
	say(&f, "Failed publickey for bob" TAIL);
	fd_close(&f.writer);
	read_all(&f);
	expect_told(&f, 0, 9, 0, 1);
	end_one(&f, 0, 9, 255);
	assert_non_null(strstr(next_event(&f), "session=9 user=bob"));
	expect_told(&f, 0, 9, 1, 0);
	assert_int_equal(f.src.count, 0);
	fixture_free(&f);
}

/* One that could not be taken ends all the same; a lie of the zygote's does
 * not pass. */
static void
test_zygote(void **state)
{
	struct msg_log_ended m = {.number = 5, .session = 9};
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 0);
	end_one(&f, 70, 3, 0);
	expect_told(&f, 70, 3, 1, 0);
	assert_int_equal(f.src.count, 0);
	open_one(&f, 5, 8, getpid(), false);
	assert_int_equal(ipc_send(&f.zygote, MSG_LOG_ENDED, &m, NULL, 0), 0);
	assert_int_equal(source_serve(&f.src, &f.out, f.now), ERR_VALUE);
	/* Without a zygote the end of what can be written is the end. */
	ipc_channel_close(&f.zygote);
	read_all(&f);
	assert_false(source_is_over(&f.src));
	say(&f, HELLO);
	say(&f, "Failed password for alice" TAIL);
	fd_close(&f.writer);
	read_all(&f);
	assert_non_null(strstr(next_event(&f), "session=8 user=alice"));
	assert_true(source_is_over(&f.src));
	fixture_free(&f);
}

/* The zygote that does not read is owed what it is to hear. */
static void
test_owing(void **state)
{
	struct fixture f;
	struct ipc_in in;
	unsigned told = 0, ended = 0;

	(void)state;
	fixture_new(&f, SERVICE_EXEC, 0);
	while (STAILQ_EMPTY(&f.src.owing)) {
		open_one(&f, ended++ % 7, 9, getpid(), false);
		fd_close(&f.writer);
		read_all(&f);
		assert_true(ended < 10000);
	}
	while (ipc_recv_now(&f.zygote, &in) == 0) {
		told++;
		read_all(&f);
	}
	assert_int_equal(told, ended);
	assert_int_equal(f.src.count, 0);
	fixture_free(&f);
}

/* sshd's first words that are not a connection's say why it cannot serve. */
static void
test_trouble(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 0);
	open_one(&f, 0, 9, getpid(), false);
	say(&f, "sshd: no hostkeys available -- exiting.\r\n");
	read_all(&f);
	assert_string_equal(next_event(&f),
	    "warning service=test "
	    "reason=sshd: sshd: no hostkeys available -- exiting.");
	/* Not so of a connection that is older than this reader. */
	open_one(&f, 1, 10, getpid(), true);
	say(&f, "Connection closed by authenticating user x 192.0.2.7\r\n");
	read_all(&f);
	assert_string_equal(next_event(&f), "");
	fixture_free(&f);
}

/* sshd's silent end by LoginGraceTime is seen by its status. */
static void
test_timeout(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 0);
	open_one(&f, 0, 9, getpid(), false);
	say(&f, HELLO);
	end_one(&f, 0, 9, 1);
	assert_string_equal(next_event(&f),
	    "auth-failure service=test" WHERE " reason=timeout");
	assert_true(TAILQ_EMPTY(&f.src.waiting));
	source_tick(&f.src, &f.out, f.now);
	assert_string_equal(next_event(&f), "");
	fixture_free(&f);
}

static void
test_packets(void **state)
{
	static struct ipc_in in;
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 0);
	open_one(&f, 0, 9, getpid(), false);
	say(&f, HELLO);
	for (int i = 0; i < 21; i++) {
		assert_int_equal(ipc_recv(&f.theirs, &in), ERR_AGAIN);
		say(&f, "debug3: packet.c:ssh_packet_read_poll2():1692 "
			"(pid=5): receive packet: type 2 [preauth]\r\n");
		read_all(&f);
	}
	assert_int_equal(ipc_recv(&f.theirs, &in), 0);
	assert_int_equal(in.type, MSG_LOG_FLOOD);
	assert_int_equal(in.msg.log_flood.session, 9);
	fixture_free(&f);
}

/* Each process's words are joined by themselves, also of one that is gone. */
static void
test_lines(void **state)
{
	struct fixture f;
	int status;
	pid_t pid;

	(void)state;
	fixture_new(&f, SERVICE_EXEC, 0);
	open_one(&f, 3, 9, getpid(), false);
	say(&f, "one\n\ntw");
	pid = fork();
	if (pid == 0) {
		say(&f, "chi");
		say(&f, "ld\n");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	say(&f, "o\r\nthree");
	read_all(&f);
	assert_string_equal(
	    next_event(&f), "program-output service=test" WHERE " text=one");
	assert_string_equal(
	    next_event(&f), "program-output service=test" WHERE " text=child");
	assert_string_equal(
	    next_event(&f), "program-output service=test" WHERE " text=two");
	assert_string_equal(next_event(&f), "");
	fd_close(&f.writer);
	read_all(&f);
	assert_string_equal(
	    next_event(&f), "program-output service=test" WHERE " text=three");
	expect_told(&f, 3, 9, 0, 1);
	assert_int_equal(f.src.count, 0);
	fixture_free(&f);
}

/* Half a line of one that goes on is told after a while. */
static void
test_half_a_line(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_EXEC, 0);
	open_one(&f, 3, 9, getpid(), false);
	say(&f, "half");
	read_all(&f);
	assert_false(TAILQ_EMPTY(&f.src.waiting));
	f.now += UINT64_C(1000000000);
	source_tick(&f.src, &f.out, f.now);
	assert_string_equal(next_event(&f), "");
	f.now += UINT64_C(5000000000);
	source_tick(&f.src, &f.out, f.now);
	assert_string_equal(
	    next_event(&f), "program-output service=test" WHERE " text=half");
	assert_true(TAILQ_EMPTY(&f.src.waiting));
	fixture_free(&f);
}

#define DROPPED "events-dropped service=test" WHERE " role=logreader count="

/* A flood is bounded, what was left out is counted, and others are heard. */
static void
test_flood_of_lines(void **state)
{
	struct fixture f;
	unsigned long told = 0, dropped = 0, lines = 0;
	const char *e;
	int other;

	(void)state;
	fixture_new(&f, SERVICE_EXEC, 0);
	open_one(&f, 1, 8, getpid(), false);
	other = f.writer;
	f.writer = -1;
	open_one(&f, 0, 9, getpid(), false);
	for (int i = 0; i < 100; i++) {
		say(&f, "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
		lines += 10;
		read_all(&f);
		while (next_event(&f)[0] != '\0')
			told++;
	}
	assert_int_equal(told, 100);
	assert_false(TAILQ_EMPTY(&f.src.waiting));
	assert_int_equal(write(other, "heard\n", 6), 6);
	read_all(&f);
	assert_non_null(strstr(next_event(&f), "session=8 text=heard"));
	f.now += UINT64_C(1000000000);
	source_tick(&f.src, &f.out, f.now);
	e = next_event(&f);
	assert_memory_equal(e, DROPPED, sizeof(DROPPED) - 1);
	dropped = strtoul(e + sizeof(DROPPED) - 1, NULL, 10);
	assert_int_equal(told + dropped, lines);
	assert_true(TAILQ_EMPTY(&f.src.waiting));
	say(&f, "again\n");
	read_all(&f);
	assert_string_equal(
	    next_event(&f), "program-output service=test" WHERE " text=again");
	close(other);
	fixture_free(&f);
}

/*
 * sshd's words on what a stranger sends are bounded for each connection; a
 * failure among them is told all the same.
 */
static void
test_flood_of_words(void **state)
{
	struct fixture f;
	unsigned long told = 0, words = 1000;
	const char *e;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 0);
	open_one(&f, 0, 9, getpid(), false);
	say(&f, HELLO);
	for (unsigned long i = 0; i < words; i++) {
		say(&f, "error: what\033]0;nobody knows\r\n");
		read_all(&f);
		while ((e = next_event(&f))[0] != '\0') {
			assert_memory_equal(e, "sshd-output ", 12);
			told++;
		}
	}
	assert_int_equal(told, 100);
	say(&f, "Failed password for alice" TAIL);
	end_one(&f, 0, 9, 255);
	e = next_event(&f);
	assert_memory_equal(e, "auth-failure ", 13);
	fd_close(&f.writer);
	read_all(&f);
	e = next_event(&f);
	assert_memory_equal(e, DROPPED, sizeof(DROPPED) - 1);
	assert_int_equal(
	    told + strtoul(e + sizeof(DROPPED) - 1, NULL, 10), words);
	fixture_free(&f);
}

/* Nothing of a long line is lost. */
static void
test_long_line(void **state)
{
	static char text[10000];
	struct fixture f;
	size_t n = 0;
	const char *e;

	(void)state;
	fixture_new(&f, SERVICE_EXEC, 0);
	open_one(&f, 0, 9, getpid(), false);
	memset(text, 'x', sizeof(text) - 1);
	say(&f, text);
	say(&f, "\n");
	read_all(&f);
	while ((e = next_event(&f))[0] != '\0')
		n += strlen(strstr(e, "text=") + 5);
	assert_int_equal(n, sizeof(text) - 1);
	fixture_free(&f);
}

static int
fds_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n);
}

/* Descriptors that a program sends along are not taken in. */
static void
test_descriptors_sent(void **state)
{
	union {
		char buf[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = {.buf = {0}};
	struct iovec iov = {.iov_base = (char[]){"x\n"}, .iov_len = 2};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);
	int fds[8] = {0, 0, 0, 0, 0, 0, 0, 0}, before;
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_EXEC, 0);
	open_one(&f, 0, 9, getpid(), false);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	before = fds_open();
	for (int i = 0; i < 20; i++)
		assert_int_equal(sendmsg(f.writer, &hdr, 0), 2);
	read_all(&f);
	assert_int_equal(fds_open(), before);
	assert_string_equal(
	    next_event(&f), "program-output service=test" WHERE " text=x");
	fixture_free(&f);
}

/* An empty record is none. */
static void
test_empty(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 0);
	open_one(&f, 0, 9, getpid(), false);
	assert_int_equal(send(f.writer, "", 0, 0), 0);
	say(&f, HELLO);
	say(&f, "Failed password for alice" TAIL);
	read_all(&f);
	end_one(&f, 0, 9, 255);
	assert_non_null(strstr(next_event(&f), "user=alice"));
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_failure),
	    cmocka_unit_test(test_login),
	    cmocka_unit_test(test_stranger_process),
	    cmocka_unit_test(test_end),
	    cmocka_unit_test(test_output_behind_login),
	    cmocka_unit_test(test_zygote),
	    cmocka_unit_test(test_owing),
	    cmocka_unit_test(test_trouble),
	    cmocka_unit_test(test_timeout),
	    cmocka_unit_test(test_packets),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_flood_of_lines),
	    cmocka_unit_test(test_flood_of_words),
	    cmocka_unit_test(test_half_a_line),
	    cmocka_unit_test(test_long_line),
	    cmocka_unit_test(test_descriptors_sent),
	    cmocka_unit_test(test_empty),
	};

	return (cmocka_run_group_tests_name("log reader", tests, NULL, NULL));
}
