/*
 * Plays monitor, zygotes, lookup, audit, clients and strangers to the master's
 * own program, sealed as in life (as root: with an identity and an empty root
 * of its own), over real channels and real loopback connections. Nothing
 * waits for a time to pass: every step waits for what the master says or does,
 * and fails when that does not come. For tests/unit/master.
 */
#ifndef PORTREEVE_TESTS_MASTER_HARNESS_H
#define PORTREEVE_TESTS_MASTER_HARNESS_H

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bsd/string.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/event.h"
#include "ipc/channel.h"
#include "ipc/protocol.h"
#include "ipc/state.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "sandbox/sandbox.h"

#define PATIENCE_MS 10000
#define MASTER_UID 64321 /* nobody's */

/* A zygote that the test plays. */
struct zut {
	struct ipc_channel ch;
	struct slot_table *slots;
	int table;
	uint32_t instance;
};

struct world {
	pid_t master;
	struct ipc_channel mon;	  /* the monitor's end */
	struct ipc_channel audit; /* audit's end */
	int audit_master;	  /* the master's, kept for the next one */
	struct ipc_channel lookup;
	int state;   /* its file */
	int control; /* listening, kept for the next master */
	char dir[64];
	char control_path[108];
	uint32_t generation;
	rlim_t nofile; /* 0: as it is */
};

/* A START as a zygote gets it. */
struct start {
	struct msg_start msg;
	int connection;
	struct ipc_channel worker; /* the worker's end */
	int kept;		   /* the zygote's copy of the master's end */
};

static inline void
ut_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

/* One message of this type, or the test fails. */
static inline void
ut_expect(struct ipc_channel *ch, enum msg_type type, struct ipc_in *in)
{
	int err;

	/* What the master asks for by itself, and again and again. */
	do {
		ut_readable(ch->fd);
		err = ipc_recv(ch, in);
	} while (err == 0 && in->type != type &&
		 (in->type == MSG_ZYGOTE_LOST || in->type == MSG_LOOKUP_LOST));
	if (err != 0)
		fail_msg("no %s: %s", msg_name(type), err_text(err));
	if (in->type != type)
		fail_msg(
		    "%s where %s was due", msg_name(in->type), msg_name(type));
}

static inline void
ut_tell(struct ipc_channel *ch, enum msg_type type, const void *msg,
    const int *fds, size_t nfds)
{
	int err = ipc_send_wait(ch, type, msg, fds, nfds);

	if (err != 0)
		fail_msg("%s: %s", msg_name(type), err_text(err));
}

static inline void
ut_pair(int pair[2])
{
	assert_int_equal(fd_seqpacket_pair(pair), 0);
}

