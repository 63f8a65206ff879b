/*
 * finger's questions: from worker to lookup and back, in order; a lookup that
 * dies, hangs, lies; workers that leave, ask again or do not read. With the
 * master's own program.
 */
#include <errno.h>

#include "tests/stage/master.h"

#define N FIXTURE_NUMBER
#define AHEAD 8 /* questions that are sent and not answered */

static void
begin(struct fixture *f)
{
	fixture_begin(f, &(struct fixture_service){.kind = SERVICE_FINGER,
			     .name = "finger",
			     .connections = 100,
			     .rate = 250});
	fixture_lookup(f);
}

static int
serve(struct fixture *f, struct start *s)
{
	return (stub_serve(&f->w, &f->z, &f->a, "finger", s, 1));
}

static void
ask(struct start *s, uint32_t request, const char *name)
{
	struct msg_lookup_ask m = {.request = request, .what = LOOKUP_USER};

	snprintf(m.name, sizeof(m.name), "%s", name);
	stage_tell(&s->worker, MSG_LOOKUP_ASK, &m, NULL, 0);
}

/* Lookup is asked about this name; returns the master's number. */
static uint32_t
asked(struct fixture *f, const char *name)
{
	struct ipc_in in;

	stage_expect(&f->lookup, MSG_LOOKUP_ASK, &in);
	assert_string_equal(in.msg.lookup_ask.name, name);
	return (in.msg.lookup_ask.request);
}

static void
piece(struct fixture *f, uint32_t request, const char *text)
{
	static struct msg_lookup_answer m = {.more = 1};

	m.request = request;
	m.pieces.n = (uint16_t)strlen(text);
	memcpy(m.pieces.b, text, m.pieces.n);
	stage_tell(&f->lookup, MSG_LOOKUP_ANSWER, &m, NULL, 0);
}

static void
done(struct fixture *f, uint32_t request, int found)
{
	struct msg_lookup_answer m = {
	    .request = request, .found = (uint8_t)found};

	stage_tell(&f->lookup, MSG_LOOKUP_ANSWER, &m, NULL, 0);
}

static void
told(struct start *s, uint32_t request, const char *text)
{
	const struct msg_lookup_answer *m;
	struct ipc_in in;

	stage_expect(&s->worker, MSG_LOOKUP_ANSWER, &in);
	m = &in.msg.lookup_answer;
	assert_int_equal(m->request, request);
	assert_int_equal(m->more, 1);
	assert_int_equal(m->pieces.n, strlen(text));
	assert_memory_equal(m->pieces.b, text, strlen(text));
}

/* The master closes its channel to lookup. */
static void
let_go(struct fixture *f)
{
	char c;

	stage_readable(f->lookup.fd);
	assert_int_equal(read(f->lookup.fd, &c, 1), 0);
	ipc_channel_close(&f->lookup);
}

/* What is short with lookup. */
static void
short_of(struct fixture *f, const char *error)
{
	struct event_view v;

	event_next(&f->w, EV_RESOURCES_SHORT, &v);
	event_has(&v, FIELD_ROLE, "lookup");
	event_has(&v, FIELD_ERRNO, error);
}

static void
answered(struct start *s, uint32_t request, int found)
{
	struct ipc_in in;

	stage_expect(&s->worker, MSG_LOOKUP_ANSWER, &in);
	assert_int_equal(in.msg.lookup_answer.request, request);
	assert_int_equal(in.msg.lookup_answer.more, 0);
	assert_int_equal(in.msg.lookup_answer.found, found);
}

/*
 * Many ask at once, by the same number of their own: so many are sent ahead,
 * and each gets its answer.
 */
static void
some_ahead(void **state)
{
	enum { MANY = AHEAD + 2 };
	struct start s[MANY];
	struct fixture f;
	uint32_t r[MANY];
	char name[16];
	int peer[MANY];

	(void)state;
	begin(&f);
	for (int i = 0; i < MANY; i++) {
		peer[i] = serve(&f, &s[i]);
		snprintf(name, sizeof(name), "user%d", i);
		ask(&s[i], 5, name);
		if (i < AHEAD)
			r[i] = asked(&f, name);
	}
	world_sync(&f.w);
	assert_int_equal(
	    poll(&(struct pollfd){.fd = f.lookup.fd, .events = POLLIN}, 1, 0),
	    0);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "of user%d", i);
		piece(&f, r[i], name);
		done(&f, r[i], i % 2);
		told(&s[i], 5, name);
		answered(&s[i], 5, i % 2);
		if (i + AHEAD < MANY) {
			snprintf(name, sizeof(name), "user%d", i + AHEAD);
			r[i + AHEAD] = asked(&f, name);
		}
	}
	for (int i = 0; i < MANY; i++)
		fixture_over(&f, &f.z, &s[i], peer[i]);
	fixture_end(&f);
}

