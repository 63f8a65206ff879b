/* Building and decoding events: fields, bounds, whose event it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "audit/event.h"
#include "lib/err.h"

static void
text_equals(const struct event_view *v, enum event_field f, const char *want)
{
	assert_non_null(v->fields[f].p);
	assert_int_equal(v->fields[f].n, strlen(want));
	assert_memory_equal(v->fields[f].p, want, strlen(want));
}

static void
test_round_trip(void **state)
{
	struct event_builder b;
	struct event_view v;
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse(&a, "2001:db8::7", 40112), 0);
	event_begin(&b, EV_CONNECTION_REFUSED);
	event_text(&b, FIELD_SERVICE, "finger");
	event_source(&b, &a);
	event_number(&b, FIELD_SESSION, UINT64_MAX);
	event_text(&b, FIELD_REASON, "connection-limit");
	assert_int_equal(b.err, 0);
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), 0);
	assert_int_equal(v.event, EV_CONNECTION_REFUSED);
	assert_true(v.time > 1500000000000000000u);
	text_equals(&v, FIELD_SERVICE, "finger");
	text_equals(&v, FIELD_FAMILY, "inet6");
	text_equals(&v, FIELD_SOURCE, "2001:db8::7");
	text_equals(&v, FIELD_REASON, "connection-limit");
	assert_true(v.fields[FIELD_SOURCE_PORT].number == 40112);
	assert_true(v.fields[FIELD_SESSION].number == UINT64_MAX);
	assert_null(v.fields[FIELD_USER].p);
	assert_null(v.fields[FIELD_COUNT].p);
}

static void
test_absent_and_empty(void **state)
{
	struct event_builder b;
	struct event_view v;

	(void)state;
	event_begin(&b, EV_AUTH_FAILURE);
	event_text(&b, FIELD_USER, "");
	event_text(&b, FIELD_METHOD, NULL);
	assert_int_equal(b.err, 0);
	assert_int_equal(event_decode(&b.msg, ROLE_LOGREADER, &v), 0);
	assert_non_null(v.fields[FIELD_USER].p);
	assert_int_equal(v.fields[FIELD_USER].n, 0);
	assert_null(v.fields[FIELD_METHOD].p);
}

static void
test_wrong_fields(void **state)
{
	struct event_builder b;

	(void)state;
	event_begin(&b, EV_READY);
	event_text(&b, FIELD_USER, "alice"); /* not ready's */
	assert_int_equal(b.err, ERR_VALUE);
	event_begin(&b, EV_CONNECTION_ACCEPTED);
	event_text(&b, FIELD_SERVICE, "ssh");
	event_text(&b, FIELD_SERVICE, "ssh"); /* twice */
	assert_int_equal(b.err, ERR_VALUE);
	event_begin(&b, EV_CONNECTION_ACCEPTED);
	event_text(&b, FIELD_SESSION, "7"); /* a number */
	assert_int_equal(b.err, ERR_VALUE);
	event_begin(&b, EV_CONNECTION_ACCEPTED);
	event_number(&b, FIELD_SERVICE, 7); /* a text */
	assert_int_equal(b.err, ERR_VALUE);
	event_begin(&b, EV_COUNT);
	assert_int_equal(b.err, ERR_VALUE);
}

static void
test_cut(void **state)
{
	static const enum event_field texts[] = {FIELD_TEXT, FIELD_REASON,
	    FIELD_SERVICE, FIELD_FAMILY, FIELD_SOURCE, FIELD_SIGNAL,
	    FIELD_ERRNO, FIELD_SYSCALL};
	struct event_builder b;
	struct event_view v;
	char longest[4096];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	event_begin(&b, EV_AUTH_FAILURE);
	event_bytes(&b, FIELD_USER, longest, EVENT_TEXT_MAX + 1);
	event_bytes(&b, FIELD_REASON, longest, EVENT_LONG_TEXT_MAX + 1);
	assert_int_equal(event_decode(&b.msg, ROLE_MONITOR, &v), 0);
	assert_int_equal(v.fields[FIELD_USER].n, EVENT_TEXT_MAX);
	assert_int_equal(v.fields[FIELD_REASON].n, EVENT_LONG_TEXT_MAX);

	/* All texts too long: numbers still fit, nothing fails. */
	event_begin(&b, EV_WORKER_FAILED);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i] == FIELD_FAMILY)
			event_text(&b, texts[i], "inet");
		else
			event_bytes(&b, texts[i], longest, sizeof(longest));
	}
	event_number(&b, FIELD_SOURCE_PORT, 1);
	event_number(&b, FIELD_SESSION, 2);
	event_number(&b, FIELD_PID, 3);
	assert_int_equal(b.err, 0);
	assert_true(b.msg.fields.n <= sizeof(b.msg.fields.b));
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), 0);
	assert_true(v.fields[FIELD_PID].number == 3);
}

