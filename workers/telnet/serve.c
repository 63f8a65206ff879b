/*
 * The telnet worker's one loop: the socket, the channel to the master or to
 * the login process, the user's terminal. Worker, without privilege. What it
 * may wait for depends on the phase; it waits in one place, and never for a
 * peer that does not read.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/telnet/conn.h"

#define NS_PER_MS 1000000u
#define LAST_MS 10000 /* for the last output, without progress */
#define LINGER_MS 2000
#define RECORDS_MS 2000 /* for the login process to close its records */
#define SESSION_MS 8000 /* and before that, for a session that is hung up */
#define TRAFFIC_MS 1000 /* between two words to the master about it */
#define WAIT_MAX_MS 3600000
#define CALM_MS 1000 /* nothing to do for so long: much output is over */

/* Large, and only this worker's: its pages are there once written. */
static struct conn conn;

/* What each phase does with bytes, with keys and with time. */
struct phase_row {
	bool (*take)(struct conn *c);
	void (*key)(struct conn *c, enum telnet_key key);
	void (*last)(struct conn *c);
	uint64_t (*due)(const struct conn *c);
	void (*tick)(struct conn *c, uint64_t now);
};

#define DIALOGUE                                                               \
	{                                                                      \
		dialogue_take, dialogue_key, dialogue_last, dialogue_due,      \
		    dialogue_tick                                              \
	}
#define SESSION                                                                \
	{                                                                      \
		session_take, session_key, session_last, session_due,          \
		    session_tick                                               \
	}

static const struct phase_row phases[PHASES] = {
    [PHASE_GREETING] = DIALOGUE,
    [PHASE_NAME] = DIALOGUE,
    [PHASE_ASKED] = DIALOGUE,
    [PHASE_LATE] = DIALOGUE,
    [PHASE_TRYING] = DIALOGUE,
    [PHASE_PROMPT] = DIALOGUE,
    [PHASE_SESSION] = SESSION,
    [PHASE_OVER] = SESSION,
};

/* Somebody is there: what a client sends by itself does not say so. */
static void
serve_typed(struct conn *c)
{
	if (conn_has_session(c) && c->options->idle_timeout > 0)
		c->heard = time_boot_ns();
}

/* One thing that the client said; false: nothing more can be done with it. */
static bool
serve_obey(struct conn *c)
{
	struct telnet_input got;

	c->at +=
	    telnet_receive(&c->telnet, c->in + c->at, c->have - c->at, &got);
	switch (got.action) {
	case TELNET_DATA:
		c->data = c->in + (got.data - c->in);
		c->n = got.n;
		serve_typed(c);
		return (true);
	case TELNET_KEY:
		serve_typed(c);
		phases[c->phase].key(c, got.key);
		return (true);
	case TELNET_FLUSHED:
		return (true);
	case TELNET_LOGOUT:
		conn_step(c, PHASE_ENDS);
		return (false);
	case TELNET_FULL:
		c->full = true;
		return (false);
	case TELNET_MORE:
		break;
	}
	c->at = c->have = 0;
	return (false);
}

/* As much of what was read as there is room for on the other side. */
static void
serve_use_input(struct conn *c)
{
	do {
		while (c->phase != PHASE_END && c->n > 0)
			if (!phases[c->phase].take(c))
				return;
	} while (
	    c->phase != PHASE_END && (c->have > 0 || c->full) && serve_obey(c));
}

/*
 * The peer's FIN: it has sent its last, and may be reading still, or be gone
 * altogether. What it had sent is used to the end, while a byte for nothing
 * finds out: who has closed its whole socket answers by a reset.
 */
static void
serve_half_closed(struct conn *c, bool just_now)
{
	if (c->peer == PEER_ENDED && c->have == 0 && c->n == 0 && !c->full)
		phases[c->phase].last(c);
	if (c->phase != PHASE_END && just_now)
		telnet_probe(&c->telnet);
}

static uint64_t
serve_moved(const struct conn *c)
{
	return (c->w->bytes_in + c->w->bytes_out);
}

/* When the master is to be told what has moved. */
static uint64_t
serve_traffic_due(const struct conn *c)
{
	return (!conn_has_session(c) || serve_moved(c) == c->told
		    ? UINT64_MAX
		    : c->told_at + (uint64_t)TRAFFIC_MS * NS_PER_MS);
}

/* For whoever looks at the sessions. No room, no master: later, then. */
static void
serve_traffic_tell(struct conn *c, uint64_t now)
{
	struct msg_traffic m = {
	    .bytes_in = c->w->bytes_in, .bytes_out = c->w->bytes_out};

	if (now < serve_traffic_due(c))
		return;
	c->told_at = now;
	if (ipc_send(&c->w->master, MSG_TRAFFIC, &m, NULL, 0) == 0)
		c->told = serve_moved(c);
}

