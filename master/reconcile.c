/*
 * The books that an earlier master left. Each of its sessions is vouched for
 * by its zygote's slot table or by the monitor, or it is closed: once, and
 * with how it ended where that is known. Master only, unprivileged.
 */
#include "master/listener.h"
#include "master/report.h"
#include "master/zygote_private.h"

static void
reconcile_session(struct zygote *z, struct session *s)
{
	struct session_end end;
	bool running = session_in_table(s, z->table, &end) != 0;

	if (!running || z->lost) {
		session_end(z->master, s, &end);
		return;
	}
	s->inherited = false;
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
	if (!m->running || (!z->attached && !z->lost))
		return;
	for (s = session_from(m, 0); s != NULL;
	     s = session_from(m, s->slot + 1)) {
		if (s->inherited && s->instance == z->instance)
			reconcile_session(z, s);
	}
}

static struct zygote *
zygote_by_instance(struct master *m, uint32_t instance)
{
	struct zygote *z;

	TAILQ_FOREACH (z, &m->zygotes->all, link) {
		if (z->instance == instance)
			return (z);
	}
	return (NULL);
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
		if (s->inherited && zygote_by_instance(m, s->instance) == NULL)
			session_end(m, s, &end);
	}
}
