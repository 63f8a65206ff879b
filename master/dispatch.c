/*
 * Dispatch. Master only, unprivileged. A session is held at most for a while:
 * a peer is told, it never hangs.
 */
#include "master/claim.h"
#include "master/dispatch.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "master/ending.h"
#include "master/refuse.h"
#include "master/report.h"
#include "master/resource.h"
#include "master/zygote_end.h"
#include "master/zygote_start.h"

#define RETRY_MS 50
#define HELD_MAX_NS UINT64_C(10000000000)

static uv_timer_t dispatch_timer;

static void dispatch_retry(uv_timer_t *timer);

static void
dispatch_hold(struct master *m, struct session *s)
{
	session_leave(s);
	session_change(s, SESSION_HOLDS);
	s->held_since = time_boot_ns();
	TAILQ_INSERT_TAIL(&s->service->held, s, link);
	service_block(m, s->service, BLOCK_FULL);
	if (!uv_is_active((uv_handle_t *)&dispatch_timer))
		uv_timer_start(
		    &dispatch_timer, dispatch_retry, RETRY_MS, RETRY_MS);
}

/* 0; ERR_AGAIN when it has to wait; else as dispatch_session(). */
static int
dispatch_try(struct master *m, struct session *s)
{
	struct zygote *z = s->service->zygote;

	int err = ERR_AGAIN;

	if (z != NULL)
		err = zygote_start_session(m, z, s);
	if (err == 0 || err == ERR_AGAIN || err == ERR_SHORT)
		return (err);
	zygote_lose(z, false);
	return (ERR_AGAIN);
}

struct session *
dispatch_new(struct master *m, struct service *sv, const struct listener *l,
    const struct addr *peer, uint64_t now)
{
	struct session *s = session_new(m, sv, l, peer, now);

	/* Who is over and waits for a slow audit makes room. */
	if (s == NULL && report_give_up(m))
		s = session_new(m, sv, l, peer, now);
	return (s);
}

int
dispatch_session(struct master *m, struct session *s)
{
	int err = ERR_AGAIN;

	if (TAILQ_EMPTY(&s->service->held))
		err = dispatch_try(m, s);
	if (err == ERR_AGAIN) {
		dispatch_hold(m, s);
		return (0);
	}
	return (err);
}

void
dispatch_again(struct master *m, struct session *s)
{
	dispatch_hold(m, s);
	dispatch_held(m, s->service);
}

void
dispatch_held(struct master *m, struct service *sv)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&sv->held)) != NULL) {
		/* Whatever is in the way, it is tried again soon. */
		if (dispatch_try(m, s) != 0)
			return;
	}
	service_unblock(m, sv, BLOCK_FULL);
}

/* Nobody serves it in time: say so to the peer, and close the books. */
static void
dispatch_expire(struct master *m, struct service *sv)
{
	struct session_end end = {.how = ENDED_UNKNOWN};
	uint64_t now = time_boot_ns();
	struct session *s;

	while ((s = TAILQ_FIRST(&sv->held)) != NULL &&
	       now - s->held_since > HELD_MAX_NS) {
		if (!s->holds_listener) {
			refuse_connection(
			    m, s->connection, refuse_text(sv->kind));
			s->connection = -1;
		}
		ending_session(m, s, &end);
	}
}

static void
dispatch_retry(uv_timer_t *timer)
{
	struct master *m = timer->data;
	bool more = false;

	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct service *sv = service_by_index(m, i);

		if (sv == NULL || TAILQ_EMPTY(&sv->held))
			continue;
		/* Its last session's end must not take it away from here. */
		sv->sessions++;
		dispatch_held(m, sv);
		dispatch_expire(m, sv);
		if (!TAILQ_EMPTY(&sv->held))
			more = true;
		else
			service_unblock(m, sv, BLOCK_FULL);
		sv->sessions--;
		service_release(m, sv);
	}
	if (!more)
		uv_timer_stop(timer);
}

int
dispatch_init(struct master *m)
{
	dispatch_timer.data = m;
	return (uv_timer_init(&m->loop, &dispatch_timer) == 0 ? 0 : ERR_SYSTEM);
}

/* --- one session at a time ---------------------------------------------------
 */

/* Refused: what waits must go, or the listener would be readable for ever. */
static void
dispatch_refuse(struct listener *l, enum policy_reason reason)
{
	struct addr peer = {.family = l->address.family};
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = -1;

	if (!l->datagram) {
		/* The last program had it blocking; the master never waits. */
		if (fd_set_nonblock(l->fd, 1) != 0)
			return;
		fd = listener_accept(l, &peer);
		if (fd < 0)
			return;
	} else {
		/* Dropped in the kernel; its source is what it claims. */
		if (recvfrom(l->fd, NULL, 0, MSG_TRUNC | MSG_DONTWAIT,
			(struct sockaddr *)&ss, &len) < 0)
			return;
		addr_from_sockaddr(&peer, (struct sockaddr *)&ss, len);
	}
	refuse_peer(l, fd, &peer, reason);
}

/* It cannot be started just now: nothing is lost, it stays in the backlog. */
static void
dispatch_postpone(
    struct listener *l, struct session *s, uint64_t now, int error)
{
	struct master *m = l->master;

	if (s != NULL)
		ending_discard(m, s);
	claim_undo_peer(m, l->service, &l->address, false, now);
	resource_short(m, l->name, error);
	resource_rest(m);
}

/* Who sent the datagram that waits: what it claims. Nothing of it is read. */
static void
dispatch_source(const struct listener *l, struct addr *peer)
{
	struct addr from = {.family = FAMILY_COUNT};
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (l->datagram &&
	    recvfrom(l->fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT,
		(struct sockaddr *)&ss, &len) >= 0)
		addr_from_sockaddr(&from, (struct sockaddr *)&ss, len);
	/* It is counted in its listener's family. */
	if (from.family == l->address.family)
		*peer = from;
}

void
dispatch_listener(struct listener *l)
{
	struct master *m = l->master;
	struct service *sv = l->service;
	struct addr peer = {.family = l->address.family};
	uint64_t now = time_boot_ns();
	struct policy_verdict verdict;
	struct session *s;

	verdict = claim_ask(m, sv, &peer, true, false, now);
	if (!verdict.allow) {
		dispatch_refuse(l, verdict.reason);
		return;
	}
	dispatch_source(l, &peer);
	s = dispatch_new(m, sv, l, &peer, now);
	if (s == NULL) {
		dispatch_postpone(l, NULL, now, errno);
		return;
	}
	claim_take(m, s, false);
	s->local = l->address;
	s->connection = fcntl(l->fd, F_DUPFD_CLOEXEC, 3);
	if (s->connection < 0 || dispatch_session(m, s) != 0) {
		dispatch_postpone(l, s, now, errno);
		return;
	}
	listener_take(l);
	report_await(m, s);
}

void
dispatch_undo(struct master *m, struct session *s, int error, enum step step)
{
	struct session_end end = {
	    .how = ENDED_FAILED, .value = error, .step = step};
	struct service *sv = s->service;
	uint32_t id = s->listener;
	struct listener *l;

	resource_short(m, sv->name, error);
	if (s->announced) {
		ending_session(m, s, &end);
	} else {
		claim_undo(s);
		ending_discard(m, s);
	}
	l = listener_release(m, id);
	if (l != NULL && l->service == sv && l->one_at_a_time)
		dispatch_refuse(l, REASON_NO_RESOURCES);
}
