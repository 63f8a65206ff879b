/*
 * Faults: out of descriptors, a channel without room, a zygote that dies, is
 * replaced, gives back or lies, a worker that lies, an audit that does not
 * read. With the master's own program.
 */
#include "tests/stage/master.h"

#define N FIXTURE_NUMBER

static void
begin_with(struct fixture *f, enum service_kind kind, rlim_t nofile)
{
	fixture_begin(f, &(struct fixture_service){.kind = kind,
			     .name = "it",
			     .connections = 1000,
			     .rate = 65535,
			     .nofile = nofile});
}

/*
 * Workers' channels fill the table: the next is refused by its text, told as
 * no-resources with one resources-short, and afterwards all is well.
 */
static void
out_of_descriptors(void **state)
{
	enum { MOST = 64, REFUSED = 8 };
	struct event_view v;
	struct start s[MOST];
	struct fixture f;
	int peer[MOST], n, refused;
	struct pollfd p;
	struct ipc_in in;

	(void)state;
	begin_with(&f, SERVICE_FINGER, 40);
	p = (struct pollfd){.fd = f.w.audit.fd, .events = POLLIN};
	for (n = 0; n < MOST; n++) {
		peer[n] = peer_connect(&f.a);
		stage_readable(f.w.audit.fd);
		assert_int_equal(ipc_recv(&f.w.audit, &in), 0);
		assert_int_equal(
		    event_decode(&in.msg.event, ROLE_MASTER, &v), 0);
		if (v.event != EV_CONNECTION_ACCEPTED)
			break;
		stub_start(&f.z, &s[n], 1);
	}
	assert_true(n > 4 && n < MOST);
	/* The first of several: one event for all. */
	assert_int_equal(v.event, EV_RESOURCES_SHORT);
	event_has(&v, FIELD_ERRNO, "EMFILE");
	event_refused(&f.w, "it", "no-resources");
	/* cppcheck-suppress arrayIndexOutOfBounds ; n was asserted */
	peer_reads(peer[n], "Too many connections\r\n");
	for (int i = 0; i < REFUSED; i++) {
		refused = peer_connect(&f.a);
		event_refused(&f.w, "it", "no-resources");
		peer_reads(refused, "Too many connections\r\n");
	}
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), n);
	for (int i = 0; i < n; i++)
		fixture_over(&f, &f.z, &s[i], peer[i]);
	peer[0] = stub_serve(&f.w, &f.z, &f.a, "it", &s[0], 1);
	fixture_over(&f, &f.z, &s[0], peer[0]);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	fixture_end(&f);
}

/* Clock ticks that the master has computed for, so far. */
static unsigned long
master_ticks(const struct world *w)
{
	unsigned long user, kernel;
	char path[64], line[512], *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)w->master);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	p = strrchr(line, ')');
	assert_non_null(p);
	assert_int_equal(sscanf(p,
			     ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			     "%lu %lu",
			     &user, &kernel),
	    2);
	return (user + kernel);
}

/*
 * The master's soft limit of descriptors, set from outside by a process of its
 * own user: a machine's root may lack CAP_SYS_RESOURCE. (rlim_t)-1: as before.
 */
