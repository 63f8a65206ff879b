/*
 * The control socket: who may speak, rows, what is passed on to the monitor,
 * clients that lie or do not read. With the master's own program.
 */
#include <sys/resource.h>

#include "tests/stage/master.h"

#define N FIXTURE_NUMBER
#define FILES 4096

static void
begin(struct fixture *f)
{
	fixture_begin(f, &(struct fixture_service){.kind = SERVICE_SSH,
			     .name = "ssh",
			     .connections = 2000,
			     .rate = 65535});
}

static void
done(struct ipc_channel *ch, int status)
{
	struct ipc_in in;

	stage_expect(ch, MSG_DONE, &in);
	assert_int_equal(in.msg.done.status, status);
	assert_int_equal(in.msg.done.reason[0] == '\0', status == 0);
}

static void
service_rows(void **state)
{
	struct msg_row_service row;
	struct fixture f;

	(void)state;
	begin(&f);
	client_service(&f.w, "ssh", FAMILY_INET, &row);
	assert_true(addr_equal(&row.address, &f.a));
	assert_int_equal(row.connection_limit, 2000);
	assert_int_equal(row.rate_limit, 65535);
	assert_int_equal(row.sessions, 0);
	assert_int_equal(row.accepted, 0);
	assert_int_equal(row.refused, 0);
	assert_string_equal(row.state, "listening");
	fixture_end(&f);
}

/* One that does not listen has its row all the same, as the monitor says. */
static void
waiting_rows(void **state)
{
	struct msg_service_state waits = {.number = N,
	    .family = FAMILY_INET6,
	    .state = "waiting: exec: /x: No such file or directory"};
	struct msg_row_service row;
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(addr_parse(&waits.address, "::", 22), 0);
	stage_tell(&f.w.mon, MSG_SERVICE_STATE, &waits, NULL, 0);
	world_sync(&f.w);
	client_service(&f.w, "ssh", FAMILY_INET6, &row);
	assert_string_equal(row.state, waits.state);
	assert_true(addr_equal(&row.address, &waits.address));
	client_service(&f.w, "ssh", FAMILY_INET, &row);
	assert_string_equal(row.state, "listening");
	fixture_end(&f);
}

/* A login, before and after its user is known. */
static void
session_rows(void **state)
{
	struct msg_show_sessions ask = {.end_ = 0};
	struct msg_session_user user = {.user = "alice", .tty = "pts/9"};
	struct ipc_channel ch;
	struct fixture f;
	struct ipc_in in;
	struct start s;
	uint64_t now = time_wall_ns();
	int peer;

	(void)state;
	begin(&f);
	client_connect(&f.w, &ch);
	stage_tell(&ch, MSG_SHOW_SESSIONS, &ask, NULL, 0);
	done(&ch, 0);
	peer = stub_serve(&f.w, &f.z, &f.a, "ssh", &s, 0);
	stage_tell(&ch, MSG_SHOW_SESSIONS, &ask, NULL, 0);
	stage_expect(&ch, MSG_ROW_SESSION, &in);
	assert_int_equal(in.msg.row_session.id, s.msg.session);
	assert_string_equal(in.msg.row_session.service, "ssh");
	assert_true(addr_equal(&in.msg.row_session.source, &s.msg.peer));
	assert_string_equal(in.msg.row_session.user, "");
	assert_string_equal(in.msg.row_session.doing, "login");
	assert_int_equal(in.msg.row_session.pid, 4242);
	assert_true(in.msg.row_session.since >= now);
	assert_true(in.msg.row_session.bytes_in == UINT64_MAX);
	done(&ch, 0);
	user.session = s.msg.session;
	stage_tell(&f.w.mon, MSG_SESSION_USER, &user, NULL, 0);
	world_sync(&f.w);
	stage_tell(&ch, MSG_SHOW_SESSIONS, &ask, NULL, 0);
	stage_expect(&ch, MSG_ROW_SESSION, &in);
	assert_string_equal(in.msg.row_session.user, "alice");
	assert_string_equal(in.msg.row_session.tty, "pts/9");
	assert_string_equal(in.msg.row_session.doing, "session");
	done(&ch, 0);
	ipc_channel_close(&ch);
	stub_ended(&f.z, &s, ENDED_EXITED, 0);
	{
		struct event_view v;

		event_next(&f.w, EV_SESSION_CLOSED, &v);
		event_has(&v, FIELD_USER, "alice");
	}
	peer_reads(peer, "");
	fixture_end(&f);
}

