/*
 * Plays audit to the master: what it hears, event by event. For
 * tests/unit/master.
 */
#include "tests/stage/heard.h"

void
event_next(struct world *w, enum event event, struct event_view *view)
{
	static struct ipc_in in;

	do {
		stage_expect(&w->audit, MSG_EVENT, &in);
		assert_int_equal(
		    event_decode(&in.msg.event, ROLE_MASTER, view), 0);
	} while (w->passes_shortages && view->event == EV_RESOURCES_SHORT);
	if (view->event != event)
		fail_msg("event %s where %s was due", event_name(view->event),
		    event_name(event));
}

void
event_has(const struct event_view *v, enum event_field f, const char *text)
{
	char got[512];

	if (v->fields[f].p == NULL || text == NULL) {
		if ((v->fields[f].p == NULL) != (text == NULL))
			fail_msg("%s of %s is %s", event_field_name(f),
			    event_name(v->event),
			    text == NULL ? "there" : "absent");
		return;
	}
	snprintf(got, sizeof(got), "%.*s", v->fields[f].n,
	    (const char *)v->fields[f].p);
	assert_string_equal(got, text);
}

void
event_counts(const struct event_view *v, enum event_field f, uint64_t number)
{
	assert_non_null(v->fields[f].p);
	assert_int_equal(v->fields[f].number, number);
}

void
event_none(struct world *w)
{
	struct pollfd p = {.fd = w->audit.fd, .events = POLLIN};

	world_sync(w);
	assert_int_equal(poll(&p, 1, 0), 0);
}

void
event_refused(struct world *w, const char *service, const char *reason)
{
	struct event_view v;

	event_next(w, EV_CONNECTION_REFUSED, &v);
	event_has(&v, FIELD_SERVICE, service);
	event_has(&v, FIELD_REASON, reason);
	assert_non_null(v.fields[FIELD_SESSION].p);
}

uint64_t
event_accepted(struct world *w, const char *service)
{
	struct event_view v;

	event_next(w, EV_CONNECTION_ACCEPTED, &v);
	event_has(&v, FIELD_SERVICE, service);
	assert_non_null(v.fields[FIELD_SESSION].p);
	return (v.fields[FIELD_SESSION].number);
}

void
event_closed(struct world *w, uint64_t session, const char *how)
{
	struct event_view v;

	event_next(w, EV_SESSION_CLOSED, &v);
	event_counts(&v, FIELD_SESSION, session);
	event_has(&v, FIELD_EXIT, how);
}
