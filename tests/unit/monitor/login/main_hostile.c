/*
 * A worker that was taken over, and what a login process gives it: a try at a
 * password, three times, and nothing else. And what is left of a password in
 * the process's memory: nothing.
 */
#include "tests/stage/login.h"

enum place {
	PLACE_BEGIN,   /* no name given */
	PLACE_PROMPT,  /* a name given, a password awaited */
	PLACE_AGAIN,   /* a try has failed */
	PLACE_SESSION, /* logged in */
	PLACES
};

static const char junk_rule[] = "requisite pam_deny.so";

static void
go_to(enum place place)
{
	struct msg_login_start start = default_start();

	play_begin(&start);
	if (place == PLACE_BEGIN)
		return;
	if (place == PLACE_SESSION) {
		give("alice", ALICE);
		let_in(0);
		return;
	}
	send_user("alice", "");
	worker_expect(MSG_LOGIN_PROMPT);
	if (place == PLACE_PROMPT)
		return;
	send_answer("wrong");
	worker_expect(MSG_LOGIN_AGAIN);
	expect_failure(LOGIN_FAILED_CREDENTIALS);
}

/* Bytes as they are, past our own permits, with descriptors if wanted. */
static void
send_raw(const void *buf, size_t n, size_t nfds)
{
	union {
		char buf[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr align;
	} control;
	union {
		const void *in;
		void *out;
	} bytes = {.in = buf};
	struct iovec iov = {.iov_base = bytes.out, .iov_len = n};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
	int fds[3] = {0, 0, 0};
	struct cmsghdr *c;

	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		hdr.msg_control = control.buf;
		hdr.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	assert_int_equal(sendmsg(play.worker.fd, &hdr, MSG_NOSIGNAL), n);
}

/* It must end, and ask the monitor to let nobody in meanwhile. */
static void
expect_end(enum place place)
{
	enum msg_type type;

	while ((type = next_on(&play.monitor)) != MSG_COUNT) {
		assert_int_not_equal(type, MSG_LOGIN_MAY);
		assert_int_not_equal(type, MSG_LOGIN_OPENED);
	}
	assert_int_equal(play_end(),
	    place == PLACE_SESSION ? LOGIN_EXIT_SESSION : LOGIN_EXIT_NO_LOGIN);
}

static bool
is_allowed(unsigned type, enum place place)
{
	return ((type == MSG_LOGIN_USER &&
		    (place == PLACE_BEGIN || place == PLACE_AGAIN)) ||
		(type == MSG_LOGIN_ANSWER && place == PLACE_PROMPT));
}

/* A message of each type, all its fields empty or zero, where it is none. */
static void
every_message(enum place place)
{
	for (unsigned type = 0; type <= MSG_COUNT + 1; type++) {
		uint8_t buf[256] = {0};
		uint16_t number = (uint16_t)type;

		if (is_allowed(type, place))
			continue;
		go_to(place);
		memcpy(buf, &number, sizeof(number));
		send_raw(buf, sizeof(buf), 0);
		expect_end(place);
	}
}

static void
test_every_message_at_first(void **state)
{
	NEEDS_WORLD();
	every_message(PLACE_BEGIN);
}

static void
test_every_message_at_prompt(void **state)
{
	NEEDS_WORLD();
	every_message(PLACE_PROMPT);
}

static void
test_some_messages_in_session(void **state)
{
	static const uint16_t types[] = {MSG_LOGIN_USER, MSG_LOGIN_ANSWER,
	    MSG_SESSION_ENDED, MSG_LOGIN_VERDICT, MSG_COUNT};

	NEEDS_WORLD();
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		uint8_t buf[64] = {0};

		go_to(PLACE_SESSION);
		memcpy(buf, &types[i], sizeof(types[i]));
		send_raw(buf, sizeof(buf), 0);
		/* Its session is hung up, and no other is had. */
		expect_end(PLACE_SESSION);
	}
}

