/*
 * A client's questions and answers. Master only, unprivileged. The client has
 * been authorised; its messages are checked all the same, and one that breaks
 * the catalogue is closed.
 */
#include "master/client.h"

#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/protocol.h"
#include "lib/err.h"
#include "lib/log.h"
#include "master/ask.h"
#include "master/explain.h"
#include "master/penalty.h"
#include "master/rows.h"
#include "master/session.h"

static void client_ready(uv_poll_t *poll, int status, int events);

static const uint8_t client_next[CLIENT_STATES][CLIENT_EVENTS] = {
    [CLIENT_NONE] = {[CLIENT_COMES] = CLIENT_OPEN},
    [CLIENT_OPEN] = {[CLIENT_ASKS] = CLIENT_OPEN,
	[CLIENT_WAITS] = CLIENT_HELD,
	[CLIENT_FINISHES] = CLIENT_ANSWERED,
	[CLIENT_CLOSES] = CLIENT_CLOSED},
    [CLIENT_HELD] =
	{[CLIENT_FINISHES] = CLIENT_ANSWERED, [CLIENT_CLOSES] = CLIENT_CLOSED},
    [CLIENT_ANSWERED] = {[CLIENT_ASKS] = CLIENT_OPEN,
	[CLIENT_FINISHES] = CLIENT_ANSWERED,
	[CLIENT_IS_TOLD] = CLIENT_OPEN,
	[CLIENT_CLOSES] = CLIENT_CLOSED},
    [CLIENT_CLOSED] = {[CLIENT_FINISHES] = CLIENT_CLOSED},
};

/* The one way from a state to the next; where there is none, it is a bug. */
static void
client_change(struct client *c, enum client_event event)
{
	static const char *const names[CLIENT_STATES] = {
	    "none", "open", "held", "answered", "closed"};
	enum client_state old = c->state, next = client_next[old][event];

	if (next == CLIENT_NONE)
		bug("client %u: event %d in state %s", c->request, (int)event,
		    names[old]);
	if (next != old)
		log_info(
		    "client %u: %s -> %s", c->request, names[old], names[next]);
	c->state = next;
}

static void
client_freed(uv_handle_t *handle)
{
	struct client *c = handle->data;
	struct client_text *t;

	while ((t = STAILQ_FIRST(&c->texts)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->texts, link);
		free(t);
	}
	free(c);
}

void
client_close(struct client *c)
{
	if (c->state == CLIENT_CLOSED)
		return;
	client_change(c, CLIENT_CLOSES);
	TAILQ_REMOVE(c->list, c, link);
	uv_close((uv_handle_t *)&c->poll, client_freed);
	/* The monitor may hold a copy of the connection. */
	shutdown(c->channel.fd, SHUT_WR);
	ipc_channel_close(&c->channel);
}

struct client *
client_new(struct master *m, int fd, struct client_list *list, bool unseen)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL || uv_poll_init(&m->loop, &c->poll, fd) != 0) {
		free(c);
		close(fd);
		return (NULL);
	}
	c->master = m;
	c->list = list;
	c->unseen = unseen;
	client_change(c, CLIENT_COMES);
	c->poll.data = c;
	c->asked = MSG_COUNT;
	STAILQ_INIT(&c->texts);
	ipc_channel_init(&c->channel, fd, ROLE_MASTER, ROLE_CLIENT, ST_NEW);
	uv_poll_start(&c->poll, UV_READABLE, client_ready);
	TAILQ_INSERT_TAIL(list, c, link);
	return (c);
}

/* Texts of the monitor's that found no room before. */
static int
client_send_texts(struct client *c)
{
	struct client_text *t;
	int err;

	while ((t = STAILQ_FIRST(&c->texts)) != NULL) {
		err = ipc_send(&c->channel, MSG_TEXT, &t->msg, NULL, 0);
		if (err != 0)
			return (err);
		STAILQ_REMOVE_HEAD(&c->texts, link);
		c->ntexts--;
		free(t);
	}
	return (0);
}

static int
client_send_all(struct client *c)
{
	int err = client_send_texts(c);

	if (c->unseen)
		; /* refused: no rows */
	else if (err == 0 && c->asked == MSG_SHOW_SERVICES)
		err = rows_send_services(c);
	else if (err == 0 && c->asked == MSG_SHOW_SESSIONS)
		err = rows_send_sessions(c);
	else if (err == 0 && c->asked == MSG_SHOW_PENALTIES)
		err = rows_send_penalties(c);
	else if (err == 0 && c->asked == MSG_EXPLAIN)
		err = explain_send(c);
	if (err != 0 || c->state != CLIENT_ANSWERED)
		return (err);
	err = ipc_send(&c->channel, MSG_DONE, &c->done, NULL, 0);
	if (err == 0) {
		c->asked = MSG_COUNT;
		client_change(c, CLIENT_IS_TOLD);
	}
	return (err);
}

void
client_send(struct client *c)
{
	int err;

	if (c->state == CLIENT_CLOSED)
		return;
	err = client_send_all(c);
	if (err != 0 && err != ERR_AGAIN) {
		client_close(c);
		return;
	}
	uv_poll_start(&c->poll,
	    (c->state == CLIENT_HELD ? UV_DISCONNECT : UV_READABLE) |
		(err == ERR_AGAIN ? UV_WRITABLE : 0),
	    client_ready);
}

