/*
 * Plays monitor and master to a real zygote of a built-in service over real
 * channels: unsealed in a fork of the test, or the program itself, sealed.
 * For tests/unit/workers.
 */
#include "tests/stage/zut.h"

void
zut_attach(struct zut *z, uint16_t pool)
{
	stage_attach(&z->monitor, &z->master, pool);
}

void
zut_table(struct zut *z)
{
	z->table = memfd_create("slots", MFD_CLOEXEC);
	assert_true(z->table >= 0);
	assert_int_equal(ftruncate(z->table, (off_t)SLOT_TABLE_SIZE), 0);
	z->slots = slot_table_map(z->table, 0);
	assert_non_null(z->slots);
}

void
zut_send_table(struct zut *z)
{
	struct msg_slots slots = {.end_ = 0};

	assert_int_equal(
	    ipc_send(&z->monitor, MSG_SLOTS, &slots, &z->table, 1), 0);
}

void
zut_fork(struct zut *z, const struct zygote_ops *ops, void (*before)(void))
{
	int pair[2];

	stage_pair(pair);
	z->pid = fork();
	assert_true(z->pid >= 0);
	if (z->pid == 0) {
		struct role_self s;

		/* The frame of tests catches these; a zygote does not. */
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		memset(&s, 0, sizeof(s));
		s.seal.instance = 7;
		if (dup2(pair[1], ROLE_MONITOR_FD) < 0)
			_exit(99);
		close_range(ROLE_MONITOR_FD + 1, ~0u, 0);
		if (before != NULL)
			before();
		ipc_channel_init(&s.monitor, ROLE_MONITOR_FD, ROLE_ZYGOTE,
		    ROLE_MONITOR, ST_UP);
		if (zygote_open(ops) != 0)
			_exit(98);
		_exit(zygote_serve(&s));
	}
	close(pair[1]);
	ipc_channel_init(
	    &z->monitor, pair[0], ROLE_MONITOR, ROLE_ZYGOTE, ST_UP);
}

void
zut_new_limited(struct zut *z, const struct zygote_ops *ops, uint16_t pool,
    void (*before)(void))
{
	memset(z, 0, sizeof(*z));
	zut_table(z);
	/* The table's descriptor goes by a message; the fork closes all. */
	if (z->table == ROLE_MONITOR_FD)
		z->table = dup(z->table);
	zut_fork(z, ops, before);
	zut_send_table(z);
	zut_attach(z, pool);
}

void
zut_new(struct zut *z, const struct zygote_ops *ops, uint16_t pool)
{
	zut_new_limited(z, ops, pool, NULL);
}

void
zut_exec(struct zut *z, enum role role, const char *path, char *title,
    struct msg_seal *seal, void (*before)(void))
{
	char root[] = "/tmp/portreeve-test-XXXXXX";
	struct ipc_in in;
	int pair[2];

	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0755), 0);
	if (role == ROLE_ZYGOTE)
		strcpy(seal->root, root);
	seal->level = geteuid() == 0 ? SANDBOX_FULL : SANDBOX_ROOTLESS;
	seal->uid = seal->gid = 64991;
	seal->instance = 7;
	seal->parent = getpid();
	stage_pair(pair);
	z->pid = fork();
	assert_true(z->pid >= 0);
	if (z->pid == 0) {
		char *argv[] = {title, NULL}, *envp[] = {NULL};

		signal(SIGSEGV, SIG_DFL);
		if (before != NULL)
			before();
		if (dup2(pair[1], ROLE_MONITOR_FD) >= 0 &&
		    close_range(ROLE_MONITOR_FD + 1, ~0u, 0) == 0)
			execve(path, argv, envp);
		_exit(99);
	}
	close(pair[1]);
	ipc_channel_init(&z->monitor, pair[0], ROLE_MONITOR, role, ST_NEW);
	assert_int_equal(ipc_send(&z->monitor, MSG_SEAL, seal, NULL, 0), 0);
	stage_readable(z->monitor.fd);
	assert_int_equal(ipc_recv(&z->monitor, &in), 0);
	if (in.type == MSG_FAILED)
		print_error("%s\n", in.msg.failed.reason);
	assert_int_equal(in.type, MSG_READY);
	assert_int_equal(rmdir(root), 0);
}