static void
master_limit(const struct world *w, rlim_t soft)
{
	struct rlimit limit;
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (geteuid() == 0 &&
		    (setgroups(0, NULL) != 0 || setgid(MASTER_UID) != 0 ||
			setuid(MASTER_UID) != 0))
			_exit(1);
		if (prlimit(w->master, RLIMIT_NOFILE, NULL, &limit) != 0)
			_exit(2);
		limit.rlim_cur = soft == (rlim_t)-1 ? limit.rlim_max : soft;
		if (prlimit(w->master, RLIMIT_NOFILE, &limit, NULL) != 0)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* The kernel itself gives none; with the reserve's places one is refused. */
static void
kernel_says_emfile(void **state)
{
	struct event_view v;
	struct fixture f;
	struct start s;
	char path[64];
	int peer, lowest = -1;

	(void)state;
	if (geteuid() != 0)
		skip(); /* only root sees the master's descriptors */
	begin_with(&f, SERVICE_FINGER, 0);
	world_sync(&f.w);
	do {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)f.w.master,
		    ++lowest);
	} while (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	master_limit(&f.w, (rlim_t)lowest);
	for (int i = 0; i < 3; i++) {
		peer = peer_connect(&f.a);
		if (i == 0) {
			event_next(&f.w, EV_RESOURCES_SHORT, &v);
			event_has(&v, FIELD_ERRNO, "EMFILE");
		}
		event_refused(&f.w, "it", "no-resources");
		peer_reads(peer, "Too many connections\r\n");
	}
	master_limit(&f.w, (rlim_t)-1);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

/* Not even the reserve's places: the listener rests, and nothing spins. */
static void
no_place_at_all(void **state)
{
	struct event_view v;
	struct fixture f;
	struct start s;
	unsigned long ticks;
	struct pollfd p;
	int peer;

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	world_sync(&f.w);
	master_limit(&f.w, 0);
	peer = peer_connect(&f.a);
	event_next(&f.w, EV_RESOURCES_SHORT, &v);
	event_has(&v, FIELD_ERRNO, "EMFILE");
	ticks = master_ticks(&f.w);
	p = (struct pollfd){.fd = f.w.audit.fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 400), 0); /* a stretch of time */
	assert_true(master_ticks(&f.w) - ticks <= 5);
	master_limit(&f.w, (rlim_t)-1);
	/* Nobody was lost. */
	stub_start(&f.z, &s, 1);
	event_accepted(&f.w, "it");
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

/* Nobody reads the zygote's channel: the backlog holds them, none is lost. */
static void
full_channel_waits(void **state)
{
	enum { MANY = 400 };
	static int count[EV_COUNT];
	struct fixture f;
	struct ipc_in in;
	struct start s;
	int peer[MANY];

	(void)state;
	begin_with(&f, SERVICE_EXEC, 0);
	for (int i = 0; i < MANY; i++)
		peer[i] = peer_connect(&f.a);
	for (int i = 0; i < MANY; i++) {
		stub_start(&f.z, &s, 0);
		stub_ended(&f.z, &s, ENDED_EXITED, 0);
		peer_reads(peer[i], "");
	}
	/* Accepted in batches, so that their events are not in turn. */
	for (int i = 0; i < 2 * MANY; i++) {
		stage_expect(&f.w.audit, MSG_EVENT, &in);
		count[in.msg.event.event]++;
	}
	assert_int_equal(count[EV_CONNECTION_ACCEPTED], MANY);
	assert_int_equal(count[EV_SESSION_CLOSED], MANY);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 0);
	fixture_end(&f);
}

/*
 * The channel breaks, and no process ends: nothing is closed in the books, the
 * limit counts all, and the monitor is asked. By the next channel both sides
 * say what they have.
 */
static void
channel_breaks(void **state)
{
	enum { LIMIT = 10 };
	struct start s[LIMIT], t;
	struct fixture f;
	struct ipc_in in;
	int peer[LIMIT], refused, lost;

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	world_service(&f.w, N, SERVICE_FINGER, "it", LIMIT, 65535);
	for (int i = 0; i < LIMIT - 1; i++)
		peer[i] = stub_serve(&f.w, &f.z, &f.a, "it", &s[i], 1);
	/* The last one's START goes down with the channel. */
	lost = peer_connect(&f.a);
	event_accepted(&f.w, "it");
	ipc_channel_close(&f.z.ch);
	stage_expect(&f.w.mon, MSG_ZYGOTE_LOST, &in);
	assert_int_equal(in.msg.zygote_lost.instance, f.z.instance);
	assert_int_equal(in.msg.zygote_lost.broke, 0);
	event_none(&f.w);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), LIMIT);
	/* Who ends meanwhile is seen in the table. */
	stub_finish(&f.z, &s[0], ENDED_EXITED, 7);
	event_closed(&f.w, s[0].msg.session, "7");
	peer_reads(peer[0], "");
	/* It asks until it has one. */
	stage_expect(&f.w.mon, MSG_ZYGOTE_LOST, &in);
	world_attach(&f.w, &f.z, N, 0);
	event_closed(&f.w, s[LIMIT - 2].msg.session + 1, NULL);
	close(lost);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), LIMIT - 2);
	peer[0] = stub_serve(&f.w, &f.z, &f.a, "it", &s[0], 1);
	peer[LIMIT - 1] = stub_serve(&f.w, &f.z, &f.a, "it", &s[LIMIT - 1], 1);
	refused = peer_connect(&f.a);
	event_refused(&f.w, "it", "connection-limit");
	peer_reads(refused, "Too many connections\r\n");
	for (int i = 0; i < LIMIT; i++)
		fixture_over(&f, &f.z, &s[i], peer[i]);
	peer[0] = stub_serve(&f.w, &f.z, &f.a, "it", &t, 1);
	fixture_over(&f, &f.z, &t, peer[0]);
	fixture_end(&f);
}

