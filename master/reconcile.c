/*
 * The books that an earlier master left, or that a channel which broke has put
 * in doubt. Each session is vouched for by its zygote's slot table or by the
 * monitor, or it is closed: once, and with how it ended where that is known.
 * Master only, unprivileged.
 */
#include "master/reconcile.h"

#include "master/dispatch.h"
#include "master/ending.h"
#include "master/listener.h"
#include "master/pool.h"
#include "master/report.h"
#include "master/zygote_end.h"
#include "master/zygotes.h"

static void
reconcile_session(struct zygote *z, struct session *s)
{
	struct session_end end;
	bool running = session_in_table(s, z->table, &end) == SESSION_RUNNING;

	if (!running || z->state == ZYGOTE_GONE) {
		ending_session(z->master, s, &end);
		return;
	}
	session_join(z->master, s, z);
	report_accepted(z->master, s);
	if (s->holds_listener)
		listener_hold(z->master, s);
}

void
zygote_reconcile(struct zygote *z)
{
	struct master *m = z->master;
	struct session *s;

	/* Before CONFIGURED the monitor may still vouch for some. */
	if (!m->running || z->state < ZYGOTE_SETTLING)
		return;
	for (s = session_from(m, 0); s != NULL;
	     s = session_from(m, s->slot + 1)) {
		if (s->state == SESSION_INHERITED && s->instance == z->instance)
			reconcile_session(z, s);
	}
}

/*
 * The zygote has read what the master had sent by the old channel, unless that
 * was lost with it: the START of a connection, which is lost then too, or the
 * POOL_TAKEN of a worker that has its connection and serves it. That is said
 * again; a worker that has ended meanwhile is reported in any case.
 */
static void
reconcile_absent(struct zygote *z, struct session *s)
{
	struct session_end end = {.how = ENDED_UNKNOWN};

	if (s->state == SESSION_UNDELIVERED) {
		dispatch_again(z->master, s);
	} else if (s->pool_pid == 0 || pool_take_again(z, s) != 0) {
		ending_session(z->master, s, &end);
	}
}

void
zygote_reconcile_own(struct zygote *z)
{
	struct session_end end;
	struct session *s, *next;

	zygote_end_ended(z);
	for (s = TAILQ_FIRST(&z->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (session_in_table(s, z->table, &end) != SESSION_RUNNING)
			reconcile_absent(z, s);
	}
}

void
zygotes_reconcile(struct master *m)
{
	struct session_end end = {.how = ENDED_UNKNOWN};
	struct zygote *z;
	struct session *s;

	TAILQ_FOREACH (z, &m->zygotes->all, link)
		zygote_reconcile(z);
	for (s = session_from(m, 0); s != NULL;
	     s = session_from(m, s->slot + 1)) {
		if (s->state == SESSION_INHERITED &&
		    zygote_by_instance(m, s->instance) == NULL)
			ending_session(m, s, &end);
	}
}
