/*
 * The master's events. Master only, unprivileged; nothing of a peer but its
 * address is in them. Never waits for audit.
 */
#include "master/report.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/zygotes.h"
#include "sandbox/sandbox.h"

/*
 * At so many events the books are settled within a turn of the loop: before
 * the sink sends by itself.
 */
#define REPORT_BATCH 48

/*
 * Events of built-in services and refusals may wait so long for company: under
 * load that spares most of the system calls, and audit most of its turns.
 * What logreader reports of a program could be faster than that, so programs'
 * events leave with the turn.
 */
#define REPORT_WAIT_MS 2

/* Sessions whose books wait for events that do not get out. */
#define REPORT_UNSETTLED_MAX 4096

/* Events kept while audit is slow or is being replaced. */
#define REPORT_QUEUE 4096

/* So long a connection may wait for its process before it is reported. */
#define REPORT_AWAIT_MS 100
#define REPORT_LOOK_MS 1

TAILQ_HEAD(report_list, session);
TAILQ_HEAD(await_list, session);

struct report {
	struct event_sink *sink;
	struct report_list settle; /* their events are in the sink, in order */
	struct await_list awaiting;
	uv_timer_t look; /* at those who await */
	unsigned unsettled;
	bool urgent; /* an event leaves with this turn */
	bool stuck;  /* audit did not take all the last time */
	uv_prepare_t prepare;
	uv_timer_t retry; /* for company, or while audit takes no more */
	bool retrying;
};

/* At the end, for audit to take what there is. */
#define REPORT_FINISH_MS 1000

/* Try again: a few milliseconds are nothing to a log. */
#define REPORT_RETRY_MS 10

static void
report_retry(uv_timer_t *timer)
{
	struct master *m = timer->data;

	m->report->retrying = false;
	report_flush(m);
}

/* Its books are kept no longer than this. */
static void
report_done(struct master *m, struct session *s)
{
	struct report *r = m->report;

	TAILQ_REMOVE(&r->settle, s, report.settle_link);
	r->unsettled--;
	s->report.settling = false;
	/* Over, but its closed event is still to be made: not yet. */
	if (s->state == SESSION_TOLD)
		session_free(m, s);
	else
		state_journal_announced(m->state, s->slot);
}

/* The journal as it is to be once the first `sent` events have left. */
static void
report_book(struct master *m, uint64_t sent)
{
	struct session *s;

	TAILQ_FOREACH (s, &m->report->settle, report.settle_link) {
		if (s->report.last > sent)
			return;
		if (s->state == SESSION_TOLD)
			state_journal_clear(m->state, s->slot);
		else
			state_journal_announced(m->state, s->slot);
	}
}

/*
 * As it is now that they have: sessions whose last event is out are done with,
 * and for the others the journal says again what the next master is to tell.
 */
static void
report_settle(struct master *m, uint64_t sent)
{
	struct report *r = m->report;
	struct session *s;

	while ((s = TAILQ_FIRST(&r->settle)) != NULL &&
	       (s->report.last <= sent || r->unsettled >= REPORT_UNSETTLED_MAX))
		report_done(m, s);
	TAILQ_FOREACH (s, &r->settle, report.settle_link)
		state_journal_restore(
		    m->state, s->slot, s->id, s->report.accepted <= sent);
}

bool
report_give_up(struct master *m)
{
	struct session *s;

	TAILQ_FOREACH (s, &m->report->settle, report.settle_link) {
		if (s->state == SESSION_TOLD) {
			report_done(m, s);
			return (true);
		}
	}
	return (false);
}

static bool
report_has_room(const struct report *r)
{
	struct pollfd p = {.fd = event_sink_fd(r->sink), .events = POLLOUT};

	return (!r->stuck || (p.fd >= 0 && poll(&p, 1, 0) == 1));
}