/* The POOL_TAKEN of a worker that has its connection goes down: said again. */
static void
taken_is_told_again(void **state)
{
	struct msg_pooled pooled = {.pid = 4711};
	struct msg_stats stats = {.bytes_in = 1, .bytes_out = 2};
	struct ipc_channel worker;
	struct fixture f;
	struct event_view v;
	struct ipc_in in;
	struct start s, other;
	int pair[2], peer;

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	stage_pair(pair);
	ipc_channel_init(&worker, pair[1], ROLE_WORKER, ROLE_MASTER, ST_IDLE);
	stage_tell(&f.z.ch, MSG_POOLED, &pooled, &pair[0], 1);
	world_sync(&f.w);
	peer = peer_connect(&f.a);
	stage_expect(&worker, MSG_ASSIGN, &in);
	memset(&s, 0, sizeof(s));
	s.msg.session = in.msg.assign.session;
	s.connection = in.fds[0];
	s.worker = worker;
	s.kept = pair[0];
	assert_int_equal(event_accepted(&f.w, "it"), s.msg.session);
	ipc_channel_close(&f.z.ch);
	stage_expect(&f.w.mon, MSG_ZYGOTE_LOST, &in);
	world_attach(&f.w, &f.z, N, 0);
	/* To the zygote it is an idle one still. */
	stage_tell(&f.z.ch, MSG_POOLED, &pooled, &s.kept, 1);
	stage_expect(&f.z.ch, MSG_POOL_TAKEN, &in);
	assert_int_equal(in.msg.pool_taken.pid, 4711);
	assert_int_equal(in.msg.pool_taken.session, s.msg.session);
	s.msg.slot = in.msg.pool_taken.slot;
	slot_claim(f.z.slots, s.msg.slot, s.msg.session,
	    &in.msg.pool_taken.peer, time_boot_ns());
	event_none(&f.w);
	/* It gets no second connection, and its channel is whole. */
	close(stub_serve(&f.w, &f.z, &f.a, "it", &other, 1));
	stage_tell(&s.worker, MSG_STATS, &stats, NULL, 0);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	event_next(&f.w, EV_SESSION_CLOSED, &v);
	event_counts(&v, FIELD_SESSION, s.msg.session);
	event_counts(&v, FIELD_BYTES_OUT, 2);
	peer_reads(peer, "");
	fixture_end(&f);
}

/* As a zygote without a process for it: its slot runs nothing. */
static void
give_back(struct fixture *f, int fds)
{
	struct msg_returned m = {.error = EAGAIN};
	struct ipc_in in;

	stage_expect(&f->z.ch, MSG_START, &in);
	assert_int_equal(in.nfds, fds);
	m.slot = in.msg.start.slot;
	m.session = in.msg.start.session;
	stage_tell(&f->z.ch, MSG_RETURNED, &m, in.fds, in.nfds);
	ipc_in_close(&in);
}

static void
told_of_shortage(struct fixture *f)
{
	struct event_view v;

	event_next(&f->w, EV_RESOURCES_SHORT, &v);
	event_has(&v, FIELD_ERRNO, "EAGAIN");
}

/*
 * No process can be had: who comes is refused, with the line where there is
 * one, and it counts nowhere. One event tells of all.
 */
static void
refused_without_a_process(enum service_kind kind, const char *line, int fds)
{
	struct fixture f;
	struct start s;
	int peer;

	begin_with(&f, kind, 0);
	world_service(&f.w, N, kind, "it", 3, 3);
	for (int i = 0; i < 10; i++) {
		peer = peer_connect(&f.a);
		give_back(&f, fds);
		if (i == 0)
			told_of_shortage(&f);
		event_refused(&f.w, "it", "no-resources");
		peer_reads(peer, line);
	}
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 0);
	/* Neither limit knows of them. */
	for (int i = 0; i < 3; i++) {
		peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, fds == 3);
		stub_ended(&f.z, &s, ENDED_EXITED, 0);
		/* sshd's has no meaning. */
		event_closed(
		    &f.w, s.msg.session, kind == SERVICE_SSH ? NULL : "0");
		peer_reads(peer, "");
	}
	fixture_end(&f);
}

