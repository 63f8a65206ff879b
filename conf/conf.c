/*
 * From bytes to a checked configuration, and the questions about one. Planner
 * (root) and CLI; distrusts the whole text.
 */
#include <stdlib.h>
#include <string.h>

#include "conf/build.h"
#include "conf/conf.h"
#include "conf/others.h"
#include "conf/parse.h"
#include "lib/err.h"

/* Another program's file is one error, not one for each of its lines. */
static bool
conf_is_ours(const char *text, size_t n, struct conf_report *report)
{
	struct conf_pos pos = {0, 1};
	enum other_owner owner = other_form(text, n, &pos.line);

	if (owner == OTHER_NONE)
		return (true);
	conf_report_add(report, CONF_ERROR, pos, "%s", other_form_text(owner));
	return (false);
}

static int
conf_make(
    struct conf *conf, const char *text, size_t n, struct conf_report *report)
{
	int err;

	if (!conf_is_ours(text, n, report))
		return (ERR_SYNTAX);
	conf->tree = tree_new();
	if (conf->tree == NULL)
		return (ERR_NO_MEMORY);
	err = parse_text(conf->tree, text, n, report);
	if (err == 0)
		err = build_conf(conf, conf->tree, report);
	if (err != 0)
		return (err);
	check_tree(conf->tree, report);
	check_services(conf, report);
	check_clients(conf, report);
	check_authentication(conf, report);
	check_listeners(conf, report);
	return (0);
}

int
conf_parse_all(
    const void *text, size_t n, struct conf **out, struct conf_report *report)
{
	struct conf_pos none = {0, 0};
	size_t errors = report->errors;
	struct conf *conf;
	int err;

	*out = NULL;
	if (n > CONF_FILE_MAX) {
		conf_report_add(report, CONF_ERROR, none,
		    "the configuration is larger than %d bytes", CONF_FILE_MAX);
		return (ERR_TOO_LONG);
	}
	conf = calloc(1, sizeof(*conf));
	err = conf == NULL ? ERR_NO_MEMORY : conf_make(conf, text, n, report);
	if (err == ERR_NO_MEMORY)
		conf_report_add(report, CONF_ERROR, none,
		    "there is not enough memory to read the configuration");
	if (err != 0) {
		conf_free(conf);
		return (err);
	}
	*out = conf;
	return (report->errors > errors ? ERR_SYNTAX : 0);
}

int
conf_parse(
    const void *text, size_t n, struct conf **out, struct conf_report *report)
{
	int err = conf_parse_all(text, n, out, report);

	if (err != 0) {
		conf_free(*out);
		*out = NULL;
	}
	return (err);
}

const struct conf_service *
conf_find_service(const struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->service_count; i++) {
		if (strcmp(conf->services[i].name, name) == 0)
			return (&conf->services[i]);
	}
	return (NULL);
}

bool
conf_equal(const struct conf *a, const struct conf *b)
{
	return (tree_equal(a->tree->root, b->tree->root));
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	tree_free(conf->tree);
	free(conf);
}