void
sut_addresses(struct addr *peer, struct addr *local)
{
	assert_int_equal(addr_parse(peer, "192.0.2.7", 40112), 0);
	assert_int_equal(addr_parse(local, "192.0.2.1", 79), 0);
}

int
sut_try_start(struct zut *z, struct sut *s, uint32_t slot, uint64_t session)
{
	struct msg_start m = {.slot = slot, .session = session};
	int connection[2], channel[2], fds[3], err;

	sut_addresses(&m.peer, &m.local);
	s->slot = slot;
	s->session = session;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		connection),
	    0);
	stage_pair(channel);
	fds[0] = connection[1];
	fds[1] = channel[1];
	fds[2] = channel[0];
	err = ipc_send_wait(&z->master, MSG_START, &m, fds, 3);
	close(connection[1]);
	close(channel[1]);
	s->peer = connection[0];
	ipc_channel_init(
	    &s->worker, channel[0], ROLE_MASTER, ROLE_WORKER, ST_UP);
	return (err);
}

void
sut_start(struct zut *z, struct sut *s, uint32_t slot, uint64_t session)
{
	assert_int_equal(sut_try_start(z, s, slot, session), 0);
}

void
sut_say(struct sut *s, const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(send(s->peer, text, n, MSG_NOSIGNAL), (int)n);
}

size_t
sut_read(struct sut *s, char *buf, size_t size)
{
	size_t n = 0;

	for (;;) {
		ssize_t r;

		stage_readable(s->peer);
		r = read(s->peer, buf + n, size - 1 - n);
		assert_true(r >= 0);
		if (r == 0)
			break;
		n += (size_t)r;
		assert_true(n < size - 1);
	}
	buf[n] = '\0';
	return (n);
}

void
sut_close(struct sut *s)
{
	fd_close(&s->peer);
	ipc_channel_close(&s->worker);
}

int32_t
zut_check_ended(struct zut *z, const struct sut *s, const struct ipc_in *in,
    enum ended how, int value)
{
	struct slot slot;

	assert_string_equal(msg_name(in->type), msg_name(MSG_ENDED));
	assert_int_equal(in->msg.ended.slot, s->slot);
	assert_int_equal(in->msg.ended.session, s->session);
	assert_int_equal(in->msg.ended.how, how);
	assert_int_equal(in->msg.ended.value, value);
	assert_int_equal(slot_read(z->slots, s->slot, &slot), 0);
	assert_int_equal(atomic_load(&slot.use), SLOT_ENDED);
	assert_int_equal(slot.session, s->session);
	assert_int_equal(slot.how, how);
	assert_int_equal(slot.value, value);
	assert_int_equal(slot.pid, in->msg.ended.pid);
	return (in->msg.ended.pid);
}

int32_t
zut_expect_ended(struct zut *z, const struct sut *s, enum ended how, int value)
{
	struct ipc_in in;

	stage_expect(&z->master, MSG_ENDED, &in);
	return (zut_check_ended(z, s, &in, how, value));
}

uint32_t
zut_running(const struct zut *z)
{
	uint32_t n = 0, high = atomic_load(&z->slots->high);

	for (uint32_t i = 0; i < high && i < SLOTS_MAX; i++)
		n += atomic_load(&z->slots->slots[i].use) == SLOT_RUNNING;
	return (n);
}

int
zut_wait(struct zut *z)
{
	int status;

	assert_int_equal(waitpid(z->pid, &status, 0), z->pid);
	assert_true(WIFEXITED(status));
	ipc_channel_close(&z->monitor);
	ipc_channel_close(&z->master);
	return (WEXITSTATUS(status));
}

void
zut_free(struct zut *z)
{
	slot_table_unmap(z->slots);
	z->slots = NULL;
	fd_close(&z->table);
}

void
zut_stop(struct zut *z)
{
	struct msg_stop stop = {.keep_sessions = 1};

	assert_int_equal(ipc_send(&z->monitor, MSG_STOP, &stop, NULL, 0), 0);
	/* A master would let the idle go; without one they go with it. */
	ipc_channel_close(&z->master);
	assert_int_equal(zut_wait(z), 0);
	zut_free(z);
}
