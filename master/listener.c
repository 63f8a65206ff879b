/*
 * The list of listeners and when each is polled. Master only, unprivileged.
 * Told by the monitor only; never closes a listener on its own.
 */
#include "master/listener.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/session.h"

#define AGAIN_MS 1000 /* until what is broken is reported again */

TAILQ_HEAD(listener_list, listener);

struct listeners {
	struct listener_list all;
	uint64_t turn; /* of the loop */
	listener_accepts *ready;
	listener_breaks *broken;
	uv_check_t check;
	uv_timer_t again; /* says what is broken until it is taken back */
	bool rest;
};

static void listener_change(struct listener *l, enum listener_event event);

static void
listener_ready(uv_poll_t *poll, int status, int events)
{
	struct listener *l = CONTAINER_OF(poll, struct listener, poll);
	socklen_t len = sizeof(status);

	(void)events;
	if (status == 0) {
		l->master->listeners->ready(l);
		return;
	}
	/*
	 * An error waits in the socket, such as ICMP's word on an earlier
	 * datagram, and libuv has stopped the handle: take it, and go on.
	 */
	(void)getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &status, &len);
	if (uv_poll_start(poll, UV_READABLE, listener_ready) != 0)
		listener_change(l, LISTENER_STOPS);
}

static const uint8_t listener_next[LISTENER_STATES][LISTENER_EVENTS] = {
    [LISTENER_RESTS] = {[LISTENER_STARTS] = LISTENER_POLLED,
	[LISTENER_STOPS] = LISTENER_RESTS,
	[LISTENER_IS_TAKEN] = LISTENER_BUSY,
	[LISTENER_IS_RELEASED] = LISTENER_RESTS,
	[LISTENER_BREAKS] = LISTENER_BROKEN,
	[LISTENER_CLOSES] = LISTENER_CLOSED},
    [LISTENER_POLLED] = {[LISTENER_STARTS] = LISTENER_POLLED,
	[LISTENER_STOPS] = LISTENER_RESTS,
	[LISTENER_IS_TAKEN] = LISTENER_BUSY,
	[LISTENER_IS_RELEASED] = LISTENER_POLLED,
	[LISTENER_BREAKS] = LISTENER_BROKEN,
	[LISTENER_CLOSES] = LISTENER_CLOSED},
    [LISTENER_BUSY] = {[LISTENER_STARTS] = LISTENER_BUSY,
	[LISTENER_STOPS] = LISTENER_BUSY,
	[LISTENER_IS_TAKEN] = LISTENER_BUSY,
	[LISTENER_IS_RELEASED] = LISTENER_RESTS,
	[LISTENER_BREAKS] = LISTENER_BROKEN,
	[LISTENER_CLOSES] = LISTENER_CLOSED},
    [LISTENER_BROKEN] = {[LISTENER_STARTS] = LISTENER_BROKEN,
	[LISTENER_STOPS] = LISTENER_BROKEN,
	[LISTENER_IS_TAKEN] = LISTENER_BROKEN,
	[LISTENER_IS_RELEASED] = LISTENER_BROKEN,
	[LISTENER_BREAKS] = LISTENER_BROKEN,
	[LISTENER_CLOSES] = LISTENER_CLOSED},
    [LISTENER_CLOSED] = {[LISTENER_STARTS] = LISTENER_CLOSED,
	[LISTENER_STOPS] = LISTENER_CLOSED,
	[LISTENER_IS_TAKEN] = LISTENER_CLOSED,
	[LISTENER_IS_RELEASED] = LISTENER_CLOSED,
	[LISTENER_BREAKS] = LISTENER_CLOSED,
	[LISTENER_CLOSES] = LISTENER_CLOSED},
};

/*
 * The one way from a state to the next. Polling follows; a listener that cannot
 * be polled rests until the next try. Rest and work in turn are usual.
 */
static void
listener_change(struct listener *l, enum listener_event event)
{
	static const char *const names[LISTENER_STATES] = {
	    "rests", "polled", "busy", "broken", "closed"};
	enum listener_state old = l->state, next = listener_next[old][event];

	if (next == old)
		return;
	if (next == LISTENER_POLLED &&
	    uv_poll_start(&l->poll, UV_READABLE, listener_ready) != 0)
		return;
	if (old == LISTENER_POLLED)
		uv_poll_stop(&l->poll);
	if (next >= LISTENER_BROKEN)
		log_info(
		    "listener %u: %s -> %s", l->id, names[old], names[next]);
	l->state = next;
}

static bool
listener_wanted(const struct listener *l)
{
	const struct master *m = l->master;

	if (!m->running || m->listeners->rest)
		return (false);
	return (l->service == NULL || l->service->blocked == 0);
}

void
listener_update(struct listener *l)
{
	listener_change(
	    l, listener_wanted(l) ? LISTENER_STARTS : LISTENER_STOPS);
}

void
listener_update_service(struct master *m, struct service *sv)
{
	struct listener *l;

	TAILQ_FOREACH (l, &m->listeners->all, link) {
		if (l->service == sv)
			listener_update(l);
	}
}

void
listener_update_all(struct master *m)
{
	struct listener *l;

	TAILQ_FOREACH (l, &m->listeners->all, link)
		listener_update(l);
}

