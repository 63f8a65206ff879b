/*
 * Plays monitor and master to a real program zygote, unsealed (sealing has
 * tests of its own), over real channels. For tests/unit/programs.
 */
#ifndef PORTREEVE_TESTS_PROGRAMS_HARNESS_H
#define PORTREEVE_TESTS_PROGRAMS_HARNESS_H

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/state.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "sandbox/raw.h"
#include "workers/common/program.h"

/* As the zygotes' own: a negative errno. */
static inline int
raw_execve(const char *path, char *const argv[], char *const envp[])
{
	return (
	    (int)raw_syscall3(SYS_execve, (long)path, (long)argv, (long)envp));
}

struct zygote_under_test {
	pid_t pid;
	struct ipc_channel monitor, master; /* this side's ends */
	struct ipc_channel reader; /* the logreader's; fd -1: there is none */
	struct slot_table *slots;
};

/* A program's message: argv is ended by NULL; one variable, HOME=/. */
static inline void
program_message(
    struct msg_program *m, const char *path, const char *const *argv)
{
	memset(m, 0, sizeof(*m));
	snprintf(m->path, sizeof(m->path), "%s", path);
	for (size_t i = 0; argv[i] != NULL; i++) {
		size_t n = strlen(argv[i]) + 1;

		memcpy(m->argv.b + m->argv.n, argv[i], n);
		m->argv.n = (uint16_t)(m->argv.n + n);
	}
	memcpy(m->environment.b, "HOME=/", 7);
	m->environment.n = 7;
	m->uid = m->gid = UINT32_MAX;
	m->umask = 022;
}

