/*
 * Accepting. Master only, unprivileged; of a stranger it learns the address,
 * from the kernel. Never closes a listener on its own.
 */
#include "master/accept.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/claim.h"
#include "master/dispatch.h"
#include "master/ending.h"
#include "master/refuse.h"
#include "master/report.h"
#include "master/resource.h"
#include "master/session.h"

#define BATCH_MAX 32

/* --- one connection --------------------------------------------------------
 */

/* The address that the peer reached. */
static void
accept_local(const struct listener *l, int fd, struct addr *local)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	*local = l->address;
	if (l->any && getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		addr_from_sockaddr(local, (struct sockaddr *)&ss, len);
}

/* Allowed: give it a session and a zygote, or refuse it after all. */
static void
accept_serve(struct listener *l, int fd, const struct addr *peer, uint64_t now)
{
	struct master *m = l->master;
	struct service *sv = l->service;
	struct session *s = dispatch_new(m, sv, l, peer, now);
	int err = s == NULL ? errno : 0;

	if (s != NULL) {
		claim_take(m, s, true);
		s->connection = fd;
		accept_local(l, fd, &s->local);
		if (dispatch_session(m, s) != 0)
			err = errno;
	}
	if (err == 0 && s != NULL) {
		/* Forked ahead, it has its process. */
		if (s->pool_pid != 0)
			report_accepted(m, s);
		else
			report_await(m, s);
		return;
	}
	if (s != NULL) {
		s->connection = -1;
		ending_discard(m, s);
	}
	claim_undo_peer(m, sv, peer, true, now);
	resource_short(m, sv->name, err);
	refuse_peer(l, fd, peer, REASON_NO_RESOURCES);
}

static void
accept_decide(
    struct listener *l, int fd, const struct addr *peer, bool resources)
{
	uint64_t now = time_boot_ns();
	struct policy_verdict verdict;

	if (l->service == NULL) {
		refuse_peer(l, fd, peer, REASON_NOT_CONFIGURED);
		return;
	}
	verdict = claim_ask(l->master, l->service, peer, resources, true, now);
	if (!verdict.allow)
		refuse_peer(l, fd, peer, verdict.reason);
	else
		accept_serve(l, fd, peer, now);
}

void
accept_undo(struct master *m, struct session *s, int error, enum step step)
{
	struct session_end end = {
	    .how = ENDED_FAILED, .value = error, .step = step};
	struct service *sv = s->service;
	int fd = s->connection;

	resource_short(m, sv->name, error);
	s->connection = -1;
	if (fd >= 0)
		refuse_at_once(fd, refuse_text(sv->kind));
	if (s->announced) {
		ending_session(m, s, &end);
		return;
	}
	claim_undo(s);
	state_count(
	    m->state, sv->index, (enum family)s->peer.family, STATE_REFUSED);
	report_refused(m, sv->name, &s->peer, REASON_NO_RESOURCES);
	ending_discard(m, s);
}

/* --- the listener ------------------------------------------------------------
 */

/* Accepted; it is served unless descriptors are nearly out. */
static void
accept_take(struct listener *l, int fd, const struct addr *peer)
{
	bool last = resource_is_last(l->master, fd);

	if (last)
		resource_short(l->master, l->name, EMFILE);
	accept_decide(l, fd, peer, !last);
}

/* Out of descriptors: refuse one with the reserve's place. */
static void
accept_with_reserve(struct listener *l, int error)
{
	struct master *m = l->master;
	struct addr peer;
	int fd = -1;

	resource_short(m, l->name, error);
	errno = error;
	if (resource_reserve_open(m))
		fd = listener_accept(l, &peer);
	if (fd >= 0)
		accept_decide(l, fd, &peer, false);
	else if (errno != EAGAIN && errno != ECONNABORTED)
		resource_rest(m);
	resource_reserve_take(m);
}

/* What accept4() could not: whether to go on with the batch. */
static bool
accept_failed(struct listener *l, int error)
{
	switch (error) {
	case EAGAIN:
		return (false);
	case EINTR:
	case ECONNABORTED:
	/* The network's errors of the connection: accept(2). */
	case EPROTO:
	case ENOPROTOOPT:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case EOPNOTSUPP:
	case ETIMEDOUT:
		return (true);
	case EMFILE:
	case ENFILE:
		accept_with_reserve(l, error);
		return (true);
	case ENOMEM:
	case ENOBUFS:
	/* A security module's no: the connection stays where it is. */
	case EPERM:
		resource_short(l->master, l->name, error);
		resource_rest(l->master);
		return (false);
	default:
		listener_break(l, error);
		return (false);
	}
}

/*
 * How many to accept at a time follows the load: one when they come singly,
 * so that no call is spent on finding nothing.
 */
static void
accept_adapt(struct listener *l, unsigned accepted)
{
	uint64_t turn = listener_turn(l->master);
	bool again = turn == l->turn + 1;

	l->turn = turn;
	if (accepted < l->batch) {
		l->batch = accepted > 0 ? accepted : 1;
		l->full = 0;
	} else if (again && ++l->full >= 2 && l->batch < BATCH_MAX) {
		l->batch *= 2;
		l->full = 0;
	}
}

void
accept_ready(struct listener *l)
{
	unsigned accepted = 0;
	struct addr peer;

	if (l->one_at_a_time) {
		/* A program that had it may have shut it down for all. */
		if (!listener_listens(l)) {
			listener_break(l, ESHUTDOWN);
			return;
		}
		dispatch_listener(l);
		return;
	}
	for (unsigned i = 0; i < l->batch && l->state == LISTENER_POLLED; i++) {
		int fd = listener_accept(l, &peer);

		if (fd >= 0) {
			accepted++;
			accept_take(l, fd, &peer);
		} else if (!accept_failed(l, errno)) {
			break;
		}
	}
	if (accepted > 0)
		resource_recovered(l->master);
	accept_adapt(l, accepted);
}