void
report_flush(struct master *m)
{
	struct report *r = m->report;

	if (event_sink_queued(r->sink) > 0 && report_has_room(r)) {
		/*
		 * The books first: between these stores and the system call
		 * there are a few instructions, while behind it whoever is
		 * woken by the events may run at once, and a master killed
		 * then would tell them again.
		 */
		report_book(m,
		    event_sink_sent(r->sink) +
			(r->stuck ? REPORT_BATCH : event_sink_queued(r->sink)));
		event_sink_flush(r->sink);
	}
	r->urgent = false;
	r->stuck = event_sink_queued(r->sink) > 0;
	report_settle(m, event_sink_sent(r->sink));
	if (!r->retrying && event_sink_wants_write(r->sink)) {
		uv_timer_start(&r->retry, report_retry, REPORT_RETRY_MS, 0);
		r->retrying = true;
	}
}

void
report_finish(struct master *m)
{
	report_flush(m);
	event_sink_finish(m->report->sink, REPORT_FINISH_MS);
	report_settle(m, event_sink_sent(m->report->sink));
}

static bool
report_is_due(const struct master *m, const struct session *s)
{
	struct session_end end;

	if (uv_now(&m->loop) - s->report.await_since >= REPORT_AWAIT_MS)
		return (true);
	return (s->zygote != NULL &&
		session_in_table(s, zygote_table(s->zygote), &end) ==
		    SESSION_RUNNING &&
		end.pid > 0);
}

/* The loop's turn that follows does it. */
static void
report_look(uv_timer_t *timer)
{
	(void)timer;
}

static void
report_awaited(struct master *m)
{
	struct report *r = m->report;
	struct session *s, *next;

	for (s = TAILQ_FIRST(&r->awaiting); s != NULL; s = next) {
		next = TAILQ_NEXT(s, report.await_link);
		if (report_is_due(m, s))
			report_accepted(m, s);
	}
	if (!TAILQ_EMPTY(&r->awaiting) &&
	    !uv_is_active((uv_handle_t *)&r->look))
		uv_timer_start(&r->look, report_look, REPORT_LOOK_MS, 0);
}

/* Just before the loop waits. */
static void
report_prepare(uv_prepare_t *prepare)
{
	struct master *m = prepare->data;
	struct report *r = m->report;

	report_awaited(m);
	if (r->urgent)
		report_flush(m);
	else if (!r->retrying && event_sink_queued(r->sink) > 0) {
		uv_timer_start(&r->retry, report_retry, REPORT_WAIT_MS, 0);
		r->retrying = true;
	}
}

int
report_init(struct master *m)
{
	struct report *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return (ERR_NO_MEMORY);
	r->sink = event_sink_new(ROLE_MASTER, REPORT_QUEUE);
	if (r->sink == NULL) {
		free(r);
		return (ERR_NO_MEMORY);
	}
	event_sink_hold(r->sink, 1);
	TAILQ_INIT(&r->settle);
	TAILQ_INIT(&r->awaiting);
	uv_timer_init(&m->loop, &r->look);
	m->report = r;
	r->prepare.data = m;
	r->retry.data = m;
	uv_prepare_init(&m->loop, &r->prepare);
	uv_timer_init(&m->loop, &r->retry);
	uv_prepare_start(&r->prepare, report_prepare);
	return (0);
}

void
report_attach(struct master *m, int fd)
{
	event_sink_attach(m->report->sink, fd);
}

/* event_sink_sent() when all that was emitted so far is out. */
static uint64_t
report_last(const struct report *r)
{
	return (event_sink_sent(r->sink) + event_sink_queued(r->sink));
}

/*
 * May send, and free sessions whose closed event has been made, this one too:
 * so it comes after the last event of what is being reported.
 */
static void
report_later(struct master *m, struct session *s)
{
	struct report *r = m->report;

	if (!s->service->builtin && !r->stuck)
		r->urgent = true;
	s->report.last = report_last(r);
	if (s->report.settling)
		TAILQ_REMOVE(&r->settle, s, report.settle_link);
	else
		r->unsettled++;
	s->report.settling = true;
	TAILQ_INSERT_TAIL(&r->settle, s, report.settle_link);
	if (event_sink_queued(r->sink) >= REPORT_BATCH && !r->stuck)
		report_flush(m);
}