/* Bytes of no meaning, of many lengths, with and without descriptors. */
static void
test_random_bytes(void **state)
{
	static uint8_t buf[20000];

	NEEDS_WORLD();
	srandom(47);
	for (unsigned i = 0; i < 60; i++) {
		enum place place = i % 2 == 0 ? PLACE_BEGIN : PLACE_PROMPT;
		size_t n =
		    1 + (size_t)random() % (i % 5 == 0 ? sizeof(buf) : 64);

		for (size_t k = 0; k < n; k++)
			buf[k] = (uint8_t)random();
		/* Often a type that is one. */
		if (i % 3 == 0 && n > 2) {
			buf[0] = place == PLACE_BEGIN ? MSG_LOGIN_USER
						      : MSG_LOGIN_ANSWER;
			buf[1] = 0;
			buf[3] = 0xff; /* a length past every bound */
		}
		go_to(place);
		send_raw(buf, n, i % 4);
		expect_end(place);
	}
}

/* Right messages with descriptors, which no message of a worker's has. */
static void
test_descriptors(void **state)
{
	struct msg_login_user user = {.user = "alice"};
	struct msg_login_answer answer = {.end_ = 0};
	uint8_t buf[1024];
	int n;

	NEEDS_WORLD();
	go_to(PLACE_BEGIN);
	n = msg_encode(MSG_LOGIN_USER, &user, buf, sizeof(buf));
	send_raw(buf, (size_t)n, 1);
	expect_end(PLACE_BEGIN);
	go_to(PLACE_PROMPT);
	answer.answer.n = (uint16_t)strlen(ALICE);
	memcpy(answer.answer.b, ALICE, strlen(ALICE));
	n = msg_encode(MSG_LOGIN_ANSWER, &answer, buf, sizeof(buf));
	send_raw(buf, (size_t)n, 2);
	expect_end(PLACE_PROMPT);
}

/* The right password with a NUL and more behind it is not the right one. */
static void
test_nul_in_answer(void **state)
{
	struct msg_login_answer m = {.end_ = 0};

	NEEDS_WORLD();
	go_to(PLACE_PROMPT);
	m.answer.n = sizeof(ALICE) + 3;
	memcpy(m.answer.b, ALICE "\0abc", m.answer.n);
	assert_int_equal(
	    ipc_send(&play.worker, MSG_LOGIN_ANSWER, &m, NULL, 0), 0);
	expect_failure(LOGIN_FAILED_CREDENTIALS);
	worker_expect(MSG_LOGIN_AGAIN);
}

static void
test_longest(void **state)
{
	struct msg_login_answer m = {.end_ = 0};
	char name[256];

	NEEDS_WORLD();
	go_to(PLACE_BEGIN);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	send_user(name, "");
	if (worker_next() == MSG_LOGIN_PROMPT) {
		m.answer.n = sizeof(m.answer.b);
		memset(m.answer.b, 'p', sizeof(m.answer.b));
		assert_int_equal(
		    ipc_send(&play.worker, MSG_LOGIN_ANSWER, &m, NULL, 0), 0);
		worker_next();
	}
	assert_int_equal(play.in.type, MSG_LOGIN_AGAIN);
	expect_failure(LOGIN_FAILED_CREDENTIALS);
}

/*
 * Names and answers sent without waiting for anything: three tries are told
 * and no more, each after its time.
 */