static int
serve_wait_ms(const struct conn *c)
{
	/* A client that does not read wakes nobody. */
	bool calms = c->session.swollen && !c->blocked;
	uint64_t due = phases[c->phase].due(c), traffic = serve_traffic_due(c),
		 now;

	if (due > traffic)
		due = traffic;
	if (due == UINT64_MAX)
		return (calms ? CALM_MS : -1);
	now = time_boot_ns();
	if (due <= now)
		return (0);
	due = (due - now + NS_PER_MS - 1) / NS_PER_MS;
	if (calms && due > CALM_MS)
		due = CALM_MS;
	return (due > WAIT_MAX_MS ? WAIT_MAX_MS : (int)due);
}

static void
serve_tick(struct conn *c)
{
	const struct phase_row *row = &phases[c->phase];

	if (row->due != NULL && row->due(c) != UINT64_MAX)
		row->tick(c, time_boot_ns());
	if (serve_traffic_due(c) != UINT64_MAX)
		serve_traffic_tell(c, time_boot_ns());
}

/* A descriptor that is not asked for anything would still tell its end. */
static struct pollfd
serve_asked(int fd, short events)
{
	return ((struct pollfd){.fd = events != 0 ? fd : -1, .events = events});
}

/* Room that sending makes is used at once: no event would tell of it. */
static void
serve_exchange(struct conn *c)
{
	uint64_t before;

	do {
		before = c->w->bytes_out;
		serve_use_input(c);
		if (c->session.pty >= 0)
			session_follow(c);
		conn_flush(c);
	} while (c->w->bytes_out > before && c->phase != PHASE_END &&
		 (c->n > 0 || c->have > 0));
}

/* n descriptors had something to tell; had: a session, before that. */
static bool
serve_could_thin(const struct conn *c, int n, bool had)
{
	return (
	    conn_has_session(c) && (!had || (c->session.swollen && n == 0)));
}

static void
serve_turn(struct conn *c)
{
	struct ipc_channel *channel = dialogue_channel(c);
	struct pollfd p[3] = {
	    {.fd = c->w->connection, .events = conn_events(c)},
	    serve_asked(channel != NULL ? channel->fd : -1, POLLIN),
	    serve_asked(
		c->session.pty, c->session.pty >= 0 ? session_events(c) : 0)};
	/* What is left behind the shell is read without being waited for. */
	bool drains = c->phase == PHASE_OVER && (p[2].events & POLLIN) != 0;
	bool had = conn_has_session(c), sent = c->peer == PEER_SENDS;
	int n = poll(p, 3, drains ? 0 : serve_wait_ms(c));

	if (n < 0 && errno == EINTR)
		return;
	if (n < 0) /* the time goes on, and nothing has come */
		time_rest(WORKER_REST_MS);
	if (p[0].revents != 0)
		conn_read(c, p[0].revents);
	if (p[1].revents != 0)
		dialogue_hear(c);
	if (drains ||
	    (p[2].revents & (POLLIN | POLLPRI | POLLHUP | POLLERR)) != 0)
		session_read(c);
	serve_exchange(c);
	if (c->peer != PEER_SENDS && c->phase != PHASE_END)
		serve_half_closed(c, sent);
	serve_tick(c);
	conn_flush(c);
	if (serve_could_thin(c, n, had))
		conn_thin(c);
}

/* To the channel's end: what the login process said before is no end. */
static void
serve_finish_records(struct conn *c, uint64_t deadline)
{
	int err = 0;

	while (err == 0 || err == ERR_AGAIN) {
		err = ipc_recv_now(&c->login, &c->message);
		if (err == 0)
			ipc_in_close(&c->message);
		else if (err == ERR_AGAIN &&
			 worker_wait(c->login.fd, POLLIN, deadline) != 0)
			return;
	}
}

/*
 * The session is hung up first, whatever the peer does with the last output.
 * The login process closes the channel when the records are closed: only then
 * is the connection over for whoever counts it.
 */
static void
serve_finish(struct conn *c)
{
	uint64_t most = c->session.pty >= 0 ? SESSION_MS : RECORDS_MS;
	uint64_t sent = c->w->bytes_out;
	unsigned rests = 0;

	fd_close(&c->session.pty);
	if (c->login.fd >= 0)
		shutdown(c->login.fd, SHUT_WR);
	while (c->peer != PEER_GONE) {
		conn_flush(c);
		rests = c->w->bytes_out == sent ? rests + 1 : 0;
		sent = c->w->bytes_out;
		if (!c->blocked || c->peer == PEER_GONE ||
		    rests > WORKER_RESTS_MOST ||
		    worker_wait(c->w->connection, POLLOUT,
			worker_deadline(LAST_MS)) != 0)
			break;
		c->blocked = false;
	}
	if (c->peer != PEER_GONE)
		worker_linger(c->w, worker_deadline(LINGER_MS));
	if (c->login.fd >= 0)
		serve_finish_records(c, worker_deadline(most));
	ipc_channel_close(&c->login);
}

int
telnet_serve(
    struct worker *w, const struct msg_login_options *options, const char *host)
{
	struct conn *c = &conn;

	c->options = options;
	c->host = host;
	if (conn_open(c, w) != 0)
		return (0); /* the peer has gone already */
	dialogue_greet(c);
	conn_flush(c);
	while (c->phase != PHASE_END)
		serve_turn(c);
	serve_finish(c);
	return (0);
}
