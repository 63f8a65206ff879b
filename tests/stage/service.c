/*
 * A service for tests, which does what its one line says, and the master's
 * side of the pool. For tests/unit/workers.
 */
#include "tests/stage/service.h"

int
say(struct worker *w, const char *text)
{
	return (worker_write_all(
	    w, text, strlen(text), worker_deadline(PATIENCE_MS)));
}

static int
do_state(struct worker *w)
{
	char text[160], cmdline[64] = "";
	struct rlimit r;
	FILE *f;

	getrlimit(RLIMIT_NPROC, &r);
	f = fopen("/proc/self/cmdline", "r");
	if (f != NULL) {
		size_t n = fread(cmdline, 1, sizeof(cmdline) - 1, f);

		cmdline[n] = '\0';
		fclose(f);
	}
	snprintf(text, sizeof(text), "nproc %lu session %llu port %u title %s",
	    (unsigned long)r.rlim_cur, (unsigned long long)w->session,
	    w->peer.port, cmdline);
	say(w, text);
	return (0);
}

static int
do_ask(struct worker *w)
{
	struct msg_lookup_ask ask = {.request = 1};
	struct ipc_in in;

	strcpy(ask.name, "alice");
	if (ipc_send(&w->master, MSG_LOOKUP_ASK, &ask, NULL, 0) != 0 ||
	    worker_wait(w->master.fd, POLLIN, worker_deadline(PATIENCE_MS)) !=
		0 ||
	    ipc_recv(&w->master, &in) != 0)
		return (1);
	say(w, in.msg.lookup_answer.found ? "found" : "not found");
	return (0);
}

int
serve(struct worker *w)
{
	uint8_t buf[64];
	struct worker_input input = {.buf = buf, .size = sizeof(buf)};
	const uint8_t *line;
	char text[65];
	size_t n;

	if (worker_read_line(w, &input, worker_deadline(60000), &line, &n) != 0)
		return (9);
	memcpy(text, line, n);
	text[n] = '\0';
	if (strcmp(text, "crash") == 0)
		raise(SIGKILL);
	if (strcmp(text, "state") == 0)
		return (do_state(w));
	if (strcmp(text, "ask") == 0)
		return (do_ask(w));
	if (strncmp(text, "exit ", 5) == 0)
		return (atoi(text + 5));
	say(w, text);
	return (0);
}

int
option(const struct ipc_in *in)
{
	return (in->type == MSG_FINGER_OPTIONS ? 0 : ERR_TYPE);
}

void
expect_pooled(struct zut *z, struct pooled *p)
{
	struct ipc_in in;

	stage_expect(&z->master, MSG_POOLED, &in);
	p->pid = in.msg.pooled.pid;
	ipc_channel_init(
	    &p->worker, in.fds[0], ROLE_MASTER, ROLE_WORKER, ST_IDLE);
}

void
send_taken(
    struct zut *z, const struct pooled *p, uint32_t slot, uint64_t session)
{
	struct msg_pool_taken taken = {
	    .pid = p->pid, .slot = slot, .session = session};

	sut_addresses(&taken.peer, &taken.local);
	assert_int_equal(
	    ipc_send_wait(&z->master, MSG_POOL_TAKEN, &taken, NULL, 0), 0);
}

int
send_assign(
    const struct pooled *p, struct sut *s, uint32_t slot, uint64_t session)
{
	struct msg_assign assign = {.session = session};
	int connection[2], err;

	s->slot = slot;
	s->session = session;
	s->worker = p->worker;
	sut_addresses(&assign.peer, &assign.local);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		connection),
	    0);
	err = ipc_send(&s->worker, MSG_ASSIGN, &assign, &connection[1], 1);
	close(connection[1]);
	s->peer = connection[0];
	return (err);
}