static inline int
ut_memfd(size_t size)
{
	int fd = memfd_create("portreeve-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return (fd);
}

/* --- the master's process
 * ----------------------------------------------------- */

static inline const char *
ut_program(void)
{
	static char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	char *cut;

	assert_true(n > 0);
	path[n] = '\0';
	cut = strstr(path, "/tests/unit/");
	assert_non_null(cut);
	strlcpy(cut, "/libexec/master", 64);
	return (path);
}

static inline void
ut_spawn(struct world *w, int channel)
{
	const char *program = ut_program();
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

static inline void
ut_seal(struct world *w)
{
	struct msg_seal seal = {.profile = SANDBOX_MASTER,
	    .parent = getpid(),
	    .level = SANDBOX_ROOTLESS,
	    .uid = UINT32_MAX,
	    .gid = UINT32_MAX};
	struct ipc_in in;

	if (geteuid() == 0) {
		seal.level = SANDBOX_FULL;
		seal.uid = seal.gid = MASTER_UID;
		snprintf(seal.root, sizeof(seal.root), "%s/empty", w->dir);
	}
	ut_tell(&w->mon, MSG_SEAL, &seal, NULL, 0);
	ut_readable(w->mon.fd);
	assert_int_equal(ipc_recv(&w->mon, &in), 0);
	if (in.type == MSG_FAILED)
		fail_msg("%s", in.msg.failed.reason);
	assert_int_equal(in.type, MSG_READY);
}

/* A master, sealed, that has audit's channel, the state and the socket. */
static inline void
world_start_master(struct world *w)
{
	struct msg_audit_channel audit = {.end_ = 0};
	struct msg_state state = {.end_ = 0};
	struct msg_control control = {.group = UINT32_MAX, .owner = geteuid()};
	int pair[2];

	ut_pair(pair);
	ut_spawn(w, pair[1]);
	close(pair[1]);
	ipc_channel_init(&w->mon, pair[0], ROLE_MONITOR, ROLE_MASTER, ST_NEW);
	ut_seal(w);
	ut_tell(&w->mon, MSG_AUDIT_CHANNEL, &audit, &w->audit_master, 1);
	ut_tell(&w->mon, MSG_STATE, &state, &w->state, 1);
	ut_tell(&w->mon, MSG_CONTROL, &control, &w->control, 1);
}

static inline void
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

static inline void
world_start(struct world *w)
{
	char empty[80];
	int pair[2];

	strlcpy(w->dir, "/tmp/portreeve-master.XXXXXX", sizeof(w->dir));
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chmod(w->dir, 0755), 0);
	snprintf(empty, sizeof(empty), "%s/empty", w->dir);
	assert_int_equal(mkdir(empty, 0555), 0);
	w->state = ut_memfd(STATE_SIZE);
	w->lookup.fd = -1;
	ut_pair(pair);
	ipc_channel_init(&w->audit, pair[0], ROLE_AUDIT, ROLE_MASTER, ST_UP);
	w->audit_master = pair[1];
	world_control(w);
	world_start_master(w);
}

/* Killed as by a fault; what it left stays. */
static inline void
world_kill_master(struct world *w)
{
	kill(w->master, SIGKILL);
	assert_int_equal(waitpid(w->master, NULL, 0), w->master);
	ipc_channel_close(&w->mon);
}

/* The end of a test: the master is still alive, unless it was ended. */
static inline void
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

/* --- as the monitor
 * ------------------------------------------------------------ */

static inline void
world_service(struct world *w, uint16_t number, enum service_kind kind,
    const char *name, uint32_t connections, uint32_t rate)
{
	struct msg_service m = {.number = number,
	    .kind = (uint8_t)kind,
	    .connection_limit = connections,
	    .rate_limit = rate};

	snprintf(m.name, sizeof(m.name), "%s", name);
	ut_tell(&w->mon, MSG_SERVICE, &m, NULL, 0);
}

/* Bound to an address of loopback (or any), a port of the kernel's choice. */
static inline int
ut_bind(const char *address, int type, struct addr *out)
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

static inline void
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
	ut_tell(&w->mon, MSG_LISTENER, &m, &fd, 1);
	if (number < SERVICES_MAX)
		ut_tell(&w->mon, MSG_SERVICE_STATE, &state, NULL, 0);
}

/* A listening TCP socket; the test keeps fd. */
static inline int
world_listen(struct world *w, uint32_t id, uint16_t number, const char *name,
    const char *address, struct addr *a)
{
	int fd = ut_bind(address, SOCK_STREAM, a);

	world_listener_fd(w, id, number, name, fd, a, 0, 0);
	return (fd);
}

/* Give a master the channel of a zygote that has its slot table already. */
static inline void
world_attach(struct world *w, struct zut *z, uint16_t number, int retired)
{
	struct msg_zygote m = {.service = number,
	    .instance = z->instance,
	    .retired = (uint8_t)retired};
	struct msg_attached attached = {.instance = z->instance};
	int pair[2], fds[2];

	ut_pair(pair);
	fds[0] = pair[1];
	fds[1] = z->table;
	ut_tell(&w->mon, MSG_ZYGOTE, &m, fds, 2);
	close(pair[1]);
	ipc_channel_close(&z->ch);
	ipc_channel_init(&z->ch, pair[0], ROLE_ZYGOTE, ROLE_MASTER, ST_UP);
	ut_tell(&z->ch, MSG_ATTACHED, &attached, NULL, 0);
}

static inline void
world_zygote(struct world *w, struct zut *z, uint16_t number, uint32_t instance)
{
	z->table = ut_memfd(SLOT_TABLE_SIZE);
	z->slots = slot_table_map(z->table, 1);
	assert_non_null(z->slots);
	z->slots->magic = SLOT_TABLE_MAGIC;
	z->slots->count = SLOTS_MAX;
	z->slots->instance = instance;
	z->instance = instance;
	z->ch.fd = -1;
	world_attach(w, z, number, 0);
}

/* As the monitor: it has been waited for. */
static inline void
world_zygote_gone(struct world *w, const struct zut *z)
{
	struct msg_zygote_gone gone = {.instance = z->instance};

	ut_tell(&w->mon, MSG_ZYGOTE_GONE, &gone, NULL, 0);
}

static inline void
zut_end(struct zut *z)
{
	ipc_channel_close(&z->ch);
	slot_table_unmap(z->slots);
	close(z->table);
}

