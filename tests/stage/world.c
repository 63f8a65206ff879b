/*
 * Plays monitor, zygotes, lookup, audit, clients and strangers to the master's
 * own program, sealed as in life (as root: with an identity and an empty root
 * of its own), over real channels and real loopback connections. Nothing
 * waits for a time to pass: every step waits for what the master says or does,
 * and fails when that does not come. For tests/unit/master.
 */
#include "tests/stage/world.h"

#include "tests/stage/client.h"

void
stage_spawn(struct world *w, int channel)
{
	const char *program = stage_program("libexec/master");
	struct rlimit limit = {w->nofile, w->nofile};
	char *argv[] = {(char *)(uintptr_t) "portreeve: master", NULL};
	/* What is freed is overwritten, and its use seen: mallopt(3). */
	char *env[] = {(char *)(uintptr_t) "MALLOC_PERTURB_=165", NULL};

	w->master = fork();
	assert_true(w->master >= 0);
	if (w->master > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (channel == 3)
		fcntl(3, F_SETFD, 0);
	else
		dup2(channel, 3);
	close_range(4, ~0u, 0);
	if (w->nofile != 0)
		setrlimit(RLIMIT_NOFILE, &limit);
	execve(program, argv, env);
	_exit(127);
}

void
stage_seal(struct world *w)
{
	struct msg_seal seal = {.profile = SANDBOX_MASTER,
	    .parent = getpid(),
	    .level = SANDBOX_ROOTLESS,
	    .uid = UINT32_MAX,
	    .gid = UINT32_MAX,
	    .group = UINT32_MAX};
	struct ipc_in in;

	if (geteuid() == 0) {
		seal.level = SANDBOX_FULL;
		seal.uid = seal.gid = MASTER_UID;
		snprintf(seal.root, sizeof(seal.root), "%s/empty", w->dir);
	}
	stage_tell(&w->mon, MSG_SEAL, &seal, NULL, 0);
	stage_readable(w->mon.fd);
	assert_int_equal(ipc_recv(&w->mon, &in), 0);
	if (in.type == MSG_FAILED)
		fail_msg("%s", in.msg.failed.reason);
	assert_int_equal(in.type, MSG_READY);
}

void
world_start_master(struct world *w)
{
	struct msg_audit_channel audit = {.end_ = 0};
	struct msg_state state = {.end_ = 0};
	struct msg_control control = {.group = UINT32_MAX, .owner = geteuid()};
	int pair[2];

	stage_pair(pair);
	stage_spawn(w, pair[1]);
	close(pair[1]);
	ipc_channel_init(&w->mon, pair[0], ROLE_MONITOR, ROLE_MASTER, ST_NEW);
	stage_seal(w);
	stage_tell(&w->mon, MSG_AUDIT_CHANNEL, &audit, &w->audit_master, 1);
	stage_tell(&w->mon, MSG_STATE, &state, &w->state, 1);
	stage_tell(&w->mon, MSG_CONTROL, &control, &w->control, 1);
}

void
world_control(struct world *w)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(w->control_path, sizeof(w->control_path), "%s/control.sock",
	    w->dir);
	strlcpy(un.sun_path, w->control_path, sizeof(un.sun_path));
	w->control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(w->control, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(w->control, 16), 0);
}

void
world_start(struct world *w)
{
	char empty[80];
	int pair[2];

	strlcpy(w->dir, "/tmp/portreeve-master.XXXXXX", sizeof(w->dir));
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chmod(w->dir, 0755), 0);
	snprintf(empty, sizeof(empty), "%s/empty", w->dir);
	assert_int_equal(mkdir(empty, 0555), 0);
	w->state = stage_memfd(STATE_SIZE);
	w->lookup.fd = -1;
	stage_pair(pair);
	ipc_channel_init(&w->audit, pair[0], ROLE_AUDIT, ROLE_MASTER, ST_UP);
	w->audit_master = pair[1];
	world_control(w);
	world_start_master(w);
}

void
world_kill_master(struct world *w)
{
	kill(w->master, SIGKILL);
	assert_int_equal(waitpid(w->master, NULL, 0), w->master);
	ipc_channel_close(&w->mon);
}

void
world_end(struct world *w)
{
	char empty[80];
	int status;

	if (w->master > 0) {
		assert_int_equal(waitpid(w->master, &status, WNOHANG), 0);
		world_kill_master(w);
	}
	ipc_channel_close(&w->audit);
	ipc_channel_close(&w->lookup);
	close(w->audit_master);
	close(w->state);
	close(w->control);
	unlink(w->control_path);
	snprintf(empty, sizeof(empty), "%s/empty", w->dir);
	rmdir(empty);
	rmdir(w->dir);
}

