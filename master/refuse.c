/*
 * Refusals. Master only, unprivileged. What the peer sends is discarded in
 * the kernel (MSG_TRUNC, tcp(7)); not a byte of it is copied.
 */
#include "master/refuse.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "master/report.h"

#define GENTLE_MS 1000
#define GENTLE_PER_S 64 /* more refusals than this in a second: a flood */
#define GENTLE_DROP 65536
#define GENTLE_DROPS 16 /* system calls at a time for one peer */

struct gentle {
	struct watch watch;
	struct master *master;
	int fd;
	uint64_t deadline; /* uv_now(), ms */
	TAILQ_ENTRY(gentle) link;
};

TAILQ_HEAD(gentle_list, gentle);

static struct {
	struct gentle all[REFUSE_GENTLE_MAX];
	struct gentle_list idle;
	struct gentle_list open; /* by deadline */
	uv_timer_t timer;
	uint64_t second; /* that the count is of */
	unsigned count;
} refusals;

const char *
refuse_text(enum service_kind kind)
{
	return (service_traits(kind)->refusal);
}

static void
refuse_say(int fd, const char *text)
{
	if (text == NULL)
		return;
	/* A new connection has room for a line; one that has not is gone. */
	if (send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

void
refuse_at_once(int fd, const char *text)
{
	refuse_say(fd, text);
	close(fd);
}

static void
gentle_close(struct gentle *g)
{
	watch_remove(&g->master->watcher, &g->watch);
	fd_close(&g->fd);
	TAILQ_REMOVE(&refusals.open, g, link);
	TAILQ_INSERT_HEAD(&refusals.idle, g, link);
}

static void
gentle_ready(struct watch *w, uint32_t events)
{
	struct gentle *g = CONTAINER_OF(w, struct gentle, watch);

	(void)events;
	for (int i = 0; i < GENTLE_DROPS; i++) {
		ssize_t n =
		    recv(g->fd, NULL, GENTLE_DROP, MSG_TRUNC | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0) {
			gentle_close(g);
			return;
		}
	}
}

static void
gentle_timeout(uv_timer_t *timer)
{
	struct master *m = timer->data;
	uint64_t now = uv_now(&m->loop);
	struct gentle *g;

	while ((g = TAILQ_FIRST(&refusals.open)) != NULL) {
		if (g->deadline > now) {
			uv_timer_start(
			    timer, gentle_timeout, g->deadline - now, 0);
			return;
		}
		gentle_close(g);
	}
}

int
refuse_init(struct master *m)
{
	TAILQ_INIT(&refusals.idle);
	TAILQ_INIT(&refusals.open);
	for (int i = 0; i < REFUSE_GENTLE_MAX; i++) {
		struct gentle *g = &refusals.all[i];

		g->master = m;
		g->fd = -1;
		TAILQ_INSERT_TAIL(&refusals.idle, g, link);
	}
	refusals.timer.data = m;
	return (uv_timer_init(&m->loop, &refusals.timer) == 0 ? 0 : ERR_SYSTEM);
}

/* One that may be closed gently, or NULL: too many are being refused. */
static struct gentle *
gentle_take(struct master *m)
{
	uint64_t second = uv_now(&m->loop) / 1000;
	struct gentle *g = TAILQ_FIRST(&refusals.idle);

	if (second != refusals.second) {
		refusals.second = second;
		refusals.count = 0;
	}
	if (g == NULL || ++refusals.count > GENTLE_PER_S)
		return (NULL);
	return (g);
}

void
refuse_connection(struct master *m, int fd, const char *text)
{
	struct gentle *g = gentle_take(m);

	if (g == NULL) {
		refuse_at_once(fd, text);
		return;
	}
	refuse_say(fd, text);
	if (shutdown(fd, SHUT_WR) < 0 ||
	    watch_add(&m->watcher, &g->watch, fd, EPOLLIN | EPOLLRDHUP,
		gentle_ready) != 0) {
		close(fd);
		return;
	}
	TAILQ_REMOVE(&refusals.idle, g, link);
	TAILQ_INSERT_TAIL(&refusals.open, g, link);
	g->fd = fd;
	g->deadline = uv_now(&m->loop) + GENTLE_MS;
	if (!uv_is_active((uv_handle_t *)&refusals.timer))
		uv_timer_start(&refusals.timer, gentle_timeout, GENTLE_MS, 0);
}

void
refuse_peer(struct listener *l, int fd, const struct addr *peer,
    enum policy_reason reason)
{
	struct master *m = l->master;
	struct service *sv = l->service;

	if (sv == NULL) {
		close(fd);
		report_refused(m, l->name, peer, reason);
		return;
	}
	/* A datagram has no connection. */
	if (fd >= 0 && reason == REASON_NO_RESOURCES)
		refuse_at_once(fd, refuse_text(sv->kind));
	else if (fd >= 0)
		refuse_connection(m, fd, refuse_text(sv->kind));
	state_count(
	    m->state, sv->index, (enum family)peer->family, STATE_REFUSED);
	report_refused(m, sv->name, peer, reason);
}
