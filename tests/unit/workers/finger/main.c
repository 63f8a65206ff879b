/*
 * finger's own program, sealed, with this test as its monitor, its master and
 * lookup: queries over a socket, what the peer reads, and how the process
 * looks from outside. Run from the folder above build/.
 */
#include <netinet/in.h>

#include <time.h>

#include "ipc/pieces.h"
#include "tests/stage/zut.h"
#include "workers/finger/answer.h"

static char program[512];

static void
finger_new(struct zut *z, int list, int details, uint16_t pool)
{
	static char title[] = "portreeve: zygote finger";
	struct msg_seal seal = {.profile = SANDBOX_ZYGOTE_FINGER,
	    .kind = SERVICE_FINGER,
	    .service = "finger",
	    .group = UINT32_MAX};
	struct msg_finger_options options = {
	    .list_users = (uint8_t)list, .show_details = (uint8_t)details};

	memset(z, 0, sizeof(*z));
	zut_table(z);
	zut_exec(z, ROLE_ZYGOTE, program, title, &seal, NULL);
	assert_int_equal(
	    ipc_send(&z->monitor, MSG_FINGER_OPTIONS, &options, NULL, 0), 0);
	zut_send_table(z);
	zut_attach(z, pool);
}

/* A START with a real TCP connection. */
static void
finger_connect(struct zut *z, struct sut *s, uint64_t session)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct msg_start m = {.slot = (uint32_t)session, .session = session};
	socklen_t len = sizeof(a);
	int channel[2], listener, connection, fds[3];

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&a, &len);
	s->peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(s->peer, (struct sockaddr *)&a, len), 0);
	connection =
	    accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(connection >= 0);
	close(listener);
	sut_addresses(&m.peer, &m.local);
	s->slot = m.slot;
	s->session = session;
	stage_pair(channel);
	fds[0] = connection;
	fds[1] = channel[1];
	fds[2] = channel[0];
	assert_int_equal(ipc_send_wait(&z->master, MSG_START, &m, fds, 3), 0);
	close(connection);
	close(channel[1]);
	ipc_channel_init(
	    &s->worker, channel[0], ROLE_MASTER, ROLE_WORKER, ST_UP);
}

/* What was given to send_piece() since the last message. */
static struct msg_lookup_answer message;

static void
send_answer(struct sut *s, uint32_t request, int more, int found)
{
	message.request = request;
	message.more = (uint8_t)more;
	message.found = (uint8_t)found;
	assert_int_equal(
	    ipc_send(&s->worker, MSG_LOOKUP_ANSWER, &message, NULL, 0), 0);
	message.pieces.n = 0;
}

static void
add_piece(enum lookup_piece piece, uint64_t number, const char *text)
{
	struct piece p = {.kind = (uint8_t)piece,
	    .number = number,
	    .text = text,
	    .n = (uint16_t)strlen(text)};
	size_t used = message.pieces.n;

	assert_int_equal(
	    piece_put(message.pieces.b, sizeof(message.pieces.b), &used, &p),
	    0);
	message.pieces.n = (uint16_t)used;
}

/* Everything to the answer's end, and the session's books. */
static void
finish(struct zut *z, struct sut *s, const char *answer)
{
	static char buf[65536];
	struct ipc_in in;
	size_t n = sut_read(s, buf, sizeof(buf));

	assert_string_equal(buf, answer);
	stage_expect(&s->worker, MSG_STATS, &in);
	assert_int_equal(in.msg.stats.bytes_out, n);
	zut_expect_ended(z, s, ENDED_EXITED, 0);
	sut_close(s);
}