void
world_service(struct world *w, uint16_t number, enum service_kind kind,
    const char *name, uint32_t connections, uint32_t rate)
{
	struct msg_service m = {.number = number,
	    .kind = (uint8_t)kind,
	    .connection_limit = connections,
	    .rate_limit = rate};

	snprintf(m.name, sizeof(m.name), "%s", name);
	stage_tell(&w->mon, MSG_SERVICE, &m, NULL, 0);
}

int
world_bind(const char *address, int type, struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, off = 0;

	assert_int_equal(addr_parse(out, address, 0), 0);
	addr_to_sockaddr(out, &ss, &len);
	fd = socket(ss.ss_family, type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 512), 0);
	len = sizeof(ss);
	getsockname(fd, (struct sockaddr *)&ss, &len);
	assert_int_equal(
	    addr_from_sockaddr(out, (struct sockaddr *)&ss, len), 0);
	return (fd);
}

void
world_listener_fd(struct world *w, uint32_t id, uint16_t number,
    const char *name, int fd, const struct addr *a, int datagram, int wait)
{
	struct msg_listener m = {.id = id,
	    .service = number,
	    .datagram = (uint8_t)datagram,
	    .wait = (uint8_t)wait,
	    .address = *a};
	struct msg_service_state state = {.number = number,
	    .family = (uint8_t)a->family,
	    .address = *a,
	    .state = "listening"};

	snprintf(m.name, sizeof(m.name), "%s", name);
	stage_tell(&w->mon, MSG_LISTENER, &m, &fd, 1);
	if (number < SERVICES_MAX)
		stage_tell(&w->mon, MSG_SERVICE_STATE, &state, NULL, 0);
}

int
world_listen(struct world *w, uint32_t id, uint16_t number, const char *name,
    const char *address, struct addr *a)
{
	int fd = world_bind(address, SOCK_STREAM, a);

	world_listener_fd(w, id, number, name, fd, a, 0, 0);
	return (fd);
}

void
world_attach(struct world *w, struct stub *z, uint16_t number, int retired)
{
	struct msg_zygote m = {.service = number,
	    .instance = z->instance,
	    .retired = (uint8_t)retired};
	struct msg_attached attached = {.instance = z->instance};
	int pair[2], fds[2];

	stage_pair(pair);
	fds[0] = pair[1];
	fds[1] = z->table;
	stage_tell(&w->mon, MSG_ZYGOTE, &m, fds, 2);
	close(pair[1]);
	ipc_channel_close(&z->ch);
	ipc_channel_init(&z->ch, pair[0], ROLE_ZYGOTE, ROLE_MASTER, ST_UP);
	stage_tell(&z->ch, MSG_ATTACHED, &attached, NULL, 0);
}

void
world_zygote(
    struct world *w, struct stub *z, uint16_t number, uint32_t instance)
{
	z->table = stage_memfd(SLOT_TABLE_SIZE);
	z->slots = slot_table_map(z->table, 1);
	assert_non_null(z->slots);
	z->slots->magic = SLOT_TABLE_MAGIC;
	z->slots->count = SLOTS_MAX;
	z->slots->instance = instance;
	z->instance = instance;
	z->ch.fd = -1;
	world_attach(w, z, number, 0);
}

void
world_zygote_gone(struct world *w, const struct stub *z)
{
	struct msg_zygote_gone gone = {.instance = z->instance};

	stage_tell(&w->mon, MSG_ZYGOTE_GONE, &gone, NULL, 0);
}

void
world_configured(struct world *w)
{
	struct msg_configured m = {.generation = ++w->generation};
	struct ipc_in in;

	stage_tell(&w->mon, MSG_CONFIGURED, &m, NULL, 0);
	stage_expect(&w->mon, MSG_ACCEPTING, &in);
	assert_int_equal(in.msg.accepting.generation, w->generation);
}

void
world_turn(struct world *w)
{
	struct msg_show_services ask = {.end_ = 0};
	struct ipc_channel ch;
	struct ipc_in in = {.type = MSG_COUNT};

	client_connect(w, &ch);
	stage_tell(&ch, MSG_SHOW_SERVICES, &ask, NULL, 0);
	while (in.type != MSG_DONE) {
		stage_readable(ch.fd);
		assert_int_equal(ipc_recv(&ch, &in), 0);
	}
	ipc_channel_close(&ch);
}

void
world_sync(struct world *w)
{
	static uint32_t number;
	struct msg_ping ping = {.end_ = 0};
	struct ipc_in in;

	ping.number = ++number;
	stage_tell(&w->mon, MSG_PING, &ping, NULL, 0);
	stage_expect(&w->mon, MSG_PONG, &in);
	assert_int_equal(in.msg.pong.number, ping.number);
	world_turn(w);
	world_turn(w);
}
