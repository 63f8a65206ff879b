/*
 * Plays monitor and master to a real program zygote, unsealed (sealing has
 * tests of its own), over real channels. For tests/unit/workers/common.
 */
#include "tests/stage/prog.h"

int
raw_execve(const char *path, char *const argv[], char *const envp[])
{
	return (
	    (int)raw_syscall3(SYS_execve, (long)path, (long)argv, (long)envp));
}

void
prog_message(struct msg_program *m, const char *path, const char *const *argv)
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

void
prog_attach(struct prog *z)
{
	stage_attach(&z->monitor, &z->master, 0);
}

void
prog_send_program(struct prog *z, const struct msg_program *m)
{
	assert_int_equal(ipc_send(&z->monitor, MSG_PROGRAM, m, NULL, 0), 0);
}

void
prog_attach_log(struct prog *z)
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

int
prog_take_log(struct prog *z, struct msg_log_connection *m)
{
	struct ipc_in in;

	stage_expect(&z->reader, MSG_LOG_CONNECTION, &in);
	*m = in.msg.log_connection;
	return (in.fds[0]);
}

void
prog_new_limited(struct prog *z, const struct program_ops *ops,
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
	prog_send_program(z, program);
	prog_attach(z);
}

void
prog_new(struct prog *z, const struct program_ops *ops,
    const struct msg_program *program)
{
	prog_new_limited(z, ops, program, NULL);
}

void
prog_start_message(struct msg_start *m, uint32_t slot, uint64_t session)
{
	memset(m, 0, sizeof(*m));
	m->slot = slot;
	m->session = session;
	addr_parse(&m->peer, "192.0.2.7", 40112);
	addr_parse(&m->local, "192.0.2.1", 7007);
}

int
prog_start_one(struct prog *z, uint32_t slot, uint64_t session)
{
	struct msg_start m;
	int pair[2];

	prog_start_message(&m, slot, session);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(
	    ipc_send_wait(&z->master, MSG_START, &m, &pair[1], 1), 0);
	close(pair[1]);
	return (pair[0]);
}

void
prog_expect_ended(
    struct prog *z, uint32_t slot, uint64_t session, enum ended how, int value)
{
	struct ipc_in in;
	struct slot s;

	stage_expect(&z->master, MSG_ENDED, &in);
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

size_t
read_some(int fd, char *buf, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	assert_int_equal(poll(&p, 1, 10000), 1);
	n = read(fd, buf, size);
	assert_true(n >= 0);
	return ((size_t)n);
}

void
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

int
prog_wait(struct prog *z)
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

void
prog_stop(struct prog *z)
{
	struct msg_stop stop = {.keep_sessions = 1};

	assert_int_equal(ipc_send(&z->monitor, MSG_STOP, &stop, NULL, 0), 0);
	assert_int_equal(prog_wait(z), 0);
}
