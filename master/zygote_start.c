/*
 * Handing a connection to a zygote, or to a worker that it forked ahead of
 * time. Master only, unprivileged. Never waits.
 */
#include "master/zygote_start.h"

#include <sys/socket.h>

#include <errno.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "master/pool.h"
#include "master/workers.h"
#include "master/zygotes.h"

/* START; pair is the worker's channel, -1 for a program. */
static int
start_send(struct zygote *z, struct session *s, const int pair[2])
{
	struct msg_start start = {.slot = s->slot,
	    .session = s->id,
	    .peer = s->peer,
	    .local = s->local};
	int fds[3] = {s->connection, pair[1], pair[0]};

	return (ipc_send(
	    &z->channel, MSG_START, &start, fds, pair[0] >= 0 ? 3 : 1));
}

static int
start_on_order(struct zygote *z, struct session *s)
{
	int pair[2] = {-1, -1};
	int err;

	if (z->service->builtin && fd_seqpacket_pair(pair) != 0)
		return (ERR_SHORT);
	err = start_send(z, s, pair);
	if (err == 0 && pair[0] >= 0)
		workers_attach(z->master, s, pair[0], NULL);
	else
		fd_close(&pair[0]);
	fd_close(&pair[1]);
	return (err);
}

/*
 * The session was handed over: of a service with logins the connection stays
 * here until its worker asks for one, or ends; of others it is closed.
 */
static void
start_keep_connection(struct session *s)
{
	const struct service_traits *traits = service_traits(s->service->kind);

	fd_close(&s->copy);
	if (traits->by == BY_WORKER && traits->logins != 0) {
		s->copy = s->connection;
		s->connection = -1;
	}
	fd_close(&s->connection);
}

int
zygote_start_session(struct master *m, struct zygote *z, struct session *s)
{
	bool delivered = true;
	int err = ERR_NOT_FOUND;

	if (z->retired ||
	    (z->state != ZYGOTE_JOINED && z->state != ZYGOTE_ATTACHED))
		return (ERR_AGAIN);
	/* In the books first: killed in between, a new master asks there. */
	state_journal_instance(m->state, s->slot, z->instance);
	s->pool_pid = 0;
	if (z->service->builtin)
		err = pool_start_session(z, s, &delivered);
	if (err == ERR_NOT_FOUND)
		err = start_on_order(z, s);
	if (err == 0) {
		session_join(m, s, z);
		if (delivered)
			start_keep_connection(s);
		else
			session_change(s, SESSION_FAILS);
		return (0);
	}
	if (err == ERR_AGAIN)
		zygote_want_room(z, true);
	/* What it said before comes first. */
	if (err == ERR_CLOSED)
		return (ERR_AGAIN);
	/* Too many descriptors under way: they will be received presently. */
	return (err == ERR_SHORT && errno == ETOOMANYREFS ? ERR_AGAIN : err);
}