static void
test_whose(void **state)
{
	struct event_builder b;
	struct event_view v;

	(void)state;
	for (int e = 0; e < EV_COUNT; e++) {
		event_begin(&b, (enum event)e);
		for (int r = 0; r <= ROLE_COUNT; r++) {
			int may = r < ROLE_COUNT &&
				  (event_infos[e].roles & (1u << r)) != 0;

			assert_int_equal(event_decode(&b.msg, (enum role)r, &v),
			    may ? 0 : ERR_SENDER);
		}
	}
	/* Who may say what, once by hand: the reverse must not creep in. */
	event_begin(&b, EV_CONNECTION_ACCEPTED);
	assert_int_equal(event_decode(&b.msg, ROLE_LOGREADER, &v), ERR_SENDER);
	event_begin(&b, EV_READY);
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), ERR_SENDER);
	event_begin(&b, EV_AUTH_SUCCESS);
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), ERR_SENDER);
	b.msg.event = EV_COUNT;
	assert_int_equal(event_decode(&b.msg, ROLE_MONITOR, &v), ERR_TYPE);
}

/* Every cut of a good event but those between fields fails, and no cut reads
 * past its end (the sanitizers watch). */
static void
test_truncated(void **state)
{
	struct event_builder b;
	struct event_view v;
	uint16_t whole;
	int good = 0;

	(void)state;
	event_begin(&b, EV_CONNECTION_REFUSED);
	event_text(&b, FIELD_SERVICE, "finger");
	event_text(&b, FIELD_FAMILY, "inet");
	event_number(&b, FIELD_SESSION, 9);
	whole = b.msg.fields.n;
	for (uint16_t n = 0; n <= whole; n++) {
		int err;

		b.msg.fields.n = n;
		err = event_decode(&b.msg, ROLE_MASTER, &v);
		assert_true(err == 0 || err == ERR_TRUNCATED);
		good += err == 0;
	}
	assert_int_equal(good, 4);
}

static void
test_malformed(void **state)
{
	struct event_builder b;
	struct event_view v;
	uint16_t n;

	(void)state;
	event_begin(&b, EV_CONNECTION_REFUSED);
	event_text(&b, FIELD_FAMILY, "inet7");
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), ERR_VALUE);

	event_begin(&b, EV_CONNECTION_REFUSED);
	event_text(&b, FIELD_SERVICE, "finger");
	n = b.msg.fields.n;
	memcpy(b.msg.fields.b + n, b.msg.fields.b, n); /* the field twice */
	b.msg.fields.n = (uint16_t)(2 * n);
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), ERR_VALUE);

	b.msg.fields.n = n;
	b.msg.fields.b[0] = EVENT_FIELDS; /* no such field */
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), ERR_VALUE);
	b.msg.fields.b[0] = FIELD_USER; /* not this event's */
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), ERR_VALUE);

	b.msg.fields.b[0] = FIELD_SERVICE;
	b.msg.fields.b[1] = 0xff; /* longer than a text may be */
	b.msg.fields.b[2] = 0xff;
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), ERR_VALUE);
	b.msg.fields.n = UINT16_MAX;
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), ERR_VALUE);
}

/* The catalogue itself: ids are unique, sentences name own fields only. */
static void
test_catalogue(void **state)
{
	(void)state;
	for (int e = 0; e < EV_COUNT; e++) {
		const struct event_info *i = &event_infos[e];
		const char *p = i->sentence;

		assert_int_equal(strlen(i->message_id), 32);
		assert_int_equal(strspn(i->message_id, "0123456789abcdef"), 32);
		assert_true(i->priority >= 0 && i->priority <= 7);
		assert_true(i->roles != 0);
		for (int o = 0; o < e; o++) {
			assert_string_not_equal(
			    i->message_id, event_infos[o].message_id);
			assert_string_not_equal(i->name, event_infos[o].name);
		}
		while ((p = strchr(p, '{')) != NULL) {
			size_t n = strcspn(++p, "}");
			int found = 0;

			for (int f = 0; f < EVENT_FIELDS; f++) {
				const char *name =
				    event_field_name((enum event_field)f);

				if (strlen(name) == n &&
				    memcmp(name, p, n) == 0 &&
				    (i->fields & (1u << f)) != 0)
					found = 1;
			}
			assert_true(found);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_absent_and_empty),
	    cmocka_unit_test(test_wrong_fields),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_whose),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_catalogue),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