/* More rows than the socket holds: all come, each once. */
static void
many_rows(void **state)
{
	enum { MANY = 600 };
	static uint8_t seen[MANY + 1000];
	struct msg_show_sessions ask = {.end_ = 0};
	static struct start s[MANY];
	static int peer[MANY];
	struct ipc_channel ch;
	struct fixture f;
	struct ipc_in in;
	int rows = 0;

	(void)state;
	begin(&f);
	for (int i = 0; i < MANY; i++)
		peer[i] = stub_serve(&f.w, &f.z, &f.a, "ssh", &s[i], 0);
	client_connect(&f.w, &ch);
	stage_tell(&ch, MSG_SHOW_SESSIONS, &ask, NULL, 0);
	world_sync(&f.w); /* it does not wait for this client */
	for (;;) {
		stage_readable(ch.fd);
		assert_int_equal(ipc_recv(&ch, &in), 0);
		if (in.type == MSG_DONE)
			break;
		assert_true(in.msg.row_session.id < sizeof(seen));
		assert_int_equal(seen[in.msg.row_session.id]++, 0);
		rows++;
	}
	assert_int_equal(rows, MANY);
	ipc_channel_close(&ch);
	for (int i = 0; i < MANY; i++) {
		/* sshd's status means nothing. */
		stub_ended(&f.z, &s[i], ENDED_EXITED, 255);
		event_closed(&f.w, s[i].msg.session, NULL);
		close(peer[i]);
	}
	fixture_end(&f);
}

/* As the monitor does: take the wish from the client's own connection. */
static void
take_wish(int fd, enum msg_type type, union msg_any *out)
{
	struct ipc_channel client = {
	    .fd = fd, .self = ROLE_MASTER, .peer = ROLE_CLIENT, .state = ST_UP};
	struct ipc_in in;

	assert_int_equal(ipc_recv_now(&client, &in), 0);
	assert_int_equal(in.type, type);
	if (out != NULL)
		*out = in.msg;
	close(fd);
}

/* A command of another build is told so, and nothing else is heard of it. */
static void
another_build(void **state)
{
	struct msg_hello hello = {
	    .protocol = ipc_protocol(ROLE_CLIENT) + 1, .build = "7.1"};
	struct msg_reload reload = {.end_ = 0};
	struct ipc_channel ch;
	struct fixture f;
	struct ipc_in in;

	(void)state;
	begin(&f);
	client_connect_only(&f.w, &ch);
	stage_tell(&ch, MSG_HELLO, &hello, NULL, 0);
	/* By now it may have closed. */
	(void)ipc_send(&ch, MSG_RELOAD, &reload, NULL, 0);
	stage_expect(&ch, MSG_OTHER_BUILD, &in);
	assert_non_null(strstr(in.msg.other_build.words, "7.1"));
	assert_non_null(strstr(in.msg.other_build.words, "restart the daemon"));
	stage_readable(ch.fd);
	assert_int_equal(ipc_recv(&ch, &in), ERR_CLOSED);
	ipc_channel_close(&ch);
	/* Nor of one that does not say its build. */
	client_connect_only(&f.w, &ch);
	ch.state = ST_UP;
	stage_tell(&ch, MSG_RELOAD, &reload, NULL, 0);
	stage_readable(ch.fd);
	assert_int_equal(ipc_recv(&ch, &in), ERR_CLOSED);
	ipc_channel_close(&ch);
	fixture_end(&f);
}

/* Reload and configuration: the monitor's word, and with the client's own
 * connection, so that it can see for itself who asks. */
static void
passed_on(void **state)
{
	struct msg_reload reload = {.end_ = 0};
	struct msg_show_configuration show = {.set = 1};
	struct msg_answer_done answer = {.status = 1, .reason = "line 3: no"};
	struct msg_answer_text text = {.text = {.n = 3, .b = "abc"}};
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct ipc_channel ch;
	struct fixture f;
	struct ipc_in in;
	union msg_any wish;

	(void)state;
	begin(&f);
	client_connect(&f.w, &ch);
	stage_tell(&ch, MSG_RELOAD, &reload, NULL, 0);
	stage_expect(&f.w.mon, MSG_ASK_RELOAD, &in);
	assert_int_equal(
	    getsockopt(in.fds[0], SOL_SOCKET, SO_PEERCRED, &cred, &len), 0);
	assert_int_equal(cred.pid, getpid());
	take_wish(in.fds[0], MSG_RELOAD, NULL);
	answer.request = in.msg.ask_reload.request;
	stage_tell(&f.w.mon, MSG_ANSWER_DONE, &answer, NULL, 0);
	stage_expect(&ch, MSG_DONE, &in);
	assert_int_equal(in.msg.done.status, 1);
	assert_string_equal(in.msg.done.reason, "line 3: no");

	stage_tell(&ch, MSG_SHOW_CONFIGURATION, &show, NULL, 0);
	stage_expect(&f.w.mon, MSG_ASK_CONFIGURATION, &in);
	assert_int_equal(in.msg.ask_configuration.set, 1);
	take_wish(in.fds[0], MSG_SHOW_CONFIGURATION, &wish);
	assert_int_equal(wish.show_configuration.set, 1);
	text.request = answer.request = in.msg.ask_configuration.request;
	answer.status = 0;
	answer.reason[0] = '\0';
	/* More than the client's socket holds. */
	for (int i = 0; i < 500; i++)
		stage_tell(&f.w.mon, MSG_ANSWER_TEXT, &text, NULL, 0);
	stage_tell(&f.w.mon, MSG_ANSWER_DONE, &answer, NULL, 0);
	for (int i = 0; i < 500; i++) {
		stage_expect(&ch, MSG_TEXT, &in);
		assert_int_equal(in.msg.text.text.n, 3);
	}
	done(&ch, 0);
	/* An answer to nobody is dropped. */
	stage_tell(&f.w.mon, MSG_ANSWER_DONE, &answer, NULL, 0);
	ipc_channel_close(&ch);
	fixture_end(&f);
}