static void
report_session(struct event_builder *b, const struct session *s)
{
	event_text(b, FIELD_SERVICE, s->service->name);
	event_source(b, &s->peer);
	event_number(b, FIELD_SESSION, s->id);
}

void
report_forget(struct master *m, struct session *s)
{
	if (!s->report.awaits)
		return;
	s->report.awaits = false;
	TAILQ_REMOVE(&m->report->awaiting, s, report.await_link);
}

void
report_await(struct master *m, struct session *s)
{
	if (s->announced || s->report.awaits)
		return;
	s->report.awaits = true;
	s->report.await_since = uv_now(&m->loop);
	TAILQ_INSERT_TAIL(&m->report->awaiting, s, report.await_link);
}

/* Whether it was still to be reported. */
static bool
report_make_accepted(struct master *m, struct session *s)
{
	struct event_builder b;

	if (s->announced)
		return (false);
	report_forget(m, s);
	state_count(m->state, s->service->index, (enum family)s->peer.family,
	    STATE_ACCEPTED);
	event_begin(&b, EV_CONNECTION_ACCEPTED);
	report_session(&b, s);
	event_emit(m->report->sink, &b);
	s->announced = true;
	s->report.accepted = report_last(m->report);
	return (true);
}

void
report_accepted(struct master *m, struct session *s)
{
	if (report_make_accepted(m, s))
		report_later(m, s);
}

/* "SIGKILL", or "signal-N" for one without a name. */
static const char *
signal_text(int sig, char buf[32])
{
	const char *name = sigabbrev_np(sig);

	if (name != NULL)
		snprintf(buf, 32, "SIG%s", name);
	else
		snprintf(buf, 32, "signal-%d", sig);
	return (buf);
}

static const char *
errno_text(int error, char buf[32])
{
	const char *name = strerrorname_np(error);

	if (name != NULL)
		snprintf(buf, 32, "%s", name);
	else
		snprintf(buf, 32, "errno-%d", error);
	return (buf);
}

static const char *const why_texts[] = {
    [WORKER_WHY_IDLE] = "idle-timeout",
    [WORKER_WHY_INPUT] = "input-ended",
    [WORKER_WHY_SHORT] = "no-resources",
};

static void
report_failed(
    struct master *m, struct session *s, const struct session_end *end)
{
	char name[SANDBOX_SYSCALL_NAME_MAX], text[32];
	struct event_builder b;

	event_begin(&b, EV_WORKER_FAILED);
	report_session(&b, s);
	if (end->pid > 0)
		event_number(&b, FIELD_PID, (uint64_t)end->pid);
	if (end->how == ENDED_FAILED) {
		event_text(&b, FIELD_ERRNO, errno_text(end->value, text));
		if (step_text(end->step)[0] != '\0')
			event_text(&b, FIELD_STEP, step_text(end->step));
	} else {
		event_text(&b, FIELD_SIGNAL, signal_text(end->value, text));
		if (end->value == SIGSYS) {
			if (s->violation >= 0)
				event_text(&b, FIELD_SYSCALL,
				    sandbox_syscall_name(
					s->violation, name, sizeof(name)));
			event_text(&b, FIELD_REASON, "sandbox");
		} else if (end->value == SIGABRT || end->value == SIGILL) {
			event_text(&b, FIELD_REASON, "aborted");
		}
	}
	event_emit(m->report->sink, &b);
}

/*
 * Of a login by a built-in service it is the user's own process that counts,
 * as its login process has waited for it; a worker that was let end well says
 * nothing of that.
 */
