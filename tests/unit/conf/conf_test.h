/*
 * What the tests of conf/ share: a text, parsed, and the questions that they
 * ask about the result.
 */
#ifndef PORTREEVE_TESTS_UNIT_CONF_TEST_H
#define PORTREEVE_TESTS_UNIT_CONF_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"

struct parsed {
	struct conf *conf;
	struct conf_report report;
	int err;
};

static inline void
parsed_print(const struct parsed *p)
{
	char line[1024];

	for (size_t i = 0; i < p->report.count; i++)
		print_message("%s\n", conf_diag_text(&p->report.diags[i],
					  "text", line, sizeof(line)));
}

static inline struct parsed
parse_bytes(const void *text, size_t n)
{
	struct parsed p = {0};

	p.err = conf_parse(text, n, &p.conf, &p.report);
	/* One cannot be without the other. */
	assert_true((p.err == 0) == (p.conf != NULL));
	assert_true((p.err == 0) == (p.report.errors == 0));
	return (p);
}

static inline struct parsed
parse(const char *text)
{
	return (parse_bytes(text, strlen(text)));
}

static inline void
parsed_free(struct parsed *p)
{
	conf_free(p->conf);
	conf_report_clear(&p->report);
}

static inline struct parsed
parse_ok(const char *text)
{
	struct parsed p = parse(text);

	if (p.err != 0) {
		print_message("%s\n", text);
		parsed_print(&p);
	}
	assert_int_equal(p.err, 0);
	return (p);
}

/* What `system services { ... }` holds. */
static inline struct parsed
services_ok(const char *inner)
{
	char text[8192];

	snprintf(text, sizeof(text), "system { services {\n%s\n} }", inner);
	return (parse_ok(text));
}

/* One expected message. */
struct expected {
	enum conf_severity severity;
	unsigned line, col;
	const char *part; /* of its text */
};

#define ERROR(l, c, t)                                                         \
	{                                                                      \
		CONF_ERROR, l, c, t                                            \
	}
#define WARNING(l, c, t)                                                       \
	{                                                                      \
		CONF_WARNING, l, c, t                                          \
	}

/* These messages in this order, and no other. */
static inline void
report_expect(const struct parsed *p, const struct expected *e, size_t n)
{
	for (size_t i = 0; i < n && i < p->report.count; i++) {
		const struct conf_diag *d = &p->report.diags[i];

		if (d->severity != e[i].severity || d->pos.line != e[i].line ||
		    d->pos.col != e[i].col ||
		    strstr(d->text, e[i].part) == NULL) {
			parsed_print(p);
			print_message("expected %u:%u: %s\n", e[i].line,
			    e[i].col, e[i].part);
			fail();
		}
	}
	if (p->report.count != n)
		parsed_print(p);
	assert_int_equal(p->report.count, n);
}

static inline void
expect_messages(const char *text, const struct expected *e, size_t n)
{
	struct parsed p = parse(text);

	report_expect(&p, e, n);
	parsed_free(&p);
}

#define EXPECT(text, ...)                                                      \
	do {                                                                   \
		const struct expected e_[] = {{0}, ##__VA_ARGS__};             \
		expect_messages(text, e_ + 1, sizeof(e_) / sizeof(e_[0]) - 1); \
	} while (0)

static inline const struct conf_service *
service_of(const struct parsed *p, const char *name)
{
	const struct conf_service *s = conf_find_service(p->conf, name);

	assert_non_null(s);
	return (s);
}

static inline char *
rendered(const struct conf *conf, enum conf_form form, bool masked)
{
	char *text = NULL;
	size_t n = 0;

	assert_int_equal(conf_render(conf, form, masked, &text, &n), 0);
	assert_int_equal(strlen(text), n);
	return (text);
}

#endif