/* Ended by an administrator: it is no failure of the worker. */
static void
clear_session(void **state)
{
	struct msg_clear_session clear = {.session = 4711};
	struct msg_answer_done answer = {.status = 0};
	struct ipc_channel ch;
	struct fixture f;
	struct ipc_in in;
	union msg_any wish;
	struct start s;
	int peer;

	(void)state;
	begin(&f);
	peer = stub_serve(&f.w, &f.z, &f.a, "ssh", &s, 0);
	client_connect(&f.w, &ch);
	stage_tell(&ch, MSG_CLEAR_SESSION, &clear, NULL, 0);
	done(&ch, 1);
	clear.session = s.msg.session;
	stage_tell(&ch, MSG_CLEAR_SESSION, &clear, NULL, 0);
	stage_expect(&f.w.mon, MSG_ASK_CLEAR, &in);
	assert_int_equal(in.msg.ask_clear.session, s.msg.session);
	answer.request = in.msg.ask_clear.request;
	take_wish(in.fds[0], MSG_CLEAR_SESSION, &wish);
	assert_int_equal(wish.clear_session.session, s.msg.session);
	stub_ended(&f.z, &s, ENDED_SIGNAL, SIGKILL);
	event_closed(&f.w, s.msg.session, "SIGKILL");
	stage_tell(&f.w.mon, MSG_ANSWER_DONE, &answer, NULL, 0);
	done(&ch, 0);
	peer_reads(peer, "");
	ipc_channel_close(&ch);
	fixture_end(&f);
}

/* What is no question closes the client and nothing else. */
static void
client_lies(void **state)
{
	struct msg_answer_done answer = {.status = 0};
	struct ipc_channel ch, second;
	struct fixture f;
	struct ipc_in in;
	char c;

	(void)state;
	begin(&f);
	client_connect(&f.w, &second);
	client_connect(&f.w, &ch);
	assert_int_equal(send(ch.fd, (uint16_t[]){MSG_STOP, 0}, 4, 0), 4);
	stage_readable(ch.fd);
	assert_int_equal(read(ch.fd, &c, 1), 0);
	ipc_channel_close(&ch);
	/* A second question waits in the queue until the first is answered. */
	client_connect(&f.w, &ch);
	stage_tell(&ch, MSG_RELOAD, &(struct msg_reload){.end_ = 0}, NULL, 0);
	ch.state = ST_UP;
	stage_tell(&ch, MSG_RELOAD, &(struct msg_reload){.end_ = 0}, NULL, 0);
	stage_tell(&second, MSG_SHOW_SESSIONS,
	    &(struct msg_show_sessions){.end_ = 0}, NULL, 0);
	done(&second, 0);
	ipc_channel_close(&second);
	for (int i = 0; i < 2; i++) {
		stage_expect(&f.w.mon, MSG_ASK_RELOAD, &in);
		take_wish(in.fds[0], MSG_RELOAD, NULL);
		answer.request = in.msg.ask_reload.request;
		stage_tell(&f.w.mon, MSG_ANSWER_DONE, &answer, NULL, 0);
		ch.state = ST_ASKED;
		done(&ch, 0);
	}
	ipc_channel_close(&ch);
	fixture_end(&f);
}

