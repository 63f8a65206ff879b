/*
 * Endings. Master only, unprivileged. A session ends here once, in whatever
 * way it does: its worker's last words are read, all that it holds is given
 * back, and its books are closed.
 */
#include "master/claim.h"
#include "master/ending.h"

#include <signal.h>

#include "lib/fd.h"
#include "master/listener.h"
#include "master/lookup.h"
#include "master/penalty.h"
#include "master/report.h"
#include "master/workers.h"

static ending_drain *ending_drains;

void
ending_init(ending_drain *drain)
{
	ending_drains = drain;
}

/* Everything but the slot's own life. */
static void
ending_let_go(struct master *m, struct session *s)
{
	session_leave(s);
	lookup_cancel(m, s);
	workers_close(m, s);
	fd_close(&s->connection);
	fd_close(&s->copy);
	session_forget(m, s);
}

void
ending_discard(struct master *m, struct session *s)
{
	report_forget(m, s);
	ending_let_go(m, s);
	session_free(m, s);
}

/* A worker that its peer made break; not one that somebody killed. */
static bool
ending_is_crash(const struct session *s, const struct session_end *end)
{
	if (!s->service->builtin || end->how != ENDED_SIGNAL)
		return (false);
	switch (end->value) {
	case SIGSEGV:
	case SIGBUS:
	case SIGABRT:
	case SIGILL:
	case SIGFPE:
	case SIGSYS:
		return (true);
	default:
		return (false);
	}
}

void
ending_session(
    struct master *m, struct session *s, const struct session_end *end)
{
	if (session_is_over(s))
		return;
	ending_drains(m, s);
	if (ending_is_crash(s, end))
		penalty_deed(m, s->id, DEED_CRASH);
	ending_let_go(m, s);
	claim_end(s);
	session_change(s, SESSION_ENDS);
	if (s->holds_listener)
		listener_release(m, s->listener);
	report_closed(m, s, end);
}
