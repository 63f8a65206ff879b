/*
 * What the tests of conf/ share: a text, parsed, and the questions that they
 * ask about the result.
 */
#ifndef PORTREEVE_TESTS_STAGE_CONF_H
#define PORTREEVE_TESTS_STAGE_CONF_H

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
void parsed_print(const struct parsed *p);
struct parsed parse_bytes(const void *text, size_t n);
struct parsed parse(const char *text);
void parsed_free(struct parsed *p);
struct parsed parse_ok(const char *text);

/* What `system services { ... }` holds. */
struct parsed services_ok(const char *inner);

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
void report_expect(const struct parsed *p, const struct expected *e, size_t n);
void expect_messages(const char *text, const struct expected *e, size_t n);

#define EXPECT(text, ...)                                                      \
	do {                                                                   \
		const struct expected e_[] = {{0}, ##__VA_ARGS__};             \
		expect_messages(text, e_ + 1, sizeof(e_) / sizeof(e_[0]) - 1); \
	} while (0)

const struct conf_service *service_of(const struct parsed *p, const char *name);
char *rendered(const struct conf *conf, enum conf_form form, bool masked);

#endif
