/*
 * What was found in sshd's log, as typed events to audit and as messages to
 * the monitor. In the logreader, sealed. Every text is a stranger's until
 * audit's writer has escaped it.
 */
#include <stdio.h>
#include <string.h>

#include "workers/logreader/source.h"

#define TROUBLE_MAX 160 /* bytes of a record that are told */

static void
tell_event_connection(struct event_builder *b, const struct logconn *c)
{
	event_text(b, FIELD_SERVICE, c->src->service);
	event_source(b, &c->peer);
	event_number(b, FIELD_SESSION, c->session);
}

/* A public key's fingerprint, and what its certificate says of itself. */
static void
tell_event_key(struct event_builder *b, const struct sshsession_action *a)
{
	const struct sshsession_key *k = &a->key;

	if (strcmp(a->method, "publickey") != 0 || k->fingerprint[0] == '\0')
		return;
	event_text(b, FIELD_KEY, k->fingerprint);
	if (!k->certificate)
		return;
	event_text(b, FIELD_CERTIFICATE_ID, k->certificate_id);
	event_number(b, FIELD_CERTIFICATE_SERIAL, k->certificate_serial);
}

static void
tell_failure(struct logconn *c, const struct source_out *out,
    const struct sshsession_action *a)
{
	struct event_builder b;

	event_begin(&b, EV_AUTH_FAILURE);
	tell_event_connection(&b, c);
	if (a->user[0] != '\0' && (!a->unknown || c->src->log_unknown))
		event_text(&b, FIELD_USER, a->user);
	if (a->unknown)
		event_text(&b, FIELD_UNKNOWN_USER, "yes");
	if (a->method[0] != '\0')
		event_text(&b, FIELD_METHOD, a->method);
	tell_event_key(&b, a);
	event_text(&b, FIELD_REASON, a->reason);
	event_emit(out->events, &b);
}

/*
 * What its source is refused for later. Keys that an agent offers in turn are
 * one deed of the connection.
 */
static void
tell_deed(struct logconn *c, const struct source_out *out,
    const struct sshsession_action *a)
{
	struct msg_deed m = {.session = c->session};
	bool key = strcmp(a->method, "publickey") == 0;
	enum deed deed;

	if (!deed_of_failure(a->reason, a->unknown, &deed) ||
	    (key && c->key_failed))
		return;
	c->key_failed = c->key_failed || key;
	m.deed = (uint8_t)deed;
	ipc_send_wait(out->monitor, MSG_DEED, &m, NULL, 0);
}

static void
tell_success(struct logconn *c, const struct source_out *out,
    const struct sshsession_action *a)
{
	struct event_builder b;

	if (!c->src->decide)
		return;
	event_begin(&b, EV_AUTH_SUCCESS);
	tell_event_connection(&b, c);
	event_text(&b, FIELD_USER, a->user);
	event_text(&b, FIELD_METHOD, a->method);
	tell_event_key(&b, a);
	event_emit(out->events, &b);
}

static void
tell_login(struct logconn *c, const struct source_out *out,
    const struct sshsession_action *a)
{
	struct msg_log_login m = {.session = c->session};
	struct event_builder b;

	memcpy(m.user, a->user, sizeof(m.user));
	memcpy(m.tty, a->tty, sizeof(m.tty));
	ipc_send_wait(out->monitor, MSG_LOG_LOGIN, &m, NULL, 0);
	if (!c->src->decide || a->act != SSHSESSION_OPENED)
		return;
	event_begin(&b, EV_SESSION_OPENED);
	tell_event_connection(&b, c);
	event_text(&b, FIELD_USER, a->user);
	if (a->tty[0] != '\0')
		event_text(&b, FIELD_TTY, a->tty);
	event_emit(out->events, &b);
}

/* --- within bounds ---------------------------------------------------------
 */

/* One connection's, and all of a service's together. */
static const struct rate_limit logconn_limit = {.per_second = 20, .burst = 100};
static const struct rate_limit source_limit = {
    .per_second = 500, .burst = 2000};

static bool
tell_may(struct logconn *c, uint64_t now)
{
	if (!rate_pass(&c->rate, &logconn_limit, now))
		return (false);
	if (rate_pass(&c->src->rate, &source_limit, now))
		return (true);
	c->rate.dropped++;
	return (false);
}

bool
tell_dropped(
    struct logconn *c, const struct source_out *out, bool last, uint64_t now)
{
	uint64_t n = c->rate.dropped;
	struct event_builder b;

