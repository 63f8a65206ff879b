/*
 * What the monitor says. Master only, unprivileged. When the monitor is gone
 * so is the master, and leaves the books as they are for the next one.
 */
#include "master/claim.h"
#include "master/hear.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/ask.h"
#include "master/control.h"
#include "master/ending.h"
#include "master/listener.h"
#include "master/login.h"
#include "master/lookup.h"
#include "master/penalty.h"
#include "master/reconcile.h"
#include "master/report.h"
#include "master/resource.h"
#include "master/session.h"
#include "master/zygote.h"
#include "role/role.h"

/* Out of memory: so long the channel is not read. */
#define REST_MS 50

static void hear_ready(uv_poll_t *poll, int status, int events);

/* Take the one descriptor of a message over. */
static int
hear_take(struct ipc_in *in, size_t which)
{
	int fd = in->fds[which];

	in->fds[which] = -1;
	return (fd);
}

/* Told to stop: the books are closed, but of sessions that go on. */
static void
hear_stop(struct master *m, bool keep_sessions)
{
	struct session_end end;
	struct session *s;

	m->running = false;
	listener_update_all(m);
	zygotes_drain(m);
	for (s = session_from(m, 0); s != NULL && !keep_sessions;
	     s = session_from(m, s->slot + 1)) {
		end = (struct session_end){.how = ENDED_UNKNOWN};
		if (s->zygote != NULL &&
		    session_in_table(s, zygote_table(s->zygote), &end) ==
			SESSION_RUNNING)
			end = (struct session_end){
			    .how = ENDED_SIGNAL, .value = SIGTERM};
		s->clearing = true;
		ending_session(m, s, &end);
	}
	report_finish(m);
	exit(0);
}

static void
hear_state(struct master *m, struct ipc_in *in)
{
	int err;

	if (m->state != NULL)
		die("the monitor sent the state twice");
	err = state_open(&m->state, in->fds[0]);
	if (err != 0)
		die("the memory that outlives the master cannot be used: %s",
		    err_text(err));
	penalties_attach(m);
	sessions_inherit(m);
}

/* The books know nothing of it: those of another version are read by none. */
static struct session *
hear_adopt(struct master *m, const struct msg_session_adopted *msg)
{
	int service = state_service_find(m->state, msg->service);
	uint64_t now = time_boot_ns();
	struct journal j = {.session = msg->session,
	    .accepted = msg->started,
	    .peer = msg->peer,
	    .service = (uint16_t)service,
	    .announced = true};

	if (service < 0 || msg->started > now)
		return (NULL);
	j.since = time_wall_ns() - (now - msg->started);
	return (session_adopt(m, msg->slot, &j));
}

static void
hear_adopted(struct master *m, const struct msg_session_adopted *msg)
{
	struct session *s = session_by_slot(m, msg->slot);

	state_see_session(m->state, msg->session);
	if (s == NULL)
		s = hear_adopt(m, msg);
	if (s == NULL || s->id != msg->session)
		return; /* of a service that is no more, or a lie */
	if (s->state != SESSION_INHERITED && s->state != SESSION_ADOPTED)
		return; /* its zygote has it: a lie */
	session_change(s, SESSION_ADOPTS);
	s->pid = msg->pid;
	report_accepted(m, s);
}

static void
hear_gone(struct master *m, const struct msg_session_gone *msg)
{
	struct session_end end = {.how = ENDED_UNKNOWN};
	struct session *s = session_by_slot(m, msg->slot);

	if (s != NULL && s->id == msg->session && s->state == SESSION_ADOPTED)
		ending_session(m, s, &end);
}

static void
hear_user(struct master *m, const struct msg_session_user *msg)
{
	struct session *s = session_by_id(m, msg->session);

	if (s == NULL || session_is_over(s))
		return;
	state_login_set(m->state, s->slot, msg->user, msg->tty);
	if (s->claim.pending && msg->by_pam)
		penalty_forgive(m, s);
	claim_login(s);
}

static void
hear_exit(struct master *m, const struct msg_session_exit *msg)
{
	struct session *s = session_by_id(m, msg->session);

	if (s == NULL || session_is_over(s))
		return;
	s->exit_how = msg->how;
	s->exit_value = msg->value;
}

static void
hear_rested(uv_timer_t *timer)
{
	struct master *m = timer->data;

	uv_poll_start(&m->monitor_poll,
	    UV_READABLE | (m->owes_accepting ? UV_WRITABLE : 0), hear_ready);
}

/* Out of memory: so it is for a while, and a poll would tell at once. */
static void
hear_rest(struct master *m)
{
	resource_short(m, NULL, errno);
	uv_poll_stop(&m->monitor_poll);
	uv_timer_start(&m->monitor_timer, hear_rested, REST_MS, 0);
}

static void
hear_tell_accepting(struct master *m)
{
	struct msg_accepting accepting = {.generation = m->generation};
	int err = ipc_send(&m->monitor, MSG_ACCEPTING, &accepting, NULL, 0);

	m->owes_accepting = err != 0;
	if (err == ERR_SHORT) {
		hear_rest(m);
		return;
	}
	if (err != 0 && err != ERR_AGAIN && err != ERR_CLOSED)
		die("the monitor's channel: %s", err_text(err));
	uv_poll_start(&m->monitor_poll,
	    UV_READABLE | (m->owes_accepting ? UV_WRITABLE : 0), hear_ready);
}

static void
hear_configured(struct master *m, const struct msg_configured *msg)
{
	m->running = true;
	m->generation = msg->generation;
	zygotes_reconcile(m);
	listener_update_all(m);
	report_flush(m);
	hear_tell_accepting(m);
}