static void
out_of_processes(void **state)
{
	static const char line[] = "Too many connections\r\n";

	(void)state;
	refused_without_a_process(SERVICE_FINGER, line, 3);
	refused_without_a_process(SERVICE_SSH, line, 1);
	refused_without_a_process(SERVICE_EXEC, "", 1);
}

/*
 * The same of programs that get the listener: what waits there is refused, and
 * does not wake the master for ever.
 */
static void
out_of_processes_for_a_listener(void **state)
{
	struct sockaddr_storage ss;
	int tcp, udp, peer;
	struct addr a, b;
	struct fixture f;
	struct start s;
	socklen_t len;

	(void)state;
	begin_with(&f, SERVICE_EXEC, 0);
	world_service(&f.w, N, SERVICE_EXEC, "it", 1, 2);
	tcp = world_bind("127.0.0.1", SOCK_STREAM, &a);
	world_listener_fd(&f.w, 10, N, "it", tcp, &a, 0, 1);
	udp = world_bind("127.0.0.1", SOCK_DGRAM, &b);
	world_listener_fd(&f.w, 11, N, "it", udp, &b, 1, 0);
	world_configured(&f.w);
	addr_to_sockaddr(&b, &ss, &len);
	for (int i = 0; i < 4; i++) {
		peer = peer_connect(&a);
		give_back(&f, 1);
		if (i == 0)
			told_of_shortage(&f);
		event_refused(&f.w, "it", "no-resources");
		peer_reads(peer, "");
		peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_int_equal(
		    sendto(peer, "ask", 3, 0, (struct sockaddr *)&ss, len), 3);
		close(peer);
		give_back(&f, 1);
		event_refused(&f.w, "it", "no-resources");
	}
	peer = peer_connect(&a);
	stub_start(&f.z, &s, 0);
	assert_int_equal(event_accepted(&f.w, "it"), s.msg.session);
	close(accept(s.connection, NULL, NULL));
	fixture_over(&f, &f.z, &s, peer);
	close(tcp);
	close(udp);
	fixture_end(&f);
}

/* The zygote's death ends its sessions; who comes waits for the next one. */
static void
zygote_death(void **state)
{
	struct start s[2], t;
	struct fixture f;
	struct stub next;
	int peer[2], waiting;

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	for (int i = 0; i < 2; i++)
		peer[i] = stub_serve(&f.w, &f.z, &f.a, "it", &s[i], 1);
	/* One had ended just before, and the table says how. */
	stub_finish(&f.z, &s[1], ENDED_EXITED, 3);
	ipc_channel_close(&f.z.ch);
	stub_finish(&f.z, &s[0], ENDED_UNKNOWN, 0);
	slot_claim(f.z.slots, s[0].msg.slot, s[0].msg.session, &s[0].msg.peer,
	    1); /* it never came to write that */
	world_zygote_gone(&f.w, &f.z);
	event_closed(&f.w, s[0].msg.session, "SIGKILL");
	event_closed(&f.w, s[1].msg.session, "3");
	peer_reads(peer[0], "");
	peer_reads(peer[1], "");
	waiting = peer_connect(&f.a);
	event_none(&f.w);
	world_zygote(&f.w, &next, N, 2);
	stub_start(&next, &t, 1);
	assert_int_equal(event_accepted(&f.w, "it"), t.msg.session);
	fixture_over(&f, &next, &t, waiting);
	stub_end(&next);
	fixture_end(&f);
}

/*
 * It ends with a START unread, which the kernel tells before all that it had
 * sent: that is heard all the same, and a connection given back is served.
 */
