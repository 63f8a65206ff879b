/*
 * What the tests of conf/ share: a text, parsed, and the questions that they
 * ask about the result.
 */
#include "tests/stage/conf.h"

void
parsed_print(const struct parsed *p)
{
	char line[1024];

	for (size_t i = 0; i < p->report.count; i++)
		print_message("%s\n", conf_diag_text(&p->report.diags[i],
					  "text", line, sizeof(line)));
}

struct parsed
parse_bytes(const void *text, size_t n)
{
	struct parsed p = {0};

	p.err = conf_parse(text, n, &p.conf, &p.report);
	/* One cannot be without the other. */
	assert_true((p.err == 0) == (p.conf != NULL));
	assert_true((p.err == 0) == (p.report.errors == 0));
	return (p);
}

struct parsed
parse(const char *text)
{
	return (parse_bytes(text, strlen(text)));
}

void
parsed_free(struct parsed *p)
{
	conf_free(p->conf);
	conf_report_clear(&p->report);
}

struct parsed
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

struct parsed
services_ok(const char *inner)
{
	char text[8192];

	snprintf(text, sizeof(text), "system { services {\n%s\n} }", inner);
	return (parse_ok(text));
}

void
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

void
expect_messages(const char *text, const struct expected *e, size_t n)
{
	struct parsed p = parse(text);

	report_expect(&p, e, n);
	parsed_free(&p);
}

const struct conf_service *
service_of(const struct parsed *p, const char *name)
{
	const struct conf_service *s = conf_find_service(p->conf, name);

	assert_non_null(s);
	return (s);
}

char *
rendered(const struct conf *conf, enum conf_form form, bool masked)
{
	char *text = NULL;
	size_t n = 0;

	assert_int_equal(conf_render(conf, form, masked, &text, &n), 0);
	assert_int_equal(strlen(text), n);
	return (text);
}