void
client_finish(struct client *c, int status, const char *reason)
{
	client_change(c, CLIENT_FINISHES); /* the monitor has taken it */
	c->done.status = status != 0;
	snprintf(c->done.reason, sizeof(c->done.reason), "%s", reason);
	client_send(c);
}

/* The monitor will not hear of it: take the message here, and say why. */
static void
client_take(struct client *c, const char *reason)
{
	struct ipc_in in;

	if (ipc_recv_now(&c->channel, &in) != 0) {
		client_close(c);
		return;
	}
	ipc_in_close(&in);
	client_finish(c, 1, reason);
}

/*
 * What only the monitor can grant. The message stays where it is: the monitor
 * takes it from the client's own connection, and believes only that.
 */
static void
client_pass_on(struct client *c, const struct ipc_in *in)
{
	struct master *m = c->master;
	struct session *s;
	int err;

	client_change(c, CLIENT_WAITS);
	uv_poll_start(&c->poll, UV_DISCONNECT, client_ready);
	switch (in->type) {
	case MSG_RELOAD:
		err = ask_reload(m, c->request, c->channel.fd);
		break;
	case MSG_SHOW_CONFIGURATION:
		err = ask_configuration(m, c->request, c->channel.fd,
		    in->msg.show_configuration.set);
		break;
	default:
		c->session = in->msg.clear_session.session;
		s = session_by_id(m, c->session);
		if (s == NULL || session_is_over(s)) {
			client_take(c, "there is no such session; "
				       "`portreeve show sessions` lists them");
			return;
		}
		s->clearing = true;
		err = ask_clear(m, c->request, c->channel.fd, c->session);
		break;
	}
	if (err == 0)
		ipc_channel_pass(&c->channel, in->type);
	else
		client_take(c, "the daemon is busy; try again");
}

/* The rows are ours to give; whether to, the monitor says. */
static void
client_ask_who(struct client *c)
{
	struct master *m = c->master;

	client_change(c, CLIENT_WAITS);
	uv_poll_start(&c->poll, UV_DISCONNECT, client_ready);
	if (ask_client(m, c->request, c->channel.fd) != 0)
		client_finish(c, 1, "the daemon is busy; try again");
}

/* What the master answers itself. */
static void
client_ours(struct client *c)
{
	if (c->unseen)
		client_ask_who(c);
	else
		client_finish(c, 0, "");
}

static void
client_explain(struct client *c)
{
	if (explain_knows(c->master, &c->explain))
		client_ours(c);
	else
		client_finish(c, 1,
		    "there is no such service; `portreeve show services` "
		    "lists them");
}

static void
client_clear(struct client *c, const struct msg_clear_penalty *msg)
{
	if (c->unseen)
		client_finish(c, 1,
		    "from another user namespace no penalty can be cleared");
	else if (penalty_clear(c->master, msg))
		client_finish(c, 0, "");
	else
		client_finish(c, 1,
		    "that source has no penalty; `portreeve show penalties` "
		    "lists them");
}

/* What the master takes out of the connection; the rest is for the monitor. */
static bool
client_is_ours(enum msg_type type)
{
	return (type == MSG_HELLO || type == MSG_SHOW_SERVICES ||
		type == MSG_SHOW_SESSIONS || type == MSG_SHOW_PENALTIES ||
		type == MSG_EXPLAIN || type == MSG_CLEAR_PENALTY);
}

static void
client_message(struct client *c, const struct ipc_in *in)
{
	static uint32_t request;

	c->asked = in->type;
	client_change(c, CLIENT_ASKS);
	c->at = 0;
	c->request = ++request;
	switch (in->type) {
	case MSG_EXPLAIN:
		c->explain = in->msg.explain;
		client_explain(c);
		break;
	case MSG_SHOW_SERVICES:
	case MSG_SHOW_SESSIONS:
	case MSG_SHOW_PENALTIES:
		client_ours(c);
		break;
	case MSG_CLEAR_PENALTY:
		client_clear(c, &in->msg.clear_penalty);
		break;
	default:
		client_pass_on(c, in);
	}
}

static void
client_ready(uv_poll_t *poll, int status, int events)
{
	struct client *c = poll->data;
	struct ipc_in in;
	int err;

	if (status == 0 && (events & UV_WRITABLE) != 0)
		client_send(c);
	if (c->state == CLIENT_HELD &&
	    (status != 0 || (events & UV_DISCONNECT) != 0))
		client_close(c);
	if (c->state == CLIENT_CLOSED || c->state == CLIENT_HELD ||
	    (status == 0 && (events & UV_READABLE) == 0))
		return;
	err = ipc_peek_now(&c->channel, &in);
	if (err == ERR_AGAIN)
		return;
	if (err != 0) {
		if (ipc_error_is_breach(err)) {
			log_info("a client of the control socket broke the "
				 "message catalogue: %s",
			    err_text(err));
			/* Left unread, it would make the end a reset. */
			(void)ipc_recv_now(&c->channel, &in);
		}
		client_close(c);
		return;
	}
	if (client_is_ours(in.type))
		err = ipc_recv_now(&c->channel, &in);
	if (err == 0 && in.type == MSG_HELLO) {
		if (ipc_judge_hello(&c->channel, &in) != 0)
			client_close(c);
		return;
	}
	if (err == 0)
		client_message(c, &in);
	else
		client_close(c);
	ipc_in_close(&in);
}