static void
last_words_are_heard(void **state)
{
	struct msg_returned back = {.end_ = 0};
	struct msg_ended ended = {.how = ENDED_EXITED, .value = 5};
	struct start s[2], t;
	struct fixture f;
	struct stub next;
	int peer[3], fds[3];

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	for (int i = 0; i < 2; i++)
		peer[i] = stub_serve(&f.w, &f.z, &f.a, "it", &s[i], 1);
	peer[2] = peer_connect(&f.a);
	event_accepted(&f.w, "it");
	kill(f.w.master, SIGSTOP);
	assert_int_equal(waitpid(f.w.master, NULL, WUNTRACED), f.w.master);
	ended.slot = s[0].msg.slot;
	ended.session = s[0].msg.session;
	stage_tell(&f.z.ch, MSG_ENDED, &ended, NULL, 0);
	back.slot = s[1].msg.slot;
	back.session = s[1].msg.session;
	fds[0] = s[1].connection;
	fds[1] = s[1].worker.fd;
	fds[2] = s[1].kept;
	stage_tell(&f.z.ch, MSG_RETURNED, &back, fds, 3);
	ipc_channel_close(&f.z.ch);
	world_zygote_gone(&f.w, &f.z);
	kill(f.w.master, SIGCONT);
	event_closed(&f.w, s[0].msg.session, "5");
	event_closed(&f.w, s[1].msg.session + 1, "SIGKILL");
	peer_reads(peer[2], "");
	stub_finish(&f.z, &s[0], ENDED_UNKNOWN, 0);
	stub_finish(&f.z, &s[1], ENDED_UNKNOWN, 0);
	peer_reads(peer[0], "");
	world_zygote(&f.w, &next, N, 2);
	stub_start(&next, &t, 1);
	assert_int_equal(t.msg.session, s[1].msg.session);
	fixture_over(&f, &next, &t, peer[1]);
	stub_end(&next);
	fixture_end(&f);
}

/* A new zygote takes over; the old one keeps its sessions and no more. */
static void
zygote_replaced(void **state)
{
	struct start s, t;
	struct fixture f;
	struct stub next;
	int peer, other;

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	world_zygote(&f.w, &next, N, 2);
	world_configured(&f.w);
	other = stub_serve(&f.w, &next, &f.a, "it", &t, 1);
	fixture_over(&f, &f.z, &s, peer);
	ipc_channel_close(&f.z.ch); /* it has none left, and ends */
	fixture_over(&f, &next, &t, other);
	peer = stub_serve(&f.w, &next, &f.a, "it", &s, 1);
	fixture_over(&f, &next, &s, peer);
	stub_end(&next);
	fixture_end(&f);
}

/* One that does not answer: who comes now waits for another, not for it. */
static void
zygote_does_not_answer(void **state)
{
	struct msg_zygote_silent silent = {.instance = 1};
	struct start s, t;
	struct fixture f;
	struct stub next;
	int peer, other;

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	stage_tell(&f.w.mon, MSG_ZYGOTE_SILENT, &silent, NULL, 0);
	world_sync(&f.w);
	other = peer_connect(&f.a);
	world_zygote(&f.w, &next, N, 2);
	stub_start(&next, &t, 1);
	event_accepted(&f.w, "it");
	fixture_over(&f, &next, &t, other);
	fixture_over(&f, &f.z, &s, peer);
	stub_end(&next);
	fixture_end(&f);
}

/* Given back by a zygote that retires: the same session, the same peer. */
static void
returned_is_dispatched_again(void **state)
{
	struct msg_returned m = {.end_ = 0};
	struct start s, t;
	struct fixture f;
	struct stub next;
	char c;
	int peer, fds[3];

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	m.slot = s.msg.slot;
	m.session = s.msg.session;
	fds[0] = s.connection;
	fds[1] = s.worker.fd;
	fds[2] = s.kept;
	stage_tell(&f.z.ch, MSG_RETURNED, &m, fds, 3);
	stub_finish(&f.z, &s, ENDED_UNKNOWN, 0);
	event_none(&f.w);
	world_zygote(&f.w, &next, N, 2);
	stub_start(&next, &t, 1);
	assert_int_equal(t.msg.session, s.msg.session);
	assert_int_equal(t.msg.slot, s.msg.slot);
	assert_int_equal(write(t.connection, "x", 1), 1);
	stage_readable(peer);
	assert_int_equal(read(peer, &c, 1), 1);
	fixture_over(&f, &next, &t, peer);
	stub_end(&next);
	fixture_end(&f);
}