static void
report_exit(struct event_builder *b, const struct session *s,
    const struct session_end *end, bool user)
{
	int how = end->how;
	int32_t value = end->value;
	char text[32];

	if (user && s->service->builtin &&
	    (how == ENDED_EXITED || how == ENDED_UNKNOWN)) {
		how = s->exit_how;
		value = s->exit_value;
	}
	if (how == ENDED_EXITED && !s->service->status_means_nothing) {
		snprintf(text, sizeof(text), "%d", value);
		event_text(b, FIELD_EXIT, text);
	} else if (how == ENDED_SIGNAL) {
		event_text(b, FIELD_EXIT, signal_text(value, text));
	}
}

/* Once a service: a program that forks and returns ends so each time. */
static void
report_killed(struct master *m, struct service *sv, uint32_t killed)
{
	struct event_builder b;
	char reason[160];

	if (sv->told_killed)
		return;
	sv->told_killed = true;
	snprintf(reason, sizeof(reason),
	    "its program ended, and %u process%s that it left %s killed; set "
	    "`detach` to let them go on",
	    killed, killed == 1 ? "" : "es", killed == 1 ? "was" : "were");
	event_begin(&b, EV_WARNING);
	event_text(&b, FIELD_SERVICE, sv->name);
	event_text(&b, FIELD_REASON, reason);
	event_emit(m->report->sink, &b);
}

void
report_closed(
    struct master *m, struct session *s, const struct session_end *end)
{
	uint64_t now = time_boot_ns();
	const char *user = state_login_user(m->state, s->slot);
	struct event_builder b;

	(void)report_make_accepted(m, s);
	if (end->how == ENDED_FAILED ||
	    (end->how == ENDED_SIGNAL && !s->clearing && !end->timed_out))
		report_failed(m, s, end);
	event_begin(&b, EV_SESSION_CLOSED);
	report_session(&b, s);
	if (user[0] != '\0')
		event_text(&b, FIELD_USER, user);
	event_number(&b, FIELD_DURATION_MS,
	    now > s->accepted ? (now - s->accepted) / 1000000 : 0);
	/* What was moved up to some moment is not what was moved. */
	if (s->finished) {
		event_number(&b, FIELD_BYTES_IN, s->bytes_in);
		event_number(&b, FIELD_BYTES_OUT, s->bytes_out);
	}
	if (end->killed > 0)
		event_number(&b, FIELD_KILLED, end->killed);
	report_exit(&b, s, end, user[0] != '\0');
	if (s->why != WORKER_WHY_NONE)
		event_text(&b, FIELD_REASON, why_texts[s->why]);
	else if (end->timed_out)
		event_text(&b, FIELD_REASON, "session-timeout");
	event_emit(m->report->sink, &b);
	if (end->killed > 0 && !end->timed_out)
		report_killed(m, s->service, end->killed);
	session_change(s, SESSION_TELLS);
	report_later(m, s);
}

void
report_refused(struct master *m, const char *service, const struct addr *peer,
    enum policy_reason reason)
{
	struct event_builder b;

	event_begin(&b, EV_CONNECTION_REFUSED);
	event_text(&b, FIELD_SERVICE, service);
	event_source(&b, peer);
	event_number(&b, FIELD_SESSION, state_new_session(m->state));
	event_text(&b, FIELD_REASON, policy_reason_text(reason));
	event_emit(m->report->sink, &b);
}

void
report_breach(struct master *m, struct session *s)
{
	struct event_builder b;

	event_begin(&b, EV_WORKER_FAILED);
	report_session(&b, s);
	event_text(&b, FIELD_REASON, "message");
	event_emit(m->report->sink, &b);
}

void
report_short(struct master *m, enum role role, const char *service, int error,
    uint64_t count)
{
	struct event_builder b;
	char text[32];

	event_begin(&b, EV_RESOURCES_SHORT);
	if (service != NULL)
		event_text(&b, FIELD_SERVICE, service);
	event_text(&b, FIELD_ROLE, role_name(role));
	event_text(&b, FIELD_ERRNO, errno_text(error, text));
	event_number(&b, FIELD_COUNT, count);
	event_text(&b, FIELD_REASON, strerrordesc_np(error));
	event_emit(m->report->sink, &b);
}
