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
event_connection(struct event_builder *b, const struct source *src,
    const struct source_entry *e)
{
	event_text(b, FIELD_SERVICE, src->service);
	event_source(b, &e->peer);
	event_number(b, FIELD_SESSION, e->s.session);
}

static void
tell_failure(struct source *src, const struct source_out *out,
    const struct source_entry *e, const struct sshsession_action *a)
{
	struct event_builder b;

	event_begin(&b, EV_AUTH_FAILURE);
	event_connection(&b, src, e);
	if (a->user[0] != '\0')
		event_text(&b, FIELD_USER, a->user);
	if (a->method[0] != '\0')
		event_text(&b, FIELD_METHOD, a->method);
	event_text(&b, FIELD_REASON, a->reason);
	event_emit(out->events, &b);
}

static void
tell_success(struct source *src, const struct source_out *out,
    const struct source_entry *e, const struct sshsession_action *a)
{
	struct event_builder b;

	if (!src->decide)
		return;
	event_begin(&b, EV_AUTH_SUCCESS);
	event_connection(&b, src, e);
	event_text(&b, FIELD_USER, a->user);
	event_text(&b, FIELD_METHOD, a->method);
	event_emit(out->events, &b);
}

static void
tell_login(struct source *src, const struct source_out *out,
    const struct source_entry *e, const struct sshsession_action *a)
{
	struct msg_log_login m = {.session = e->s.session};
	struct event_builder b;

	memcpy(m.user, a->user, sizeof(m.user));
	memcpy(m.tty, a->tty, sizeof(m.tty));
	ipc_send(out->monitor, MSG_LOG_LOGIN, &m, NULL, 0);
	if (!src->decide || a->act != SSHSESSION_OPENED)
		return;
	event_begin(&b, EV_SESSION_OPENED);
	event_connection(&b, src, e);
	event_text(&b, FIELD_USER, a->user);
	if (a->tty[0] != '\0')
		event_text(&b, FIELD_TTY, a->tty);
	event_emit(out->events, &b);
}

static void
tell_warning(struct source *src, const struct source_out *out, const char *text,
    uint64_t now)
{
	struct event_builder b;

	if (!rate_pass(&src->rate, now))
		return;
	event_begin(&b, EV_WARNING);
	event_text(&b, FIELD_SERVICE, src->service);
	event_text(&b, FIELD_REASON, text);
	event_emit(out->events, &b);
}

static void
tell_flood(struct source *src, const struct source_out *out,
    const struct source_entry *e, uint64_t now)
{
	struct msg_log_flood m = {.session = e->s.session};
	char text[160];

	ipc_send_wait(out->monitor, MSG_LOG_FLOOD, &m, NULL, 0);
	snprintf(text, sizeof(text),
	    "session %llu sent more than %u packets "
	    "before authentication (max-pre-authentication-packets)",
	    (unsigned long long)e->s.session, src->config.packets);
	tell_warning(src, out, text, now);
}

/* sshd's own words on why it does not serve. */
static void
tell_trouble(struct source *src, const struct source_out *out,
    const char *record, size_t n, uint64_t now)
{
	char text[TROUBLE_MAX + 8];

	while (n > 0 && (record[n - 1] == '\n' || record[n - 1] == '\r'))
		n--;
	if (n == 0)
		return;
	snprintf(text, sizeof(text), "sshd: %.*s",
	    (int)(n < TROUBLE_MAX ? n : TROUBLE_MAX), record);
	tell_warning(src, out, text, now);
}

void
source_tell(struct source *src, const struct source_out *out,
    const struct source_entry *e, const struct sshsession_actions *actions,
    const char *record, size_t n, uint64_t now)
{
	for (size_t i = 0; i < actions->n; i++) {
		const struct sshsession_action *a = &actions->a[i];

		switch (a->act) {
		case SSHSESSION_FAILURE:
			tell_failure(src, out, e, a);
			break;
		case SSHSESSION_SUCCESS:
			tell_success(src, out, e, a);
			break;
		case SSHSESSION_OPENED:
		case SSHSESSION_TTY:
			tell_login(src, out, e, a);
			break;
		case SSHSESSION_FLOOD:
			tell_flood(src, out, e, now);
			break;
		case SSHSESSION_TROUBLE:
			tell_trouble(src, out, record, n, now);
			break;
		default:
			break;
		}
	}
}