/* Neither root, nor the daemon's user, nor in the group. */
static void
strangers_are_closed(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct fixture f;
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip(); /* another user is root's to become */
	begin(&f);
	assert_int_equal(chmod(f.w.control_path, 0777), 0);
	strlcpy(un.sun_path, f.w.control_path, sizeof(un.sun_path));
	child = fork();
	if (child == 0) {
		struct pollfd p = {.events = POLLIN};
		char c;

		p.fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		if (setgid(64999) != 0 || setuid(64999) != 0 ||
		    connect(p.fd, (struct sockaddr *)&un, sizeof(un)) != 0 ||
		    poll(&p, 1, PATIENCE_MS) != 1)
			_exit(1);
		_exit(read(p.fd, &c, 1) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fixture_end(&f);
}

/* In the child: how many rows come before DONE, and its status; as 65534. */
static int
unseen_asks(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct msg_show_services ask = {.end_ = 0};
	static struct ipc_in in;
	struct ipc_channel ch;
	int fd, rows = 0;

	strlcpy(un.sun_path, path, sizeof(un.sun_path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (setgid(65534) != 0 || setuid(65534) != 0 ||
	    connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0)
		return (100);
	ipc_channel_init(&ch, fd, ROLE_CLIENT, ROLE_MASTER, ST_NEW);
	if (ipc_greet(&ch) != 0 ||
	    ipc_send(&ch, MSG_SHOW_SERVICES, &ask, NULL, 0) != 0)
		return (101);
	for (;; rows++) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, PATIENCE_MS) != 1 || ipc_recv(&ch, &in) != 0)
			return (102);
		if (in.type == MSG_DONE)
			return (rows * 2 + in.msg.done.status);
	}
}

/*
 * The uid under which a user namespace shows all that it does not know, root
 * among them: the monitor is asked, and without its word there is no row.
 */
static void
the_monitor_sees_who_asks(void **state)
{
	struct msg_answer_done answer = {.status = 1, .reason = "not allowed"};
	struct fixture f;
	struct ipc_in in;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip(); /* another user is root's to become */
	begin(&f);
	assert_int_equal(chmod(f.w.control_path, 0777), 0);
	for (int i = 0; i < 2; i++) {
		child = fork();
		if (child == 0)
			_exit(unseen_asks(f.w.control_path));
		stage_expect(&f.w.mon, MSG_ASK_CLIENT, &in);
		assert_int_equal(
		    getsockopt(in.fds[0], SOL_SOCKET, SO_PEERCRED, &cred, &len),
		    0);
		assert_int_equal(cred.pid, child);
		close(in.fds[0]);
		answer.request = in.msg.ask_client.request;
		stage_tell(&f.w.mon, MSG_ANSWER_DONE, &answer, NULL, 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		/* No row and refused; one row and done. */
		assert_int_equal(status, (i == 0 ? 1 : 2) << 8);
		answer.status = 0;
		answer.reason[0] = '\0';
	}
	fixture_end(&f);
}

/* The group's members may, by their supplementary groups. */
static void
group_may(void **state)
{
	struct msg_control control = {.group = 64777, .owner = 1};
	struct fixture f;
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip(); /* a group is root's to join */
	begin(&f);
	assert_int_equal(chmod(f.w.control_path, 0777), 0);
	stage_tell(&f.w.mon, MSG_CONTROL, &control, &f.w.control, 1);
	world_sync(&f.w);
	child = fork();
	if (child == 0) {
		gid_t groups[] = {64778, 64777};
		struct ipc_channel ch;

		if (setgroups(2, groups) != 0 || setgid(64999) != 0 ||
		    setuid(64999) != 0)
			_exit(1);
		client_connect(&f.w, &ch);
		stage_tell(&ch, MSG_SHOW_SESSIONS,
		    &(struct msg_show_sessions){.end_ = 0}, NULL, 0);
		done(&ch, 0);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fixture_end(&f);
}

/* Clients that say nothing lock nobody out: the oldest of them gives way. */
static void
idle_clients_give_way(void **state)
{
	enum { MANY = 40 };
	struct ipc_channel idle[MANY];
	struct msg_row_service row;
	struct fixture f;
	char c;

	(void)state;
	begin(&f);
	for (int i = 0; i < MANY; i++)
		client_connect_only(&f.w, &idle[i]);
	client_service(&f.w, "ssh", FAMILY_INET, &row);
	stage_readable(idle[0].fd);
	assert_int_equal(read(idle[0].fd, &c, 1), 0);
	for (int i = 0; i < MANY; i++)
		ipc_channel_close(&idle[i]);
	fixture_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(idle_clients_give_way),
	    cmocka_unit_test(service_rows),
	    cmocka_unit_test(waiting_rows),
	    cmocka_unit_test(session_rows),
	    cmocka_unit_test(many_rows),
	    cmocka_unit_test(another_build),
	    cmocka_unit_test(passed_on),
	    cmocka_unit_test(clear_session),
	    cmocka_unit_test(client_lies),
	    cmocka_unit_test(strangers_are_closed),
	    cmocka_unit_test(the_monitor_sees_who_asks),
	    cmocka_unit_test(group_may),
	};

	struct rlimit files;

	signal(SIGPIPE, SIG_IGN);
	/* many_rows takes more than a shell may have. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES &&
	    files.rlim_max >= FILES) {
		files.rlim_cur = FILES;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