/* All is told; returns when the master accepts. */
static inline void
world_configured(struct world *w)
{
	struct msg_configured m = {.generation = ++w->generation};
	struct ipc_in in;

	ut_tell(&w->mon, MSG_CONFIGURED, &m, NULL, 0);
	ut_expect(&w->mon, MSG_ACCEPTING, &in);
	assert_int_equal(in.msg.accepting.generation, w->generation);
}

/* One whole turn of the master's loop, or more: a client comes and is answered.
 */
static inline void
world_turn(struct world *w)
{
	struct msg_show_services ask = {.end_ = 0};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct ipc_channel ch;
	struct ipc_in in = {.type = MSG_COUNT};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strlcpy(un.sun_path, w->control_path, sizeof(un.sun_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	ipc_channel_init(&ch, fd, ROLE_CLIENT, ROLE_MASTER, ST_NEW);
	assert_int_equal(ipc_greet(&ch), 0);
	ut_tell(&ch, MSG_SHOW_SERVICES, &ask, NULL, 0);
	while (in.type != MSG_DONE) {
		ut_readable(ch.fd);
		assert_int_equal(ipc_recv(&ch, &in), 0);
	}
	ipc_channel_close(&ch);
}

/*
 * The master has done all that was asked of it before, and what followed from
 * it: it says so on the monitor's channel, then its loop has turned twice.
 */
static inline void
world_sync(struct world *w)
{
	static uint32_t number;
	struct msg_ping ping = {.end_ = 0};
	struct ipc_in in;

	ping.number = ++number;
	ut_tell(&w->mon, MSG_PING, &ping, NULL, 0);
	ut_expect(&w->mon, MSG_PONG, &in);
	assert_int_equal(in.msg.pong.number, ping.number);
	world_turn(w);
	world_turn(w);
}

/* --- as audit
 * -------------------------------------------------------------------- */

/* The next event, which must be this one; view points into a static buffer. */
static inline void
event_next(struct world *w, enum event event, struct event_view *view)
{
	static struct ipc_in in;

	ut_expect(&w->audit, MSG_EVENT, &in);
	assert_int_equal(event_decode(&in.msg.event, ROLE_MASTER, view), 0);
	if (view->event != event)
		fail_msg("event %s where %s was due", event_name(view->event),
		    event_name(event));
}

/* A field's text is this; NULL: it is absent. */
static inline void
event_has(const struct event_view *v, enum event_field f, const char *text)
{
	char got[512];

	if (v->fields[f].p == NULL || text == NULL) {
		if ((v->fields[f].p == NULL) != (text == NULL))
			fail_msg("%s of %s is %s", event_field_name(f),
			    event_name(v->event),
			    text == NULL ? "there" : "absent");
		return;
	}
	snprintf(got, sizeof(got), "%.*s", v->fields[f].n,
	    (const char *)v->fields[f].p);
	assert_string_equal(got, text);
}

static inline void
event_counts(const struct event_view *v, enum event_field f, uint64_t number)
{
	assert_non_null(v->fields[f].p);
	assert_int_equal(v->fields[f].number, number);
}

/* Nothing more was reported: whatever there is came before an answer. */
static inline void
event_none(struct world *w)
{
	struct pollfd p = {.fd = w->audit.fd, .events = POLLIN};

	world_sync(w);
	assert_int_equal(poll(&p, 1, 0), 0);
}

static inline void
event_refused(struct world *w, const char *service, const char *reason)
{
	struct event_view v;

	event_next(w, EV_CONNECTION_REFUSED, &v);
	event_has(&v, FIELD_SERVICE, service);
	event_has(&v, FIELD_REASON, reason);
	assert_non_null(v.fields[FIELD_SESSION].p);
}

/* Returns the session. */
static inline uint64_t
event_accepted(struct world *w, const char *service)
{
	struct event_view v;

	event_next(w, EV_CONNECTION_ACCEPTED, &v);
	event_has(&v, FIELD_SERVICE, service);
	assert_non_null(v.fields[FIELD_SESSION].p);
	return (v.fields[FIELD_SESSION].number);
}

static inline void
event_closed(struct world *w, uint64_t session, const char *how)
{
	struct event_view v;

	event_next(w, EV_SESSION_CLOSED, &v);
	event_counts(&v, FIELD_SESSION, session);
	event_has(&v, FIELD_EXIT, how);
}

/* --- as a stranger
 * ------------------------------------------------------------------ */

static inline int
peer_connect_from(const char *from, const struct addr *a)
{
	struct sockaddr_storage ss;
	struct addr source;
	socklen_t len;
	int fd;

	addr_to_sockaddr(a, &ss, &len);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (from != NULL) {
		struct sockaddr_storage local;
		socklen_t n;

		assert_int_equal(addr_parse(&source, from, 0), 0);
		addr_to_sockaddr(&source, &local, &n);
		assert_int_equal(bind(fd, (struct sockaddr *)&local, n), 0);
	}
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return (fd);
}

static inline int
peer_connect(const struct addr *a)
{
	return (peer_connect_from(NULL, a));
}

/* Reads to the end: exactly this text, then FIN and no reset. Closes fd. */
static inline void
peer_reads(int fd, const char *text)
{
	char buf[512];
	size_t n = 0;
	ssize_t r;

	do {
		ut_readable(fd);
		r = read(fd, buf + n, sizeof(buf) - 1 - n);
		if (r < 0)
			fail_msg("the peer got %s", strerror(errno));
		n += (size_t)r;
	} while (r > 0);
	buf[n] = '\0';
	assert_string_equal(buf, text);
	close(fd);
}

/* --- as a zygote
 * ---------------------------------------------------------------------- */

/* A START; as a zygote does, its slot is claimed. */
static inline void
zut_start(struct zut *z, struct start *s, int builtin)
{
	struct ipc_in in;

	ut_expect(&z->ch, MSG_START, &in);
	assert_int_equal(in.nfds, builtin ? 3 : 1);
	s->msg = in.msg.start;
	s->connection = in.fds[0];
	s->worker.fd = s->kept = -1;
	if (builtin) {
		ipc_channel_init(
		    &s->worker, in.fds[1], ROLE_WORKER, ROLE_MASTER, ST_UP);
		s->kept = in.fds[2];
	}
	slot_claim(z->slots, s->msg.slot, s->msg.session, &s->msg.peer,
	    time_boot_ns());
	z->slots->slots[s->msg.slot].pid = 4242;
}

/* The worker's side is closed, and the slot says how it ended. */
static inline void
zut_finish(struct zut *z, struct start *s, enum ended how, int32_t value)
{
	fd_close(&s->connection);
	ipc_channel_close(&s->worker);
	fd_close(&s->kept);
	slot_end(z->slots, s->msg.slot, how, value);
}

static inline void
zut_ended_at(struct zut *z, struct start *s, enum ended how, int32_t value,
    enum step step)
{
	struct msg_ended m = {.slot = s->msg.slot,
	    .session = s->msg.session,
	    .pid = 4242,
	    .how = (uint8_t)how,
	    .value = value,
	    .step = (uint8_t)step};

	zut_finish(z, s, how, value);
	ut_tell(&z->ch, MSG_ENDED, &m, NULL, 0);
}

static inline void
zut_ended(struct zut *z, struct start *s, enum ended how, int32_t value)
{
	zut_ended_at(z, s, how, value, STEP_NONE);
}

/* A connection from its start: connected, accepted, with the zygote. */
static inline int
zut_serve(struct world *w, struct zut *z, const struct addr *a,
    const char *service, struct start *s, int builtin)
{
	int peer = peer_connect(a);

	zut_start(z, s, builtin);
	assert_int_equal(event_accepted(w, service), s->msg.session);
	return (peer);
}

/* --- as the portreeve command
 * ------------------------------------------------------------ */

static inline void
client_connect_only(struct world *w, struct ipc_channel *ch)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strlcpy(un.sun_path, w->control_path, sizeof(un.sun_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	ipc_channel_init(ch, fd, ROLE_CLIENT, ROLE_MASTER, ST_NEW);
}

static inline void
client_connect(struct world *w, struct ipc_channel *ch)
{
	client_connect_only(w, ch);
	assert_int_equal(ipc_greet(ch), 0);
}

/* The row of a service and family; the others are read over. */
static inline void
client_service(struct world *w, const char *service, enum family family,
    struct msg_row_service *row)
{
	struct msg_show_services ask = {.end_ = 0};
	struct ipc_channel ch;
	struct ipc_in in;
	int found = 0;

	client_connect(w, &ch);
	ut_tell(&ch, MSG_SHOW_SERVICES, &ask, NULL, 0);
	for (;;) {
		ut_readable(ch.fd);
		assert_int_equal(ipc_recv(&ch, &in), 0);
		if (in.type == MSG_DONE)
			break;
		assert_int_equal(in.type, MSG_ROW_SERVICE);
		if (strcmp(in.msg.row_service.service, service) != 0 ||
		    in.msg.row_service.family != family)
			continue;
		*row = in.msg.row_service;
		found++;
	}
	assert_int_equal(found, 1);
	ipc_channel_close(&ch);
}

static inline uint32_t
client_sessions(struct world *w, const char *service, enum family family)
{
	struct msg_row_service row;

	client_service(w, service, family, &row);
	return (row.sessions);
}

#endif