static void
test_answers_about_a_user(void **state)
{
	struct ipc_in in;
	struct zut z;
	struct sut s;

	(void)state;
	finger_new(&z, 0, 1, 0);
	finger_connect(&z, &s, 1);
	sut_say(&s, "alice\r\n");
	stage_expect(&s.worker, MSG_LOOKUP_ASK, &in);
	assert_int_equal(in.msg.lookup_ask.what, LOOKUP_USER);
	assert_int_equal(in.msg.lookup_ask.details, 1);
	assert_string_equal(in.msg.lookup_ask.name, "alice");
	add_piece(PIECE_LOGIN, 0, "alice");
	add_piece(PIECE_NAME, 0, "Alice");
	send_answer(&s, 0, 1, 0);
	add_piece(PIECE_LAST_LOGIN, 1000000000, "");
	add_piece(PIECE_PLAN, 0, "To \033[1mgrow");
	send_answer(&s, 0, 0, 1);
	finish(&z, &s,
	    "Login: alice                            Name: Alice\r\n"
	    "Last login Sun 2001-09-09 01:46 (UTC)\r\n"
	    "Plan:\r\nTo ^[[1mgrow\r\n");
	finger_connect(&z, &s, 2);
	sut_say(&s, "/W bob");
	shutdown(s.peer, SHUT_WR);
	stage_expect(&s.worker, MSG_LOOKUP_ASK, &in);
	assert_string_equal(in.msg.lookup_ask.name, "bob");
	send_answer(&s, 0, 0, 0);
	finish(&z, &s, FINGER_SAYS_NOBODY);
	zut_stop(&z);
}

static void
test_lists_only_when_told(void **state)
{
	struct ipc_in in;
	struct zut z;
	struct sut s;

	(void)state;
	finger_new(&z, 0, 0, 0);
	finger_connect(&z, &s, 1);
	sut_say(&s, "\r\n");
	finish(&z, &s, FINGER_SAYS_NO_LIST);
	zut_stop(&z);
	finger_new(&z, 1, 0, 0);
	finger_connect(&z, &s, 1);
	sut_say(&s, "\n");
	stage_expect(&s.worker, MSG_LOOKUP_ASK, &in);
	assert_int_equal(in.msg.lookup_ask.what, LOOKUP_LIST);
	assert_int_equal(in.msg.lookup_ask.details, 0);
	send_answer(&s, 0, 0, 1);
	finish(&z, &s, "No one is logged in.\r\n");
	zut_stop(&z);
}

static void
test_refuses_without_asking(void **state)
{
	struct zut z;
	struct sut s;

	(void)state;
	finger_new(&z, 0, 0, 0);
	finger_connect(&z, &s, 1);
	sut_say(&s, "alice@host\r\n");
	finish(&z, &s, FINGER_SAYS_NO_FORWARD);
	finger_connect(&z, &s, 2);
	sut_say(&s, "../../etc/passwd\r\n");
	finish(&z, &s, FINGER_SAYS_NOBODY);
	zut_stop(&z);
}

/* What came too much is read away, so that the answer is read and no reset. */
static void
test_long_queries_get_their_answer(void **state)
{
	static char query[8192];
	struct zut z;
	struct sut s;

	(void)state;
	memset(query, 'x', sizeof(query) - 1);
	finger_new(&z, 0, 0, 0);
	finger_connect(&z, &s, 1);
	sut_say(&s, query);
	shutdown(s.peer, SHUT_WR);
	finish(&z, &s, FINGER_SAYS_TOO_LONG);
	finger_connect(&z, &s, 2);
	sut_say(&s, "@\r\nand more\r\n");
	shutdown(s.peer, SHUT_WR);
	finish(&z, &s, FINGER_SAYS_NO_FORWARD);
	zut_stop(&z);
}

/* That no answer could be had does not say that there is no such user. */
static void
test_no_answer_is_not_nobody(void **state)
{
	static const char *const queries[] = {"alice\r\n", "\r\n"};
	struct ipc_in in;
	struct zut z;
	struct sut s;

	(void)state;
	finger_new(&z, 1, 0, 0);
	for (int i = 0; i < 2; i++) {
		finger_connect(&z, &s, 1 + (uint64_t)i);
		sut_say(&s, queries[i]);
		stage_expect(&s.worker, MSG_LOOKUP_ASK, &in);
		send_answer(&s, 0, 0, LOOKUP_LATER);
		finish(&z, &s, FINGER_SAYS_LATER);
	}
	zut_stop(&z);
}

