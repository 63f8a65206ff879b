/*
 * Ends: workers waited for, their slots freed, the master told, and a zygote
 * retired when one of them died by a signal. Runs in the zygote. A worker's
 * end frees its slot whatever it died of.
 */
#include <sys/wait.h>

#include <errno.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "workers/common/engine.h"

void
engine_fork_no_more(struct engine *e)
{
	if (engine_is_retired(e))
		return;
	engine_change(e, ENGINE_RETIRED);
	e->due.retired = true;
	engine_flush(e);
}

void
engine_retire(struct engine *e, bool crashed)
{
	struct msg_retiring retiring = {.crashed = crashed};
	int err;

	if (engine_is_retired(e))
		return;
	engine_fork_no_more(e);
	err = ipc_send_wait(&e->monitor, MSG_RETIRING, &retiring, NULL, 0);
	if (err != 0)
		log_info(
		    "cannot send RETIRING to the monitor: %s", err_text(err));
}

static void
worker_ended(struct engine *e, struct roster_worker *w)
{
	bool session = w->state == ROSTER_TAKEN || w->state == ROSTER_SERVING;

	roster_unlink(&e->roster, w);
	fd_close(&w->fd);
	if (w->page != ROSTER_NO_PAGE)
		e->pool.page_used[w->page] = false;
	if (!session) {
		roster_forget(&e->roster, w);
		return;
	}
	if (slot_reserve(e->slots, w->slot) == 0)
		slot_end(e->slots, w->slot, (enum ended)w->how, w->value);
	roster_queue(&e->roster, w);
}

/* No SIGCHLD will tell of them again. */
static void
reap_failed(struct engine *e)
{
	if (!e->reap_again)
		log_errno("workers that ended cannot be waited for");
	e->reap_again = true;
}

/*
 * The next dead worker, no longer a process; NULL when there is none or it is
 * none of ours, which si_pid tells. One that seems to be without a session may
 * have had one all the same: the master's POOL_TAKEN is older than this death,
 * so that it is read before the worker's end is judged. Reading may fork, so
 * where some are idle the process id has to be its own still: it is waited for
 * in two steps.
 */
static struct roster_worker *
reap_next_dead(struct engine *e, siginfo_t *si)
{
	int idle = e->roster.idle > 0 ? WNOWAIT : 0;
	struct roster_worker *w;

	si->si_pid = 0;
	if (waitid(P_ALL, 0, si, WEXITED | WNOHANG | idle) < 0) {
		if (errno != ECHILD)
			reap_failed(e);
		return (NULL);
	}
	if (si->si_pid == 0)
		return (NULL);
	w = roster_find(&e->roster, si->si_pid);
	while (w != NULL && w->state == ROSTER_IDLE && engine_wants_in(e) &&
	       !engine_read_master(e))
		continue;
	if (idle != 0 && waitid(P_PID, (id_t)si->si_pid, si, WEXITED) < 0) {
		reap_failed(e);
		si->si_pid = 0;
		return (NULL);
	}
	return (w);
}

void
engine_reap(struct engine *e)
{
	bool crashed = false;

	e->reap_again = false;
	for (;;) {
		siginfo_t si;
		struct roster_worker *w = reap_next_dead(e, &si);

		if (si.si_pid == 0)
			break;
		if (w == NULL)
			continue;
		w->how = si.si_code == CLD_EXITED ? ENDED_EXITED : ENDED_SIGNAL;
		w->value = si.si_status & 0xff;
		if (w->how == ENDED_SIGNAL)
			crashed = true;
		worker_ended(e, w);
	}
	e->pool.failed = false;
	if (crashed)
		engine_retire(e, true);
	engine_flush(e);
}
