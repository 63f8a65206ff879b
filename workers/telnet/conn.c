/*
 * A telnet client's socket, and the protocol on it. Worker, without privilege.
 * Distrusts every byte; holds no more of what a peer makes it say than its
 * queue, and reads nothing while an answer has no room there.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/memory.h"
#include "workers/telnet/conn.h"

#define AGAINS_MOST 8

int
conn_open(struct conn *c, struct worker *w)
{
	static const int on = 1;

	c->w = w;
	c->heard = w->began;
	c->phase = PHASE_GREETING;
	c->peer = PEER_SENDS;
	c->login.fd = -1;
	c->session.pty = -1;
	/* A Synch's mark is looked for in the stream. */
	if (setsockopt(
		w->connection, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)) < 0)
		return (ERR_SYSTEM);
	/* Comforts: without them it works as well. */
	(void)setsockopt(
	    w->connection, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(
	    w->connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return (telnet_init(&c->telnet, c->queue, sizeof(c->queue)));
}

/* Phase and event: the next phase; PHASE_END where none is given. */
static const uint8_t phase_next[PHASES][PHASE_EVENTS] = {
    [PHASE_GREETING] =
	{[PHASE_ASKS_NAME] = PHASE_NAME, [PHASE_IS_LATE] = PHASE_LATE},
    [PHASE_NAME] = {[PHASE_ASKS_NAME] = PHASE_NAME,
	[PHASE_ASKS_LOGIN] = PHASE_ASKED,
	[PHASE_IS_LATE] = PHASE_LATE,
	[PHASE_TRIES] = PHASE_TRYING},
    [PHASE_ASKED] =
	{[PHASE_ASKS_LOGIN] = PHASE_ASKED, [PHASE_TRIES] = PHASE_TRYING},
    [PHASE_LATE] = {[PHASE_IS_LATE] = PHASE_LATE},
    [PHASE_TRYING] = {[PHASE_ASKS_NAME] = PHASE_NAME,
	[PHASE_IS_PROMPTED] = PHASE_PROMPT,
	[PHASE_OPENS] = PHASE_SESSION},
    [PHASE_PROMPT] = {[PHASE_TRIES] = PHASE_TRYING},
    [PHASE_SESSION] = {[PHASE_SHELL_ENDS] = PHASE_OVER},
};

void
conn_step(struct conn *c, enum phase_event event)
{
	c->phase = (enum phase)phase_next[c->phase][event];
}

bool
conn_has_session(const struct conn *c)
{
	return (c->phase == PHASE_SESSION || c->phase == PHASE_OVER);
}

/* What the peer's side has come to. Nothing waits for one that is gone. */
static void
conn_set_peer(struct conn *c, enum peer peer)
{
	if (peer > c->peer)
		c->peer = peer;
	if (peer == PEER_GONE)
		conn_step(c, PHASE_ENDS);
}

short
conn_events(const struct conn *c)
{
	short events = 0;

	if (c->have == 0 && c->n == 0 && !c->full && c->peer < PEER_ENDED)
		events |= POLLIN;
	/* Also while nothing is read: who is gone is to be missed. */
	if (c->peer == PEER_SENDS)
		events |= POLLRDHUP;
	if (!c->telnet.synch)
		events |= POLLPRI;
	if (c->blocked)
		events |= POLLOUT;
	return (events);
}

void
conn_again(struct conn *c)
{
	if (++c->agains > AGAINS_MOST)
		time_rest(WORKER_REST_MS);
}

void
conn_short(struct conn *c)
{
	time_rest(WORKER_REST_MS);
	if (++c->shorts <= WORKER_RESTS_MOST)
		return;
	c->w->why = WORKER_WHY_SHORT;
	conn_set_peer(c, PEER_GONE);
}

void
conn_moved(struct conn *c)
{
	c->agains = c->shorts = 0;
}

static void
conn_fill(struct conn *c)
{
	ssize_t n = recv(c->w->connection, c->in, sizeof(c->in), MSG_DONTWAIT);

	if (n > 0) {
		conn_moved(c);
		c->have = (size_t)n;
		c->w->bytes_in += (uint64_t)n;
		if (c->high < c->have)
			c->high = c->have;
		if (c->phase == PHASE_GREETING)
			c->heard = time_boot_ns();
	} else if (n == 0) {
		conn_set_peer(c, PEER_ENDED);
	} else if (worker_is_short(errno)) {
		conn_short(c);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		conn_set_peer(c, PEER_GONE);
	}
}

void
conn_read(struct conn *c, short revents)
{
	if ((revents & POLLPRI) != 0 && !c->telnet.synch) {
		telnet_urgent(&c->telnet);
		/* What was typed before it is dropped as well. */
		c->session.stuck = true;
		c->n = 0;
	}
	if ((revents & POLLOUT) != 0)
		c->blocked = false;
	if ((revents & POLLRDHUP) != 0)
		conn_set_peer(c, PEER_HALF_CLOSED);
	if (c->have == 0 && c->n == 0 && !c->full && c->peer < PEER_ENDED &&
	    (revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		conn_fill(c);
	else if ((revents & (POLLHUP | POLLERR)) != 0)
		conn_set_peer(c, PEER_GONE);
}

void
conn_flush(struct conn *c)
{
	const uint8_t *p;
	bool urgent;
	size_t n;

	while (!c->blocked && c->peer != PEER_GONE &&
	       (n = telnet_pending(&c->telnet, &p, &urgent)) > 0) {
		ssize_t sent = send(c->w->connection, p, n,
		    MSG_NOSIGNAL | MSG_DONTWAIT | (urgent ? MSG_OOB : 0));

		if (sent > 0) {
			telnet_sent(&c->telnet, (size_t)sent);
			c->w->bytes_out += (uint64_t)sent;
			c->full = false;
			conn_moved(c);
			c->blocked = (size_t)sent < n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			c->blocked = true;
			conn_again(c);
		} else if (worker_is_short(errno)) {
			c->blocked = true;
			conn_short(c);
		} else if (errno != EINTR) {
			conn_set_peer(c, PEER_GONE);
		}
	}
}

void
conn_say(struct conn *c, const void *text, size_t n)
{
	const uint8_t *p = text;

	while (n > 0) {
		const uint8_t *lf = memchr(p, '\n', n);
		size_t run = lf != NULL ? (size_t)(lf - p) : n;

		(void)telnet_output(&c->telnet, p, run);
		if (lf == NULL)
			return;
		(void)telnet_output(&c->telnet, (const uint8_t *)"\r\n", 2);
		p += run + 1;
		n -= run + 1;
	}
}

/* All of in[] but what is still to be used. */
void
conn_wipe(struct conn *c)
{
	size_t from = c->n > 0 ? (size_t)(c->data - c->in) : c->at;

	explicit_bzero(c->in, from);
	if (c->n > 0)
		explicit_bzero(c->data + c->n, c->at - (from + c->n));
	explicit_bzero(c->in + c->have, c->high - c->have);
	c->high = c->have;
}

void
conn_thin(struct conn *c)
{
	const uint8_t *p;
	bool urgent;

	memory_release(&c->message, sizeof(c->message));
	memory_release(c->out, sizeof(c->out));
	if (telnet_pending(&c->telnet, &p, &urgent) == 0) {
		memory_release(c->queue, sizeof(c->queue));
		c->session.swollen = false;
	}
	memory_release_stack();
}