/* No zygote comes for it: in the end the peer is told, it does not hang. */
static void
held_is_not_for_ever(void **state)
{
	struct msg_returned m = {.end_ = 0};
	struct fixture f;
	struct start s;
	struct pollfd p;
	int peer;

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	m.slot = s.msg.slot;
	m.session = s.msg.session;
	stage_tell(&f.z.ch, MSG_RETURNED, &m, &s.connection, 1);
	stub_finish(&f.z, &s, ENDED_UNKNOWN, 0);
	p = (struct pollfd){.fd = f.w.audit.fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 3 * PATIENCE_MS), 1);
	event_closed(&f.w, s.msg.session, NULL);
	peer_reads(peer, "Too many connections\r\n");
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 0);
	fixture_end(&f);
}

/*
 * A service that is gone, and whose held sessions all end in one look: as many
 * as make a batch of events, so that the last one's end takes the service with
 * it.
 */
static void
held_by_a_service_that_is_gone(void **state)
{
	enum { BATCH = 48 };
	struct msg_service_gone gone = {.number = N};
	struct msg_returned m = {.end_ = 0};
	struct fixture f;
	struct start s[BATCH];
	struct pollfd p;
	int peer[BATCH];

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	for (int i = 0; i < BATCH; i++)
		peer[i] = stub_serve(&f.w, &f.z, &f.a, "it", &s[i], 1);
	for (int i = 0; i < BATCH; i++) {
		m.slot = s[i].msg.slot;
		m.session = s[i].msg.session;
		stage_tell(&f.z.ch, MSG_RETURNED, &m, &s[i].connection, 1);
		stub_finish(&f.z, &s[i], ENDED_UNKNOWN, 0);
	}
	ipc_channel_close(&f.z.ch);
	stage_tell(&f.w.mon, MSG_SERVICE_GONE, &gone, NULL, 0);
	p = (struct pollfd){.fd = f.w.audit.fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 3 * PATIENCE_MS), 1);
	for (int i = 0; i < BATCH; i++) {
		event_closed(&f.w, s[i].msg.session, NULL);
		peer_reads(peer[i], "Too many connections\r\n");
	}
	fixture_end(&f);
}

/* A zygote that speaks of another's session loses its channel. */
static void
zygote_lies(void **state)
{
	struct start s, t;
	struct fixture f;
	struct stub other, next;
	struct ipc_in in;
	int peer, mine;
	char c;

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	world_service(&f.w, 2, SERVICE_FINGER, "two", 10, 250);
	world_zygote(&f.w, &other, 2, 5);
	world_configured(&f.w);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	t = s;
	t.connection = t.worker.fd = t.kept = -1;
	stub_ended(&other, &t, ENDED_EXITED, 0);
	stage_readable(other.ch.fd);
	assert_int_equal(read(other.ch.fd, &c, 1), 0);
	stage_expect(&f.w.mon, MSG_ZYGOTE_LOST, &in);
	assert_int_equal(in.msg.zygote_lost.instance, 5);
	assert_int_equal(in.msg.zygote_lost.broke, 1);
	/* The session is as it was. */
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 1);
	fixture_over(&f, &f.z, &s, peer);
	/* An ENDED of what the books do not know is no fault. */
	t.msg.session = 999999;
	stub_ended(&f.z, &t, ENDED_EXITED, 0);
	mine = stub_serve(&f.w, &f.z, &f.a, "it", &s, 1);
	fixture_over(&f, &f.z, &s, mine);
	/* What is no message at all is one. */
	assert_int_equal(send(f.z.ch.fd, "nonsense", 8, 0), 8);
	stage_readable(f.z.ch.fd);
	assert_int_equal(read(f.z.ch.fd, &c, 1), 0);
	world_zygote(&f.w, &next, N, 9);
	mine = stub_serve(&f.w, &next, &f.a, "it", &s, 1);
	fixture_over(&f, &next, &s, mine);
	stub_end(&next);
	stub_end(&other);
	fixture_end(&f);
}

