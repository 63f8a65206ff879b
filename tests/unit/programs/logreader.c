/*
 * The log reader's sources over real sockets with real writers: whose a record
 * is, which events and messages come of it, floods, ends, descriptors.
 */
#include <sys/mman.h>
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
	struct source_out out;
	struct slot_table *table;
	int writer;
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
	int log[2], pair[2], table, on = 1;

	memset(f, 0, sizeof(*f));
	f->now = UINT64_C(1000000000000);
	assert_int_equal(fd_seqpacket_pair(log), 0);
	assert_int_equal(
	    setsockopt(log[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	f->writer = log[1];
	table = memfd_create("slots", MFD_CLOEXEC);
	assert_int_equal(ftruncate(table, (off_t)SLOT_TABLE_SIZE), 0);
	f->table = slot_table_map(table, 1);
	assert_non_null(f->table);
	assert_int_equal(
	    source_open(&f->src, &m, log[0], table, geteuid(), is_root, f->now),
	    0);
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
	event_sink_free(f->sink);
	ipc_channel_close(&f->audit);
	ipc_channel_close(&f->monitor);
	ipc_channel_close(&f->theirs);
	slot_table_unmap(f->table);
	fd_close(&f->writer);
}

/* A connection whose leader is this process. */
static void
claim(struct fixture *f, uint32_t slot, uint64_t session, pid_t pid)
{
	struct addr peer;

	addr_parse(&peer, "192.0.2.7", 40112);
	slot_claim(f->table, slot, session, &peer, f->now);
	f->table->slots[slot].pid = pid;
}

static void
say(struct fixture *f, const char *text)
{
	assert_int_equal(write(f->writer, text, strlen(text)), strlen(text));
}

static void
read_some(struct fixture *f)
{
	while (source_read(&f->src, &f->out, f->now) == 0)
		continue;
	event_sink_flush(f->sink);
}

/* One event as "name field=value …", in the catalogue's order; "" for none. */
static const char *
next_event(struct fixture *f)
{
	static char text[4096];
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
	claim(&f, 3, 9, getpid());
	say(&f, HELLO);
	say(&f, "Failed password for invalid user x\r\ny" TAIL);
	read_some(&f);
	assert_string_equal(next_event(&f), ""); /* its reason may follow */
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
		claim(&f, 0, 9, getpid());
		say(&f, HELLO);
		say(&f, "Accepted password for alice" TAIL);
		say(&f, "Starting session: shell on pts/3 for alice" TAIL);
		read_some(&f);
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
	claim(&f, 0, 9, getpid());
	say(&f, HELLO);
	pid = fork();
	if (pid == 0) {
		say(&f, "Accepted password for root" TAIL);
		say(&f, "Failed password for root" TAIL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	read_some(&f);
	source_tick(&f.src, &f.out, f.now + 10);
	assert_string_equal(next_event(&f), "");
	fixture_free(&f);
}

/* A slot's next connection starts anew, and what the last held is told. */
static void
test_slot_reused(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 1);
	claim(&f, 0, 8, getpid());
	say(&f, HELLO);
	say(&f, "Failed password for alice" TAIL);
	read_some(&f);
	claim(&f, 0, 9, getpid());
	say(&f, HELLO);
	read_some(&f);
	assert_non_null(strstr(next_event(&f), "session=8 user=alice"));
	say(&f, "Failed publickey for bob" TAIL);
	read_some(&f);
	source_tick(&f.src, &f.out, f.now);
	assert_non_null(strstr(next_event(&f), "session=9 user=bob"));
	fixture_free(&f);
}

/* sshd's first words that are not a connection's say why it cannot serve. */
static void
test_trouble(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 0);
	claim(&f, 0, 9, getpid());
	say(&f, "sshd: no hostkeys available -- exiting.\r\n");
	read_some(&f);
	assert_string_equal(next_event(&f),
	    "warning service=test "
	    "reason=sshd: sshd: no hostkeys available -- exiting.");
	/* Not so of a connection that is older than this reader. */
	claim(&f, 0, 10, getpid());
	f.table->slots[0].start = f.now - 1;
	say(&f, "Connection closed by authenticating user x 192.0.2.7\r\n");
	read_some(&f);
	assert_string_equal(next_event(&f), "");
	fixture_free(&f);
}

/* sshd's silent end by LoginGraceTime is seen in the slot table. */
static void
test_timeout(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_SSH, 0);
	claim(&f, 0, 9, getpid());
	say(&f, HELLO);
	read_some(&f);
	slot_end(f.table, 0, ENDED_EXITED, 1);
	assert_true(f.src.waiting);
	source_tick(&f.src, &f.out, f.now);
	assert_string_equal(next_event(&f), "");
	source_tick(&f.src, &f.out, f.now);
	assert_string_equal(next_event(&f),
	    "auth-failure service=test" WHERE " reason=timeout");
	assert_false(f.src.waiting);
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
	claim(&f, 0, 9, getpid());
	say(&f, HELLO);
	for (int i = 0; i < 21; i++) {
		assert_int_equal(ipc_recv(&f.theirs, &in), ERR_AGAIN);
		say(&f, "debug3: packet.c:ssh_packet_read_poll2():1692 "
			"(pid=5): receive packet: type 2 [preauth]\r\n");
		read_some(&f);
	}
	assert_int_equal(ipc_recv(&f.theirs, &in), 0);
	assert_int_equal(in.type, MSG_LOG_FLOOD);
	assert_int_equal(in.msg.log_flood.session, 9);
	fixture_free(&f);
}

static void
test_lines(void **state)
{
	struct fixture f;
	int status;
	pid_t pid;

	(void)state;
	fixture_new(&f, SERVICE_EXEC, 0);
	say(&f, "nobody's\n");
	claim(&f, 3, 9, getpgrp());
	say(&f, "one\n\ntwo\r\nthree");
	/* A child in the leader's group; it lives until its line is read. */
	pid = fork();
	if (pid == 0) {
		say(&f, "child\n");
		pause();
		_exit(0);
	}
	for (;;) {
		const char *e;

		read_some(&f);
		e = next_event(&f);
		if (e[0] == '\0')
			continue;
		if (strstr(e, "nobody") != NULL)
			assert_string_equal(e,
			    "program-output service=test" WHERE
			    " text=nobody's");
		if (strstr(e, "one") != NULL)
			break;
	}
	assert_string_equal(
	    next_event(&f), "program-output service=test" WHERE " text=two");
	assert_string_equal(
	    next_event(&f), "program-output service=test" WHERE " text=three");
	for (;;) {
		const char *e = next_event(&f);

		if (e[0] != '\0') {
			assert_string_equal(e,
			    "program-output service=test" WHERE " text=child");
			break;
		}
		read_some(&f);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	fixture_free(&f);
}

#define DROPPED "events-dropped role=logreader count="

/* A flood is bounded, and what was left out is counted. */
static void
test_flood_of_lines(void **state)
{
	struct fixture f;
	unsigned long told = 0, dropped = 0, lines = 0;
	const char *e;

	(void)state;
	fixture_new(&f, SERVICE_EXEC, 0);
	for (int i = 0; i < 100; i++) {
		say(&f, "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
		lines += 10;
		read_some(&f);
		while (next_event(&f)[0] != '\0')
			told++;
	}
	assert_int_equal(told, RATE_BURST);
	assert_true(f.src.waiting);
	f.now += UINT64_C(1000000000);
	source_tick(&f.src, &f.out, f.now);
	e = next_event(&f);
	assert_memory_equal(e, DROPPED, sizeof(DROPPED) - 1);
	dropped = strtoul(e + sizeof(DROPPED) - 1, NULL, 10);
	assert_int_equal(told + dropped, lines);
	assert_false(f.src.waiting);
	say(&f, "again\n");
	read_some(&f);
	assert_string_equal(
	    next_event(&f), "program-output service=test text=again");
	fixture_free(&f);
}

static void
test_long_record(void **state)
{
	static char text[60000];
	struct fixture f;
	size_t n;

	(void)state;
	fixture_new(&f, SERVICE_EXEC, 0);
	memset(text, 'x', sizeof(text) - 1);
	say(&f, text);
	read_some(&f);
	n = strlen(next_event(&f));
	assert_true(n > 256 && n < 2048);
	assert_string_equal(next_event(&f), "");
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
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	before = fds_open();
	for (int i = 0; i < 20; i++)
		assert_int_equal(sendmsg(f.writer, &hdr, 0), 2);
	read_some(&f);
	assert_int_equal(fds_open(), before);
	assert_string_equal(
	    next_event(&f), "program-output service=test text=x");
	fixture_free(&f);
}

/* An empty record is none; the end is when nobody can write. */
static void
test_empty_and_end(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, SERVICE_EXEC, 0);
	assert_int_equal(send(f.writer, "", 0, 0), 0);
	say(&f, "after\n");
	assert_int_equal(source_read(&f.src, &f.out, f.now), ERR_AGAIN);
	assert_string_equal(
	    next_event(&f), "program-output service=test text=after");
	fd_close(&f.writer);
	assert_int_equal(source_read(&f.src, &f.out, f.now), ERR_CLOSED);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_failure),
	    cmocka_unit_test(test_login),
	    cmocka_unit_test(test_stranger_process),
	    cmocka_unit_test(test_slot_reused),
	    cmocka_unit_test(test_trouble),
	    cmocka_unit_test(test_timeout),
	    cmocka_unit_test(test_packets),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_flood_of_lines),
	    cmocka_unit_test(test_long_record),
	    cmocka_unit_test(test_descriptors_sent),
	    cmocka_unit_test(test_empty_and_end),
	};

	return (cmocka_run_group_tests_name("log reader", tests, NULL, NULL));
}