static int
hear_protection(struct master *m, const struct msg_protection *msg)
{
	bool changed = false;
	int err = service_protect(m, msg, &changed);

	if (changed)
		claim_recount(m);
	return (err);
}

/* Messages that need the state. */
static int
hear_configure(struct master *m, struct ipc_in *in)
{
	switch (in->type) {
	case MSG_SERVICE:
		return (service_configure(m, &in->msg.service));
	case MSG_PROTECTION:
		return (hear_protection(m, &in->msg.protection));
	case MSG_DEED:
		penalty_deed(
		    m, in->msg.deed.session, (enum deed)in->msg.deed.deed);
		return (0);
	case MSG_SERVICE_GONE:
		service_retire(m, in->msg.service_gone.number);
		return (0);
	case MSG_SERVICE_STATE:
		return (service_stands(m, &in->msg.service_state));
	case MSG_LISTENER:
		return (listener_add(m, &in->msg.listener, hear_take(in, 0)));
	case MSG_LISTENER_GONE:
		listener_remove(m, in->msg.listener_gone.id);
		return (0);
	case MSG_ZYGOTE:
		return (zygote_add(
		    m, &in->msg.zygote, hear_take(in, 0), hear_take(in, 1)));
	case MSG_ZYGOTE_GONE:
		zygote_gone(m, in->msg.zygote_gone.instance);
		return (0);
	case MSG_ZYGOTE_SILENT:
		zygote_silent(m, in->msg.zygote_silent.instance);
		return (0);
	case MSG_SESSION_ADOPTED:
		hear_adopted(m, &in->msg.session_adopted);
		return (0);
	case MSG_SESSION_GONE:
		hear_gone(m, &in->msg.session_gone);
		return (0);
	case MSG_SESSION_USER:
		hear_user(m, &in->msg.session_user);
		return (0);
	case MSG_SESSION_EXIT:
		hear_exit(m, &in->msg.session_exit);
		return (0);
	case MSG_LOGIN_CHANNEL:
		login_channel(m, &in->msg.login_channel, hear_take(in, 0));
		return (0);
	case MSG_LOGIN_REFUSED:
		login_refused(m, &in->msg.login_refused);
		return (0);
	case MSG_CONFIGURED:
		hear_configured(m, &in->msg.configured);
		return (0);
	default:
		return (ERR_TYPE);
	}
}

static int
hear_message(struct master *m, struct ipc_in *in)
{
	switch (in->type) {
	case MSG_STOP:
		hear_stop(m, in->msg.stop.keep_sessions != 0);
		return (0);
	case MSG_PING:
		role_pong(&m->monitor, &in->msg.ping);
		return (0);
	case MSG_AUDIT_CHANNEL:
		report_attach(m, hear_take(in, 0));
		return (0);
	case MSG_STATE:
		hear_state(m, in);
		return (0);
	case MSG_CONTROL:
		control_attach(m, &in->msg.control, hear_take(in, 0));
		return (0);
	case MSG_LOOKUP:
		lookup_attach(m, hear_take(in, 0));
		return (0);
	case MSG_ANSWER_TEXT:
		control_answer_text(m, &in->msg.answer_text);
		return (0);
	case MSG_ANSWER_DONE:
		control_answer_done(m, &in->msg.answer_done);
		return (0);
	default:
		if (m->state == NULL)
			die("the monitor sent %s before STATE",
			    msg_name(in->type));
		return (hear_configure(m, in));
	}
}

/*
 * Its descriptors found no room here. What can be asked for again is; without
 * the others there is no master, and the next one may have room.
 */
static void
hear_cut(struct master *m, const struct ipc_in *in)
{
	struct msg_login_refused refused = {
	    .text = "No login can be made now, try again later.\n"};

	switch (in->type) {
	case MSG_ZYGOTE:
		(void)ask_zygote(m, in->msg.zygote.instance, false);
		break;
	case MSG_LOOKUP:
		(void)ask_lookup(m, false);
		break;
	case MSG_LOGIN_CHANNEL:
		refused.session = in->msg.login_channel.session;
		login_refused(m, &refused);
		break;
	default:
		die("no descriptor is left for the monitor's %s",
		    msg_name(in->type));
	}
	resource_short(m, NULL, EMFILE);
}

void
hear_monitor(struct master *m)
{
	struct ipc_in in;
	int err;

	for (;;) {
		err = ipc_recv_now(&m->monitor, &in);
		if (err == ERR_AGAIN)
			return;
		if (err == ERR_SHORT && in.type == MSG_COUNT) {
			hear_rest(m);
			return;
		}
		if (err == ERR_SHORT) {
			hear_cut(m, &in);
			continue;
		}
		if (err == ERR_CLOSED)
			exit(0); /* the next daemon finds the books */
		if (err != 0)
			die("the monitor's channel: %s", err_text(err));
		err = hear_message(m, &in);
		if (err != 0)
			die("cannot carry out the monitor's %s: %s",
			    msg_name(in.type), err_text(err));
		ipc_in_close(&in);
	}
}

static void
hear_ready(uv_poll_t *poll, int status, int events)
{
	struct master *m = poll->data;

	if (status == 0 && (events & UV_WRITABLE) != 0 && m->owes_accepting)
		hear_tell_accepting(m);
	hear_monitor(m);
}

int
hear_init(struct master *m)
{
	m->monitor_poll.data = m->monitor_timer.data = m;
	uv_timer_init(&m->loop, &m->monitor_timer);
	return (uv_poll_start(&m->monitor_poll, UV_READABLE, hear_ready) == 0
		    ? 0
		    : ERR_SYSTEM);
}