/* Their workers are gone: the answers go to nobody, the next one is heard. */
static void
worker_leaves(void **state)
{
	struct start s[3];
	struct fixture f;
	uint32_t r[3];
	int peer[3];

	(void)state;
	begin(&f);
	for (int i = 0; i < 3; i++)
		peer[i] = serve(&f, &s[i]);
	ask(&s[0], 1, "alice");
	r[0] = asked(&f, "alice");
	ask(&s[1], 2, "carol");
	r[1] = asked(&f, "carol");
	ask(&s[2], 3, "bob");
	r[2] = asked(&f, "bob");
	fixture_over(&f, &f.z, &s[0], peer[0]);
	fixture_over(&f, &f.z, &s[1], peer[1]);
	piece(&f, r[0], "alice's");
	done(&f, r[0], 1);
	done(&f, r[1], 1);
	piece(&f, r[2], "bob's");
	done(&f, r[2], 1);
	told(&s[2], 3, "bob's");
	answered(&s[2], 3, 1);
	fixture_over(&f, &f.z, &s[2], peer[2]);
	fixture_end(&f);
}

/* Lookup dies: the next one is asked the same, once; then it is enough. */
static void
lookup_dies(void **state)
{
	struct start s[2];
	struct fixture f;
	uint32_t r;
	int peer[2];

	(void)state;
	begin(&f);
	for (int i = 0; i < 2; i++)
		peer[i] = serve(&f, &s[i]);
	ask(&s[0], 1, "alice");
	asked(&f, "alice");
	ask(&s[1], 2, "bob");
	asked(&f, "bob");
	ipc_channel_close(&f.lookup);
	world_sync(&f.w);
	fixture_lookup(&f);
	asked(&f, "alice");
	asked(&f, "bob");
	/* Asked again meanwhile, by a worker that is impatient: no matter. */
	ask(&s[0], 9, "alice");
	world_sync(&f.w);
	ipc_channel_close(&f.lookup);
	answered(&s[0], 9, LOOKUP_LATER);
	short_of(&f, "EPIPE");
	fixture_lookup(&f);
	r = asked(&f, "bob");
	/* Half an answer was passed on: it cannot be begun anew, and is none.
	 */
	piece(&f, r, "bob's");
	told(&s[1], 2, "bob's");
	ipc_channel_close(&f.lookup);
	answered(&s[1], 2, LOOKUP_LATER);
	fixture_lookup(&f);
	for (int i = 0; i < 2; i++)
		fixture_over(&f, &f.z, &s[i], peer[i]);
	fixture_end(&f);
}