/* Wait for one message, at most ten seconds. */
static inline void
expect(struct ipc_channel *ch, struct ipc_in *in, enum msg_type type)
{
	struct pollfd p = {.fd = ch->fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(ipc_recv(ch, in), 0);
	assert_string_equal(msg_name(in->type), msg_name(type));
}

static inline void
zygote_attach(struct zygote_under_test *z)
{
	struct msg_master_channel m = {.pool = 0};
	struct ipc_in in;
	int pair[2];

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	assert_int_equal(
	    ipc_send(&z->monitor, MSG_MASTER_CHANNEL, &m, &pair[1], 1), 0);
	close(pair[1]);
	ipc_channel_init(&z->master, pair[0], ROLE_MASTER, ROLE_ZYGOTE, ST_UP);
	expect(&z->master, &in, MSG_ATTACHED);
	assert_int_equal(in.msg.attached.instance, 7);
}

static inline void
zygote_send_program(struct zygote_under_test *z, const struct msg_program *m)
{
	assert_int_equal(ipc_send(&z->monitor, MSG_PROGRAM, m, NULL, 0), 0);
}

/* Play the logreader too, from now on. */
static inline void
zygote_attach_log(struct zygote_under_test *z)
{
	struct msg_log_channel m = {.end_ = 0};
	int pair[2];

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	assert_int_equal(
	    ipc_send(&z->monitor, MSG_LOG_CHANNEL, &m, &pair[1], 1), 0);
	close(pair[1]);
	ipc_channel_close(&z->reader);
	ipc_channel_init(
	    &z->reader, pair[0], ROLE_LOGREADER, ROLE_ZYGOTE, ST_UP);
}

/* A connection's reading end, as the logreader gets it. */
static inline int
zygote_take_log(struct zygote_under_test *z, struct msg_log_connection *m)
{
	struct ipc_in in;

	expect(&z->reader, &in, MSG_LOG_CONNECTION);
	*m = in.msg.log_connection;
	return (in.fds[0]);
}

/* `limit` is called in the zygote, before anything else. */
static inline void
zygote_new_limited(struct zygote_under_test *z, const struct program_ops *ops,
    const struct msg_program *program, void (*limit)(void))
{
	struct msg_slots slots = {.end_ = 0};
	int pair[2], table;

	memset(z, 0, sizeof(*z));
	z->reader.fd = -1;
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	table = memfd_create("slots", MFD_CLOEXEC);
	assert_true(table >= 0);
	assert_int_equal(ftruncate(table, (off_t)SLOT_TABLE_SIZE), 0);
	z->pid = fork();
	assert_true(z->pid >= 0);
	if (z->pid == 0) {
		struct role_self s;

		memset(&s, 0, sizeof(s));
		s.seal.instance = 7;
		snprintf(s.seal.service, sizeof(s.seal.service), "test");
		close(table);
		close(pair[0]);
		ipc_channel_init(
		    &s.monitor, pair[1], ROLE_ZYGOTE, ROLE_MONITOR, ST_UP);
		if (limit != NULL)
			limit();
		program_zygote_prepare(&s, ops);
		_exit(program_zygote_serve(&s));
	}
	close(pair[1]);
	ipc_channel_init(
	    &z->monitor, pair[0], ROLE_MONITOR, ROLE_ZYGOTE, ST_UP);
	z->slots = slot_table_map(table, 0);
	assert_non_null(z->slots);
	assert_int_equal(
	    ipc_send(&z->monitor, MSG_SLOTS, &slots, &table, 1), 0);
	close(table);
	zygote_send_program(z, program);
	zygote_attach(z);
}

static inline void
zygote_new(struct zygote_under_test *z, const struct program_ops *ops,
    const struct msg_program *program)
{
	zygote_new_limited(z, ops, program, NULL);
}

static inline void
start_message(struct msg_start *m, uint32_t slot, uint64_t session)
{
	memset(m, 0, sizeof(*m));
	m->slot = slot;
	m->session = session;
	addr_parse(&m->peer, "192.0.2.7", 40112);
	addr_parse(&m->local, "192.0.2.1", 7007);
}

/* Returns the peer's end of the connection. */
static inline int
zygote_start_one(struct zygote_under_test *z, uint32_t slot, uint64_t session)
{
	struct msg_start m;
	int pair[2];

	start_message(&m, slot, session);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(
	    ipc_send_wait(&z->master, MSG_START, &m, &pair[1], 1), 0);
	close(pair[1]);
	return (pair[0]);
}

static inline void
expect_ended(struct zygote_under_test *z, uint32_t slot, uint64_t session,
    enum ended how, int value)
{
	struct ipc_in in;
	struct slot s;

	expect(&z->master, &in, MSG_ENDED);
	assert_int_equal(in.msg.ended.slot, slot);
	assert_int_equal(in.msg.ended.session, session);
	assert_int_equal(in.msg.ended.how, how);
	assert_int_equal(in.msg.ended.value, value);
	assert_int_equal(slot_read(z->slots, slot, &s), 0);
	assert_int_equal(atomic_load(&s.use), SLOT_ENDED);
	assert_int_equal(s.session, session);
	assert_int_equal(s.how, how);
	assert_int_equal(s.value, value);
}

/* One read; at most ten seconds. */
static inline size_t
read_some(int fd, char *buf, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	assert_int_equal(poll(&p, 1, 10000), 1);
	n = read(fd, buf, size);
	assert_true(n >= 0);
	return ((size_t)n);
}

/* Everything until the end of the stream, as text; at most ten seconds. */
static inline size_t
read_all(int fd, char *buf, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t n = 0;

	for (;;) {
		ssize_t r;

		assert_int_equal(poll(&p, 1, 10000), 1);
		r = read(fd, buf + n, size - 1 - n);
		if (r <= 0)
			break;
		n += (size_t)r;
	}
	buf[n] = '\0';
	return (n);
}

/* One line, without its newline. */
static inline void
read_line(int fd, char *buf, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t n = 0;

	while (n < size - 1) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		assert_int_equal(read(fd, buf + n, 1), 1);
		if (buf[n] == '\n')
			break;
		n++;
	}
	buf[n] = '\0';
}

static inline int
count_fds(pid_t pid)
{
	char path[64];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n - 2);
}

/* Wait for the zygote itself; returns its exit status. */
static inline int
zygote_wait(struct zygote_under_test *z)
{
	int status;

	assert_int_equal(waitpid(z->pid, &status, 0), z->pid);
	assert_true(WIFEXITED(status));
	ipc_channel_close(&z->monitor);
	ipc_channel_close(&z->master);
	slot_table_unmap(z->slots);
	ipc_channel_close(&z->reader);
	return (WEXITSTATUS(status));
}

static inline void
zygote_stop(struct zygote_under_test *z)
{
	struct msg_stop stop = {.keep_sessions = 1};

	assert_int_equal(ipc_send(&z->monitor, MSG_STOP, &stop, NULL, 0), 0);
	assert_int_equal(zygote_wait(z), 0);
}

#endif