	if (!last)
		n = rate_dropped(&c->rate, &logconn_limit, now);
	if (n == 0)
		return (c->rate.dropped > 0);
	c->rate.dropped = 0;
	event_begin(&b, EV_EVENTS_DROPPED);
	tell_event_connection(&b, c);
	event_text(&b, FIELD_ROLE, "logreader");
	event_number(&b, FIELD_COUNT, n);
	event_emit(out->events, &b);
	return (false);
}

void
tell_line(struct logconn *c, const struct source_out *out, pid_t pid,
    const char *line, size_t n, uint64_t now)
{
	struct event_builder b;

	if (!tell_may(c, now))
		return;
	event_begin(&b, EV_PROGRAM_OUTPUT);
	tell_event_connection(&b, c);
	event_number(&b, FIELD_PID, (uint64_t)pid);
	event_bytes(&b, FIELD_TEXT, line, n);
	event_emit(out->events, &b);
}

void
tell_output(struct logconn *c, const struct source_out *out, pid_t pid,
    const char *record, size_t n, uint64_t now)
{
	char text[EVENT_LONGEST_TEXT];
	struct event_builder b;

	if (c->ssh.unknown && !c->src->log_unknown) {
		n = sshlog_hide(record, n, c->ssh.user, text, sizeof(text));
		record = text;
	}
	while (n > 0 && (record[n - 1] == '\n' || record[n - 1] == '\r'))
		n--;
	if (n == 0 || !tell_may(c, now))
		return;
	event_begin(&b, EV_SSHD_OUTPUT);
	tell_event_connection(&b, c);
	if (sshsession_is_accepted(&c->ssh))
		event_text(&b, FIELD_USER, c->ssh.user);
	event_number(&b, FIELD_PID, (uint64_t)pid);
	event_bytes(&b, FIELD_TEXT, record, n);
	event_emit(out->events, &b);
}

static void
tell_warning(struct logconn *c, const struct source_out *out, const char *text,
    uint64_t now)
{
	struct event_builder b;

	if (!tell_may(c, now))
		return;
	event_begin(&b, EV_WARNING);
	event_text(&b, FIELD_SERVICE, c->src->service);
	event_text(&b, FIELD_REASON, text);
	event_emit(out->events, &b);
}

static void
tell_flood(struct logconn *c, const struct source_out *out, uint64_t now)
{
	struct msg_log_flood m = {.session = c->session};
	char text[160];

	ipc_send_wait(out->monitor, MSG_LOG_FLOOD, &m, NULL, 0);
	ipc_send_wait(out->monitor, MSG_DEED,
	    &(struct msg_deed){.session = c->session, .deed = DEED_PACKETS},
	    NULL, 0);
	snprintf(text, sizeof(text),
	    "session %llu sent more than %u packets "
	    "before authentication (max-pre-authentication-packets)",
	    (unsigned long long)c->session, c->src->config.packets);
	tell_warning(c, out, text, now);
}

/* sshd's own words on why it does not serve. */
static void
tell_trouble(struct logconn *c, const struct source_out *out,
    const char *record, size_t n, uint64_t now)
{
	char text[TROUBLE_MAX + 8];

	while (n > 0 && (record[n - 1] == '\n' || record[n - 1] == '\r'))
		n--;
	if (n == 0)
		return;
	snprintf(text, sizeof(text), "sshd: %.*s",
	    (int)(n < TROUBLE_MAX ? n : TROUBLE_MAX), record);
	tell_warning(c, out, text, now);
}

void
tell_actions(struct logconn *c, const struct source_out *out,
    const struct sshsession_actions *actions, const char *record, size_t n,
    uint64_t now)
{
	for (size_t i = 0; i < actions->n; i++) {
		const struct sshsession_action *a = &actions->a[i];

		switch (a->act) {
		case SSHSESSION_FAILURE:
			tell_failure(c, out, a);
			tell_deed(c, out, a);
			break;
		case SSHSESSION_SUCCESS:
			tell_success(c, out, a);
			break;
		case SSHSESSION_OPENED:
		case SSHSESSION_TTY:
			tell_login(c, out, a);
			break;
		case SSHSESSION_FLOOD:
			tell_flood(c, out, now);
			break;
		case SSHSESSION_TROUBLE:
			tell_trouble(c, out, record, n, now);
			break;
		default:
			break;
		}
	}
}