/* Lookup hangs: it is let go, and in the end there is an answer. */
static void
lookup_hangs(void **state)
{
	struct fixture f;
	struct ipc_in in;
	struct start s;
	int peer;

	(void)state;
	begin(&f);
	peer = serve(&f, &s);
	ask(&s, 1, "alice");
	asked(&f, "alice");
	let_go(&f);
	stage_expect(&f.w.mon, MSG_LOOKUP_LOST, &in);
	assert_int_equal(in.msg.lookup_lost.hangs, 1);
	/* And none comes: it is not known whether there is such a user. */
	answered(&s, 1, LOOKUP_LATER);
	short_of(&f, "ETIMEDOUT");
	ask(&s, 2, "alice");
	answered(&s, 2, LOOKUP_LATER);
	stage_expect(&f.w.mon, MSG_LOOKUP_LOST, &in);
	assert_int_equal(in.msg.lookup_lost.hangs, 0);
	fixture_lookup(&f);
	ask(&s, 3, "alice");
	done(&f, asked(&f, "alice"), 1);
	answered(&s, 3, 1);
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

/* More ask than may wait: these are told to come again, not that there is none.
 */
static void
too_many_ask(void **state)
{
	enum { WAIT = 256, MANY = WAIT + AHEAD + 40 };
	static struct start s[MANY];
	int peer[MANY];
	struct fixture f;

	(void)state;
	begin(&f);
	world_service(&f.w, N, SERVICE_FINGER, "finger", MANY, 65535);
	for (int i = 0; i < MANY; i++) {
		peer[i] = serve(&f, &s[i]);
		fd_close(&s[i].connection);
		fd_close(&s[i].kept);
	}
	for (int i = 0; i < MANY; i++) {
		ask(&s[i], 1, "alice");
		if (i < AHEAD)
			asked(&f, "alice"); /* and it does not answer */
		world_sync(&f.w);
		if (i >= WAIT + AHEAD)
			answered(&s[i], 1, LOOKUP_LATER);
		if (i == WAIT + AHEAD)
			short_of(&f, "EAGAIN");
	}
	/* The others of the second are told at its end. */
	f.w.passes_shortages = true;
	for (int i = 0; i < MANY; i++)
		fixture_over(&f, &f.z, &s[i], peer[i]);
	fixture_end(&f);
}

/* The channel breaks, and lookup lives: another one comes, and goes on. */
static void
lookup_is_told_again(void **state)
{
	struct fixture f;
	struct start s;
	struct ipc_in in;
	int peer;

	(void)state;
	begin(&f);
	peer = serve(&f, &s);
	ask(&s, 1, "alice");
	asked(&f, "alice");
	ipc_channel_close(&f.lookup);
	stage_expect(&f.w.mon, MSG_LOOKUP_LOST, &in);
	assert_int_equal(in.msg.lookup_lost.hangs, 0);
	fixture_lookup(&f);
	done(&f, asked(&f, "alice"), LOOKUP_LATER);
	answered(&s, 1, LOOKUP_LATER);
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

/* It was short of something: an event says of what, and whose shortage it is.
 */
static void
lookup_is_short(void **state)
{
	struct msg_lookup_answer m = {.found = LOOKUP_LATER, .error = EMFILE};
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f);
	peer = serve(&f, &s);
	ask(&s, 1, "alice");
	m.request = asked(&f, "alice");
	stage_tell(&f.lookup, MSG_LOOKUP_ANSWER, &m, NULL, 0);
	answered(&s, 1, LOOKUP_LATER);
	short_of(&f, "EMFILE");
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

/* A number that was not asked: its channel is closed. */
static void
lookup_lies(void **state)
{
	struct fixture f;
	struct start s;
	int peer;

	(void)state;
	begin(&f);
	peer = serve(&f, &s);
	ask(&s, 1, "alice");
	piece(&f, asked(&f, "alice") + 1, "another's");
	let_go(&f);
	fixture_lookup(&f);
	done(&f, asked(&f, "alice"), 0);
	answered(&s, 1, 0);
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

/* More pieces than a channel holds: all arrive, in order. */
static void
long_answer(void **state)
{
	enum { PIECES = 2000 };
	struct fixture f;
	struct start s;
	char text[32];
	uint32_t r;
	int peer, status;
	pid_t child;

	(void)state;
	begin(&f);
	peer = serve(&f, &s);
	ask(&s, 1, "alice");
	r = asked(&f, "alice");
	child = fork();
	if (child == 0) {
		for (int i = 0; i < PIECES; i++) {
			snprintf(text, sizeof(text), "piece %d", i);
			piece(&f, r, text);
		}
		done(&f, r, 1);
		_exit(0);
	}
	for (int i = 0; i < PIECES; i++) {
		snprintf(text, sizeof(text), "piece %d", i);
		told(&s, 1, text);
	}
	answered(&s, 1, 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	ask(&s, 2, "alice");
	done(&f, asked(&f, "alice"), 1);
	answered(&s, 2, 1);
	fixture_over(&f, &f.z, &s, peer);
	fixture_end(&f);
}

/* A worker that reads nothing holds up nobody for long. */
static void
worker_does_not_read(void **state)
{
	enum { PIECES = 2000 };
	struct start s[2];
	struct fixture f;
	uint32_t r, next;
	int peer[2], status;
	pid_t child;

	(void)state;
	begin(&f);
	for (int i = 0; i < 2; i++)
		peer[i] = serve(&f, &s[i]);
	ask(&s[0], 1, "alice");
	r = asked(&f, "alice");
	ask(&s[1], 2, "bob");
	next = asked(&f, "bob");
	child = fork();
	if (child == 0) {
		for (int i = 0; i < PIECES; i++)
			piece(&f, r, "text");
		done(&f, r, 1);
		done(&f, next, 1);
		_exit(0);
	}
	answered(&s[1], 2, 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++)
		fixture_over(&f, &f.z, &s[i], peer[i]);
	fixture_end(&f);
}

int
main(void)
{
	struct rlimit r;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(some_ahead),
	    cmocka_unit_test(worker_leaves),
	    cmocka_unit_test(lookup_dies),
	    cmocka_unit_test(lookup_hangs),
	    cmocka_unit_test(lookup_lies),
	    cmocka_unit_test(too_many_ask),
	    cmocka_unit_test(lookup_is_short),
	    cmocka_unit_test(lookup_is_told_again),
	    cmocka_unit_test(long_answer),
	    cmocka_unit_test(worker_does_not_read),
	};

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
