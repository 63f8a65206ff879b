/*
 * The zygote of finger (RFC 1288), and in each of its forks one worker for one
 * peer: read a line, ask lookup through the master, answer, end. Runs as the
 * service's own user in an empty root, without files and without a network but
 * the one connection. Distrusts the peer's bytes and pauses, and what lookup
 * read in users' homes. Never forwards a query, never waits past a deadline.
 */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "ipc/pieces.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "workers/common/zygote.h"
#include "workers/finger/answer.h"
#include "workers/finger/query.h"

/* From the connection's beginning. */
#define QUERY_MS 60000
#define ANSWER_MS 120000
#define LINGER_MS 2000
#define ASK_MS 1500 /* then the master may be dead: asked again */
#define ASK_TIMES 4

/* Room for three files of 16 KiB, each byte shown as M-^X, and the rest. */
#define ANSWER_MAX (3 * 4 * 16384 + 65536)

static struct msg_finger_options options;

/*
 * Only in the worker; a page is memory only once it is written, and what a
 * short answer writes lies in few.
 */
static struct {
	struct answer answer;
	struct ipc_in in;
	uint8_t buf[ANSWER_MAX];
} own __attribute__((aligned(4096)));

/* Once before sealing: the time zone is a file. */
static void
finger_prepare(void)
{
	tzset();
}

static int
finger_take_option(const struct ipc_in *message)
{
	if (message->type != MSG_FINGER_OPTIONS)
		return (ERR_TYPE);
	options = message->msg.finger_options;
	return (0);
}

static int
finger_take_pieces(const uint8_t *pieces, size_t n)
{
	struct piece p;
	size_t at = 0;
	int more;

	while ((more = piece_next(pieces, n, &at, &p)) > 0)
		answer_piece(&own.answer, p.kind, p.number, p.text, p.n);
	return (more);
}

/*
 * 0 once all of it came, with its enum lookup_outcome; ERR_TIMEOUT, ERR_CLOSED
 * or a breach. First the wait, as nothing is there yet.
 */
static int
finger_take_answer(struct worker *w, uint32_t request, int *outcome)
{
	const struct msg_lookup_answer *a = &own.in.msg.lookup_answer;
	uint64_t deadline = worker_deadline(ASK_MS);

	for (;;) {
		int err = worker_wait(w->master.fd, POLLIN, deadline);

		if (err == 0)
			err = ipc_recv_now(&w->master, &own.in);
		if (err == ERR_AGAIN)
			continue;
		if (err == 0 && own.in.type == MSG_LOOKUP_ANSWER &&
		    a->request == request) {
			err = finger_take_pieces(a->pieces.b, a->pieces.n);
			*outcome = a->found;
			if (err == 0 && !a->more)
				return (0);
		}
		if (err != 0)
			return (err);
	}
}

/*
 * What is known, into own.buf; its length, or 0 for nothing found, or an
 * error. Asked again when no answer came: there may be a new master by then.
 */
static int
finger_ask(struct worker *w, const struct finger_query *q)
{
	bool list = q->want == FINGER_LIST;
	struct msg_lookup_ask msg = {.details = options.show_details};
	int err = ERR_TIMEOUT, outcome = LOOKUP_LATER;

	msg.what = list ? LOOKUP_LIST : LOOKUP_USER;
	memcpy(msg.name, q->name, sizeof(msg.name));
	for (uint32_t i = 0; i < ASK_TIMES && err == ERR_TIMEOUT; i++) {
		msg.request = i;
		answer_init(
		    &own.answer, own.buf, sizeof(own.buf), list, q->verbose);
		err = ipc_send(&w->master, MSG_LOOKUP_ASK, &msg, NULL, 0);
		if (err == ERR_AGAIN || err == ERR_SHORT)
			err = ERR_TIMEOUT; /* nobody was asked */
		else if (err == 0)
			err = finger_take_answer(w, msg.request, &outcome);
	}
	if (err == 0 && outcome == LOOKUP_LATER)
		err = ERR_TIMEOUT;
	if (err != 0)
		return (err);
	return (
	    outcome == LOOKUP_FOUND || list ? (int)answer_end(&own.answer) : 0);
}

static int
finger_say(struct worker *w, const void *text, size_t n)
{
	return (
	    worker_write_all(w, text, n, worker_deadline_since(w, ANSWER_MS)));
}

static int
finger_say_constant(struct worker *w, const char *text)
{
	return (finger_say(w, text, strlen(text)));
}

static int
finger_reply(struct worker *w, const uint8_t *line, size_t n)
{
	struct finger_query q;
	int length;

	finger_query_parse(&q, line, n);
	if (q.want == FINGER_FORWARD)
		return (finger_say_constant(w, FINGER_SAYS_NO_FORWARD));
	if (q.want == FINGER_LIST && !options.list_users)
		return (finger_say_constant(w, FINGER_SAYS_NO_LIST));
	length = q.want == FINGER_NOBODY ? 0 : finger_ask(w, &q);
	if (length < 0)
		return (finger_say_constant(w, FINGER_SAYS_LATER));
	if (length == 0)
		return (finger_say_constant(w, FINGER_SAYS_NOBODY));
	return (finger_say(w, own.buf, (size_t)length));
}

static int
finger_serve(struct worker *w)
{
	uint8_t query[FINGER_LINE_MAX];
	struct worker_input input = {.buf = query, .size = sizeof(query)};
	const uint8_t *line;
	size_t n;
	int err;

	err = worker_read_line(
	    w, &input, worker_deadline_since(w, QUERY_MS), &line, &n);
	if (err == ERR_TOO_LONG)
		err = finger_say_constant(w, FINGER_SAYS_TOO_LONG);
	else if (err == 0 || (err == ERR_CLOSED && n > 0))
		err = finger_reply(w, line, n);
	/* Bytes unread at the end would make a reset of our last words. */
	if (err == 0 && (input.have > input.used || input.used == 0))
		worker_linger(w, worker_deadline(LINGER_MS));
	return (0);
}

int
main(int argc, char **argv)
{
	static const struct zygote_ops ops = {.prepare = finger_prepare,
	    .option = finger_take_option,
	    .serve = finger_serve};

	(void)argc;
	return (zygote_run(&ops, argv));
}