/* An answer that went down with a master is asked for again. */
static void
test_asks_again(void **state)
{
	struct ipc_in in;
	struct zut z;
	struct sut s;

	(void)state;
	finger_new(&z, 0, 0, 0);
	finger_connect(&z, &s, 1);
	sut_say(&s, "alice\r\n");
	stage_expect(&s.worker, MSG_LOOKUP_ASK, &in);
	add_piece(PIECE_LOGIN, 0, "alice");
	send_answer(&s, 0, 1, 0);
	stage_expect(&s.worker, MSG_LOOKUP_ASK, &in);
	assert_int_equal(in.msg.lookup_ask.request, 1);
	/* The old request's rest counts no more. */
	add_piece(PIECE_NAME, 0, "Old");
	send_answer(&s, 0, 1, 0);
	add_piece(PIECE_LOGIN, 0, "alice");
	add_piece(PIECE_NAME, 0, "New");
	send_answer(&s, 1, 0, 1);
	finish(&z, &s,
	    "Login: alice                            Name: New\r\n"
	    "No plan.\r\n");
	zut_stop(&z);
}

/* A field of /proc/PID/status. */
static void
status_of(pid_t pid, const char *field, char *out, size_t size)
{
	char path[64], line[256];
	size_t n = strlen(field);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	out[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, field, n) == 0 && line[n] == ':')
			snprintf(out, size, "%s", line + n + 1);
	}
	fclose(f);
}

static int
is_asleep(pid_t pid)
{
	char text[256];

	status_of(pid, "State", text, sizeof(text));
	return (strchr(text, 'S') != NULL);
}

#define IDLE_WORKERS 4
#ifdef PORTREEVE_SANITIZE
#define IDLE_KB 100000 /* a sanitizer's own memory is no measure */
#else
#define IDLE_KB 200
#endif

/* One of the pool's, waiting: who it is, what it holds, what it weighs. */
static void
test_an_idle_worker_from_outside(void **state)
{
	char text[256], path[64], line[256];
	unsigned long pss = 0;
	struct ipc_in in;
	struct zut z;
	FILE *f;
	pid_t pid = 0;

	(void)state;
	if (geteuid() != 0) {
		print_message("needs root, to look into a sealed process\n");
		skip();
	}
	finger_new(&z, 0, 0, IDLE_WORKERS);
	for (int i = 0; i < IDLE_WORKERS; i++) {
		stage_expect(&z.master, MSG_POOLED, &in);
		pid = in.msg.pooled.pid;
		ipc_in_close(&in);
	}
	/* Its descriptors are closed by its first acts; it then sleeps. */
	WAIT_UNTIL(stage_count_fds(pid) == 4 && is_asleep(pid));
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	assert_string_equal(line, "portreeve: worker finger");
	status_of(pid, "Seccomp", text, sizeof(text));
	assert_non_null(strchr(text, '2'));
	status_of(pid, "NoNewPrivs", text, sizeof(text));
	assert_non_null(strchr(text, '1'));
	status_of(pid, "CapBnd", text, sizeof(text));
	assert_non_null(strstr(text, "0000000000000000"));
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "Pss: %lu kB", &pss);
	fclose(f);
	print_message("one of %d idle workers: %lu kB\n", IDLE_WORKERS, pss);
	assert_true(pss > 0 && pss <= IDLE_KB);
	zut_stop(&z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers_about_a_user),
	    cmocka_unit_test(test_lists_only_when_told),
	    cmocka_unit_test(test_refuses_without_asking),
	    cmocka_unit_test(test_long_queries_get_their_answer),
	    cmocka_unit_test(test_no_answer_is_not_nobody),
	    cmocka_unit_test(test_asks_again),
	    cmocka_unit_test(test_an_idle_worker_from_outside),
	};

	snprintf(
	    program, sizeof(program), "%s", stage_program("libexec/finger"));
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