/* A worker that was taken over: its channel goes, nothing else does. */
static void
worker_lies(void **state)
{
	struct msg_stats stats = {.bytes_in = 1};
	struct event_view v;
	struct start s[2];
	struct fixture f;
	int peer[2];
	char c;

	(void)state;
	begin_with(&f, SERVICE_FINGER, 0);
	for (int i = 0; i < 2; i++)
		peer[i] = stub_serve(&f.w, &f.z, &f.a, "it", &s[i], 1);
	/* A zygote's message, as a worker: not its to send. */
	assert_int_equal(
	    send(s[0].worker.fd, (uint16_t[]){MSG_ATTACHED, 1, 0}, 6, 0), 6);
	event_next(&f.w, EV_WORKER_FAILED, &v);
	event_counts(&v, FIELD_SESSION, s[0].msg.session);
	event_has(&v, FIELD_REASON, "message");
	/* It hears no more, though the zygote has a copy of the channel. */
	stage_readable(s[0].worker.fd);
	assert_int_equal(read(s[0].worker.fd, &c, 1), 0);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 2);
	stage_tell(&s[1].worker, MSG_STATS, &stats, NULL, 0);
	fixture_over(&f, &f.z, &s[1], peer[1]);
	fixture_over(&f, &f.z, &s[0], peer[0]);
	fixture_end(&f);
}

/* Audit does not read: no connection waits for it; drops are told. */
static void
audit_does_not_read(void **state)
{
	enum { MANY = 6000 };
	struct event_view v;
	struct ipc_in in;
	struct fixture f;
	struct start s;
	uint64_t seen = 0, dropped = 0;
	int peer;

	(void)state;
	begin_with(&f, SERVICE_EXEC, 0);
	for (int i = 0; i < MANY; i++) {
		peer = peer_connect(&f.a);
		stub_start(&f.z, &s, 0);
		stub_ended(&f.z, &s, ENDED_EXITED, 0);
		peer_reads(peer, "");
	}
	while (seen + dropped < 2 * MANY) {
		stage_readable(f.w.audit.fd);
		assert_int_equal(ipc_recv(&f.w.audit, &in), 0);
		assert_int_equal(
		    event_decode(&in.msg.event, ROLE_MASTER, &v), 0);
		if (v.event == EV_EVENTS_DROPPED)
			dropped += v.fields[FIELD_COUNT].number;
		else
			seen++;
	}
	assert_int_equal(seen + dropped, 2 * MANY);
	assert_true(dropped > 0);
	assert_int_equal(client_sessions(&f.w, "it", FAMILY_INET), 0);
	fixture_end(&f);
}

/* The monitor is gone: so is the master, at once. */
static void
monitor_death(void **state)
{
	struct fixture f;
	struct start s;
	int peer, status;
	char c;

	(void)state;
	begin_with(&f, SERVICE_EXEC, 0);
	peer = stub_serve(&f.w, &f.z, &f.a, "it", &s, 0);
	/* The zygotes go first, as when the kernel closes the monitor's. */
	assert_int_equal(shutdown(f.z.ch.fd, SHUT_WR), 0);
	stage_readable(f.z.ch.fd);
	assert_int_equal(read(f.z.ch.fd, &c, 1), 0);
	ipc_channel_close(&f.z.ch);
	ipc_channel_close(&f.w.mon);
	assert_int_equal(waitpid(f.w.master, &status, 0), f.w.master);
	f.w.master = 0;
	/* The books are open: the next daemon may adopt the session. */
	{
		struct pollfd p = {.fd = f.w.audit.fd, .events = POLLIN};

		assert_int_equal(poll(&p, 1, 0), 0);
	}
	stub_finish(&f.z, &s, ENDED_EXITED, 0);
	close(peer);
	world_end(&f.w);
	stub_end(&f.z);
	close(f.listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(out_of_descriptors),
	    cmocka_unit_test(kernel_says_emfile),
	    cmocka_unit_test(no_place_at_all),
	    cmocka_unit_test(full_channel_waits),
	    cmocka_unit_test(channel_breaks),
	    cmocka_unit_test(taken_is_told_again),
	    cmocka_unit_test(out_of_processes),
	    cmocka_unit_test(out_of_processes_for_a_listener),
	    cmocka_unit_test(zygote_death),
	    cmocka_unit_test(last_words_are_heard),
	    cmocka_unit_test(zygote_replaced),
	    cmocka_unit_test(zygote_does_not_answer),
	    cmocka_unit_test(returned_is_dispatched_again),
	    cmocka_unit_test(held_is_not_for_ever),
	    cmocka_unit_test(held_by_a_service_that_is_gone),
	    cmocka_unit_test(zygote_lies),
	    cmocka_unit_test(worker_lies),
	    cmocka_unit_test(audit_does_not_read),
	    cmocka_unit_test(monitor_death),
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