static void
test_no_fourth_try(void **state)
{
	struct msg_login_start start = default_start();
	struct msg_login_user user = {.user = "alice"};
	unsigned tries = 0, failures = 0;
	uint64_t begun = time_boot_ns();
	enum msg_type type;
	uint8_t buf[1024];
	int n;

	NEEDS_WORLD();
	write_pam(junk_rule);
	play_begin(&start);
	n = msg_encode(MSG_LOGIN_USER, &user, buf, sizeof(buf));
	for (int i = 0; i < 20; i++)
		send_raw(buf, (size_t)n, 0);
	while ((type = next_on(&play.monitor)) != MSG_COUNT) {
		tries += type == MSG_LOGIN_TRY;
		failures += type == MSG_LOGIN_FAILURE;
	}
	assert_int_equal(tries, 3);
	assert_int_equal(failures, 3);
	assert_true(time_boot_ns() - begun >= UINT64_C(7500000000));
	assert_int_equal(play_end(), LOGIN_EXIT_NO_LOGIN);
}

/* --- the password in memory -------------------------------------------- */

static size_t
count_in(const uint8_t *buf, size_t n, const char *secret)
{
	size_t found = 0;
	const uint8_t *p = buf;

	while ((p = memmem(p, n - (size_t)(p - buf), secret, strlen(secret))) !=
	       NULL) {
		found++;
		p++;
	}
	return (found);
}

/* More than the process has; a sanitizer's own book-keeping is terabytes. */
#define MAPPING_MOST (1ul << 30)

/* How often the text stands in a process's writable memory. */
static size_t
count_in_process(pid_t pid, const char *secret)
{
	char path[64], line[512], mode[8];
	unsigned long from, to;
	size_t found = 0;
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	assert_non_null(maps);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(mem >= 0);
	while (fgets(line, sizeof(line), maps) != NULL) {
		uint8_t *buf;
		ssize_t n;

		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
		    mode[1] != 'w' || to - from > MAPPING_MOST)
			continue;
		buf = malloc(to - from);
		assert_non_null(buf);
		n = pread(mem, buf, to - from, (off_t)from);
		if (n > 0)
			found += count_in(buf, (size_t)n, secret);
		free(buf);
	}
	fclose(maps);
	close(mem);
	return (found);
}

static void
test_password_is_wiped(void **state)
{
	NEEDS_WORLD();
	go_to(PLACE_BEGIN);
	give("alice", "not-the-passWord");
	worker_expect(MSG_LOGIN_AGAIN);
	expect_failure(LOGIN_FAILED_CREDENTIALS);
	assert_int_equal(count_in_process(play.pid, "not-the-passWord"), 0);
	give("alice", ALICE);
	let_in(0);
	tty_run("true");
	/* What the search finds when there is something. */
	assert_true(count_in_process(play.pid, "/home/alice") > 0);
	assert_int_equal(count_in_process(play.pid, "not-the-passWord"), 0);
	assert_int_equal(count_in_process(play.pid, ALICE), 0);
	assert_int_equal(count_in_process(play.opened.leader, ALICE), 0);
}

/* Nobody of the user's reads it meanwhile, and no core is left. */
static void
test_not_dumpable(void **state)
{
	char path[64], link[64];
	struct stat st;
	pid_t child;
	int status;

	NEEDS_WORLD();
	go_to(PLACE_PROMPT);
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)play.pid);
	snprintf(link, sizeof(link), "/proc/%d/mem", (int)play.pid);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	child = fork();
	if (child == 0) {
		if (setresgid(ALICE_UID, ALICE_UID, ALICE_UID) < 0 ||
		    setresuid(ALICE_UID, ALICE_UID, ALICE_UID) < 0)
			_exit(2);
		_exit(open(link, O_RDONLY | O_CLOEXEC) >= 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_every_message_at_first),
	    WORLD_TEST(test_every_message_at_prompt),
	    WORLD_TEST(test_some_messages_in_session),
	    WORLD_TEST(test_random_bytes),
	    WORLD_TEST(test_descriptors),
	    WORLD_TEST(test_nul_in_answer),
	    WORLD_TEST(test_longest),
	    WORLD_TEST(test_no_fourth_try),
	    WORLD_TEST(test_password_is_wiped),
	    WORLD_TEST(test_not_dumpable),
	};

	return (cmocka_run_group_tests(tests, enter_world, leave_world));
}
