/*
 * Starting enders and hearing what they leave. Monitor (root). An ender that
 * dies, or is short of something, is followed by another. What it says is
 * counted and nothing is done by it but that a record in utmp is closed, of a
 * user who was logged in there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/ending.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/logins/records.h"
#include "monitor/report.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/start.h"
#include "monitor/sessions/begun.h"
#include "monitor/sessions/ending.h"

/* Its own alarm comes first, after 10 s. */
#define ENDER_NS (12ull * SECOND)
#define AGAIN_NS (1ull * SECOND)
#define ENDERS_MOST 8 /* at a time */
#define RECORDS_MOST 4096

TAILQ_HEAD(ending_list, ending);

static struct ending_list waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct ending_list working = TAILQ_HEAD_INITIALIZER(working);
static unsigned nworking;

static void ending_start(struct ending *e);

struct ending *
ending_new(struct monitor *mon)
{
	struct ending *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return (NULL);
	e->mon = mon;
	return (e);
}

void
ending_free(struct ending *e)
{
	if (e == NULL)
		return;
	loop_timer_clear(&e->again);
	begun_over(e);
	free(e->leaders);
	free(e->who);
	free(e->records);
	free(e);
}

int
ending_add(struct ending *e, const struct msg_end_leader *leader)
{
	if (e->n == e->room) {
		size_t room = e->room == 0 ? 4 : 2 * e->room;
		struct msg_end_leader *more =
		    reallocarray(e->leaders, room, sizeof(*more));

		if (more == NULL)
			return (ERR_NO_MEMORY);
		e->leaders = more;
		e->room = room;
	}
	e->leaders[e->n] = *leader;
	e->leaders[e->n].number = (uint32_t)e->n;
	e->n++;
	return (0);
}

bool
ending_any(void)
{
	return (!TAILQ_EMPTY(&waiting) || !TAILQ_EMPTY(&working));
}

/* ---- what an ender says ------------------------------------------------- */

static void
ending_ender_ready(struct monitor *mon, struct proc *p, void *arg)
{
	struct ending *e = arg;
	struct msg_end_begin begin = {.tell = e->who != NULL};

	for (size_t i = 0; i < e->n; i++) {
		if (proc_send(
			mon, p, MSG_END_LEADER, &e->leaders[i], NULL, 0) != 0)
			return; /* it is killed, or dying */
	}
	(void)proc_send(mon, p, MSG_END_BEGIN, &begin, NULL, 0);
}

/* sshd's sessions leave records, under the names of who was logged in. */
static void
ending_take_process(struct ending *e, const struct msg_end_process *m)
{
	if (e->who == NULL || m->number >= e->n ||
	    e->who[m->number].user[0] == '\0' || e->nrecords == RECORDS_MOST)
		return;
	if (e->records == NULL)
		e->records = calloc(RECORDS_MOST, sizeof(*e->records));
	if (e->records == NULL)
		return;
	e->records[e->nrecords] = e->who[m->number];
	e->records[e->nrecords++].pid = m->pid;
}

static void
ending_ender_heard(
    struct monitor *mon, struct proc *p, struct ipc_in *in, void *arg)
{
	struct ending *e = arg;

	(void)mon;
	(void)p;
	if (in->type == MSG_END_PROCESS)
		ending_take_process(e, &in->msg.end_process);
	if (in->type == MSG_END_LEFT) {
		e->left = in->msg.end_left;
		e->heard = true;
	}
}

/* ---- ends --------------------------------------------------------------- */

static int
ending_error(const struct ending *e)
{
	if (!e->heard)
		return (ERR_TIMEOUT);
	if (e->left.error != 0)
		return (-(int)e->left.error);
	if (e->left.left > 0)
		return (ERR_TIMEOUT);
	return (e->left.found > 0 ? 0 : ERR_NOT_FOUND);
}

static void
ending_answer(struct ending *e, int err)
{
	if (e->answered)
		return;
	e->answered = true;
	if (e->instance != 0)
		proc_to_master(e->mon, MSG_ZYGOTE_GONE,
		    &(struct msg_zygote_gone){.instance = e->instance});
	if (e->done != NULL)
		e->done(e->mon, e->session, e->cookie, err);
}

/* Also those that were told before an ender was broken off. */
static void
ending_close_records(struct ending *e)
{
	if (e->nrecords > e->recorded)
		records_close_all(e->mon, e->records + e->recorded,
		    e->nrecords - e->recorded);
	e->recorded = e->nrecords;
}

static void
ending_again_due(void *arg)
{
	ending_start(arg);
}

static void
ending_again(struct ending *e)
{
	report_short(e->mon, ROLE_ENDER, 0,
	    "a session cannot be ended now, and is tried again");
	loop_timer_in(&e->again, AGAIN_NS, ending_again_due, e);
}

static void
ending_over(struct ending *e)
{
	struct ending *next = TAILQ_FIRST(&waiting);

	TAILQ_REMOVE(&working, e, next);
	nworking--;
	ending_free(e);
	if (next == NULL)
		return;
	TAILQ_REMOVE(&waiting, next, next);
	TAILQ_INSERT_TAIL(&working, next, next);
	nworking++;
	ending_start(next);
}

/* A killed process that a disk holds up ends when it has what it waits for. */
static void
ending_ender_over(struct monitor *mon, int status, void *arg)
{
	struct ending *e = arg;
	int err = ending_error(e);

	(void)mon;
	(void)status;
	e->ender = NULL;
	ending_close_records(e);
	ending_answer(e, err);
	if (!e->heard || e->left.error != 0)
		ending_again(e);
	else
		ending_over(e);
}

/* ---- starts ------------------------------------------------------------- */

static void
ending_start(struct ending *e)
{
	static const struct proc_job job = {.time = ENDER_NS,
	    .outlives = true,
	    .ready = ending_ender_ready,
	    .hear = ending_ender_heard,
	    .over = ending_ender_over};

	e->heard = false;
	e->ender = start_job(e->mon, ROLE_ENDER, &job, e);
	if (e->ender != NULL)
		return;
	ending_answer(e, ERR_SHORT);
	ending_again(e);
}

void
ending_begin(struct ending *e)
{
	begun_note(e);
	if (nworking == ENDERS_MOST) {
		TAILQ_INSERT_TAIL(&waiting, e, next);
		return;
	}
	TAILQ_INSERT_TAIL(&working, e, next);
	nworking++;
	ending_start(e);
}