void
listener_rest(struct master *m, bool rest)
{
	m->listeners->rest = rest;
	listener_update_all(m);
}

/* The word may be lost for want of room: it is said until the monitor acts. */
static void
listeners_again(uv_timer_t *timer)
{
	struct master *m = timer->data;
	struct listener *l;
	bool some = false;

	TAILQ_FOREACH (l, &m->listeners->all, link) {
		if (l->state != LISTENER_BROKEN)
			continue;
		m->listeners->broken(m, l->id, l->broken);
		some = true;
	}
	if (some)
		uv_timer_start(timer, listeners_again, AGAIN_MS, 0);
}

void
listener_break(struct listener *l, int error)
{
	log_info("cannot accept for %s; pausing its listener: %s", l->name,
	    strerror(error));
	l->broken = error;
	listener_change(l, LISTENER_BREAKS);
	listeners_again(&l->master->listeners->again);
}

bool
listener_listens(const struct listener *l)
{
	struct pollfd p = {.fd = l->fd, .events = POLLRDHUP};
	int listening = 0;
	socklen_t len = sizeof(listening);

	if (l->datagram)
		return (poll(&p, 1, 0) <= 0 ||
			(p.revents & (POLLRDHUP | POLLHUP)) == 0);
	return (getsockopt(l->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) <
		    0 ||
		listening);
}

static struct listener *
listener_by_id(struct master *m, uint32_t id)
{
	struct listener *l;

	TAILQ_FOREACH (l, &m->listeners->all, link) {
		if (l->id == id)
			return (l);
	}
	return (NULL);
}

static void
listener_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF((uv_poll_t *)handle, struct listener, poll));
}

void
listener_remove(struct master *m, uint32_t id)
{
	struct listener *l = listener_by_id(m, id);

	if (l == NULL)
		return;
	TAILQ_REMOVE(&m->listeners->all, l, link);
	listener_change(l, LISTENER_CLOSES);
	uv_close((uv_handle_t *)&l->poll, listener_closed);
	fd_close(&l->fd);
}

static bool
address_is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	return (memcmp(a->bytes, zero, sizeof(zero)) == 0);
}

int
listener_add(struct master *m, const struct msg_listener *msg, int fd)
{
	struct service *sv = service_by_number(m, msg->service);
	struct listener *l;

	if (sv == NULL && msg->service != SERVICES_MAX) {
		fd_close(&fd);
		return (ERR_NOT_FOUND);
	}
	listener_remove(m, msg->id);
	l = calloc(1, sizeof(*l));
	if (l == NULL || uv_poll_init(&m->loop, &l->poll, fd) != 0) {
		free(l);
		fd_close(&fd);
		return (ERR_NO_MEMORY);
	}
	l->master = m;
	l->service = sv;
	l->id = msg->id;
	memcpy(l->name, msg->name, sizeof(l->name));
	l->address = msg->address;
	l->any = address_is_any(&msg->address);
	l->datagram = msg->datagram != 0;
	l->one_at_a_time = sv != NULL && (msg->datagram || msg->wait);
	l->fd = fd;
	l->batch = 1;
	TAILQ_INSERT_TAIL(&m->listeners->all, l, link);
	listener_update(l);
	return (0);
}

void
listener_forget_service(struct master *m, struct service *sv)
{
	struct listener *l, *next;

	for (l = TAILQ_FIRST(&m->listeners->all); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (l->service == sv)
			listener_remove(m, l->id);
	}
}

struct listener *
listener_release(struct master *m, uint32_t id)
{
	struct listener *l = listener_by_id(m, id);

	if (l == NULL)
		return (NULL);
	listener_change(l, LISTENER_IS_RELEASED);
	listener_update(l);
	return (l);
}

void
listener_take(struct listener *l)
{
	listener_change(l, LISTENER_IS_TAKEN);
}

void
listener_hold(struct master *m, const struct session *s)
{
	struct listener *l = listener_by_id(m, s->listener);

	if (l == NULL || !l->one_at_a_time || l->service != s->service)
		return;
	listener_take(l);
}

uint64_t
listener_turn(const struct master *m)
{
	return (m->listeners->turn);
}

static void
listeners_turn(uv_check_t *check)
{
	struct master *m = check->data;

	m->listeners->turn++;
}

int
listener_init(
    struct master *m, listener_accepts *ready, listener_breaks *broken)
{
	struct listeners *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return (ERR_NO_MEMORY);
	TAILQ_INIT(&a->all);
	m->listeners = a;
	a->ready = ready;
	a->broken = broken;
	a->check.data = m;
	a->again.data = m;
	uv_timer_init(&m->loop, &a->again);
	uv_check_init(&m->loop, &a->check);
	uv_check_start(&a->check, listeners_turn);
	return (0);
}

int
listener_accept(const struct listener *l, struct addr *peer)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int flags = SOCK_CLOEXEC;
	int fd;

	/* Programs want theirs blocking, our workers not. */
	if (l->service == NULL || l->service->builtin)
		flags |= SOCK_NONBLOCK;
	fd = accept4(l->fd, (struct sockaddr *)&ss, &len, flags);
	if (fd < 0)
		return (-1);
	if (addr_from_sockaddr(peer, (struct sockaddr *)&ss, len) != 0) {
		close(fd);
		errno = ECONNABORTED;
		return (-1);
	}
	return (fd);
}
