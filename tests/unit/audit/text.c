/* Events as lines and sentences: the order of fields, escapes, cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "audit/text.h"

static struct event_builder b;

static void
line_equals(enum role from, const char *want)
{
	char line[EVENT_LINE_MAX];
	struct event_view v;

	assert_int_equal(b.err, 0);
	assert_int_equal(event_decode(&b.msg, from, &v), 0);
	assert_int_equal(event_logfmt(&v, line, sizeof(line)), strlen(want));
	assert_string_equal(line, want);
}

static void
test_order(void **state)
{
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse(&a, "127.0.0.1", 40112), 0);
	event_begin(&b, EV_CONNECTION_REFUSED);
	/* Given in another order than they are written. */
	event_text(&b, FIELD_REASON, "connection-limit");
	event_number(&b, FIELD_SESSION, 17);
	event_source(&b, &a);
	event_text(&b, FIELD_SERVICE, "finger");
	line_equals(ROLE_MASTER,
	    "event=connection-refused service=finger family=inet "
	    "source=127.0.0.1 source-port=40112 session=17 "
	    "reason=connection-limit");

	event_begin(&b, EV_AUTH_FAILURE);
	event_text(&b, FIELD_REASON, "credentials");
	event_text(&b, FIELD_METHOD, "password");
	event_text(&b, FIELD_USER, "alice");
	event_text(&b, FIELD_SERVICE, "ssh");
	line_equals(ROLE_LOGREADER,
	    "event=auth-failure service=ssh user=alice method=password "
	    "reason=credentials");

	event_begin(&b, EV_READY);
	event_text(&b, FIELD_SERVICES, "finger,ssh");
	line_equals(ROLE_MONITOR, "event=ready services=\"finger,ssh\"");
	event_begin(&b, EV_CONFIGURATION_APPLIED);
	line_equals(ROLE_MONITOR, "event=configuration-applied");
	event_begin(&b, EV_EVENTS_DROPPED);
	event_number(&b, FIELD_COUNT, 0);
	line_equals(ROLE_MASTER, "event=events-dropped count=0");
	event_begin(&b, EV_EVENTS_DROPPED);
	event_number(&b, FIELD_COUNT, UINT64_MAX);
	line_equals(
	    ROLE_MASTER, "event=events-dropped count=18446744073709551615");
}

/* What a stranger may try: line ends, quotes, escapes of a terminal. */
static void
test_hostile(void **state)
{
	static const char user[] = "x\r\nevent=auth-success \"\\\x1b[2J\0\x9b";
	struct event_view v;
	char text[EVENT_LINE_MAX];

	(void)state;
	event_begin(&b, EV_AUTH_FAILURE);
	event_bytes(&b, FIELD_USER, user, sizeof(user) - 1);
	line_equals(ROLE_MONITOR,
	    "event=auth-failure user=\"x\\x0d\\x0aevent=auth-success "
	    "\\\"\\\\\\x1b[2J\\x00\\x9b\"");
	assert_int_equal(event_decode(&b.msg, ROLE_MONITOR, &v), 0);
	event_sentence(&v, text, sizeof(text));
	assert_string_equal(text,
	    "unknown: login of \"x\\x0d\\x0aevent=auth-success "
	    "\\\"\\\\\\x1b[2J\\x00\\x9b\" by unknown from unknown failed: "
	    "unknown");
	event_begin(&b, EV_AUTH_FAILURE);
	event_text(&b, FIELD_USER, "");
	line_equals(ROLE_MONITOR, "event=auth-failure user=\"\"");
}

static void
test_sentence(void **state)
{
	struct event_view v;
	char text[128];

	(void)state;
	event_begin(&b, EV_CONNECTION_ACCEPTED);
	event_text(&b, FIELD_SERVICE, "finger");
	event_text(&b, FIELD_SOURCE, "::1");
	event_number(&b, FIELD_SOURCE_PORT, 65535);
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), 0);
	event_sentence(&v, text, sizeof(text));
	assert_string_equal(
	    text, "finger: connection from ::1 port 65535 accepted");
}

/* What a stranger chose stands in quotes: it adds no word to the sentence. */
static void
test_quotes(void **state)
{
	struct event_view v;
	char text[256];

	(void)state;
	event_begin(&b, EV_AUTH_FAILURE);
	event_text(&b, FIELD_SERVICE, "telnet");
	event_text(&b, FIELD_SOURCE, "192.0.2.7");
	event_text(&b, FIELD_USER, "x by password from 192.0.2.8 failed\"");
	event_text(&b, FIELD_METHOD, "password");
	event_text(&b, FIELD_REASON, "credentials");
	assert_int_equal(event_decode(&b.msg, ROLE_MONITOR, &v), 0);
	event_sentence(&v, text, sizeof(text));
	assert_string_equal(text,
	    "telnet: login of \"x by password from 192.0.2.8 failed\\\"\" "
	    "by password from 192.0.2.7 failed: credentials");
	event_begin(&b, EV_PROGRAM_OUTPUT);
	event_text(&b, FIELD_SERVICE, "x");
	event_text(&b, FIELD_TEXT, "a line");
	assert_int_equal(event_decode(&b.msg, ROLE_LOGREADER, &v), 0);
	event_sentence(&v, text, sizeof(text));
	assert_string_equal(text, "x: \"a line\"");
}

/* The worst event fits; a short buffer gets whole fields and a NUL. */
static void
test_bounds(void **state)
{
	char line[EVENT_LINE_MAX], longest[4096];
	struct event_view v;
	size_t whole;

	(void)state;
	memset(longest, 1, sizeof(longest));
	event_begin(&b, EV_WORKER_FAILED);
	event_bytes(&b, FIELD_SERVICE, longest, sizeof(longest));
	event_text(&b, FIELD_FAMILY, "inet6");
	event_bytes(&b, FIELD_SOURCE, longest, sizeof(longest));
	event_number(&b, FIELD_SOURCE_PORT, UINT64_MAX);
	event_number(&b, FIELD_SESSION, UINT64_MAX);
	event_number(&b, FIELD_PID, UINT64_MAX);
	event_bytes(&b, FIELD_SIGNAL, longest, sizeof(longest));
	event_bytes(&b, FIELD_TEXT, longest, sizeof(longest));
	event_bytes(&b, FIELD_REASON, longest, sizeof(longest));
	assert_int_equal(b.err, 0);
	assert_int_equal(event_decode(&b.msg, ROLE_MASTER, &v), 0);
	whole = event_logfmt(&v, line, sizeof(line));
	assert_int_equal(line[whole - 1], '"');
	assert_non_null(strstr(line, " reason="));

	for (size_t size = 0; size <= 600; size++) {
		char *cut = line + 1000;
		size_t n;

		memset(line, 'Z', sizeof(line));
		n = event_logfmt(&v, cut, size);
		assert_true(size == 0 ? n == 0 : n < size);
		assert_int_equal(cut[size], 'Z');
		if (size > 0)
			assert_int_equal(cut[n], '\0');
		n = event_sentence(&v, cut, size);
		assert_true(size == 0 ? n == 0 : n < size);
		assert_int_equal(cut[size], 'Z');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_sentence),
	    cmocka_unit_test(test_quotes),
	    cmocka_unit_test(test_bounds),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
