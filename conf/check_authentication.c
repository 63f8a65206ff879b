/*
 * authentication-order and the servers that it names. Pure: the host is asked
 * in check_host.c. Planner and CLI; a secret is never in a message.
 */
#include <string.h>

#include "conf/build.h"

/* What a line of the file for pam_radius_auth can hold, and a person type. */
static bool
authentication_is_secret(const char *secret)
{
	for (const char *p = secret; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~' || *p == '#')
			return (false);
	}
	return (true);
}

static void
check_servers(const struct conf_askeds *servers, const char *name,
    struct conf_report *report)
{
	char text[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < servers->count; i++) {
		const struct conf_asked *s = &servers->servers[i];

		addr_text(&s->address, text);
		if (s->secret == NULL)
			conf_report_add(report, CONF_ERROR, s->pos,
			    "%s %s has no secret: write `secret \"TEXT\";`",
			    name, text);
		else if (!authentication_is_secret(s->secret))
			conf_report_add(report, CONF_ERROR, s->pos,
			    "%s %s: its secret may contain only printable "
			    "ASCII without spaces and #",
			    name, text);
	}
}

static void
check_order(const struct conf *conf, const struct conf_words *order,
    struct conf_pos pos, struct conf_report *report)
{
	for (unsigned i = 0; i < order->count; i++) {
		const char *word = order->words[i];
		unsigned count =
		    strcmp(word, "radius") == 0	   ? conf->radius.count
		    : strcmp(word, "tacplus") == 0 ? conf->tacplus.count
						   : 1;

		if (count == 0)
			conf_report_add(report, CONF_ERROR, pos,
			    "authentication-order names %s, and there is no "
			    "`system %s-server ADDRESS`: write one",
			    word, word);
	}
}

static void
check_unused(const struct conf *conf, struct conf_report *report)
{
	const struct conf_askeds *all[] = {&conf->radius, &conf->tacplus};
	static const char *const names[] = {"radius", "tacplus"};

	for (int i = 0; i < 2; i++) {
		if (all[i]->count > 0 && !conf_asks(conf, names[i]))
			conf_report_add(report, CONF_WARNING,
			    all[i]->servers[0].pos,
			    "%s-server is never asked: no service's "
			    "authentication-order names %s",
			    names[i], names[i]);
	}
}

bool
conf_order_has(const struct conf_words *order, const char *method)
{
	for (unsigned i = 0; i < order->count; i++) {
		if (strcmp(order->words[i], method) == 0)
			return (true);
	}
	return (false);
}

bool
conf_asks(const struct conf *conf, const char *method)
{
	for (unsigned i = 0; i < conf->service_count; i++) {
		if (conf_order_has(
			&conf->services[i].login.authentication_order, method))
			return (true);
	}
	return (false);
}

void
check_authentication(const struct conf *conf, struct conf_report *report)
{
	const struct conf_node *stated =
	    tree_find_system(conf->tree, "authentication-order");

	check_servers(&conf->radius, "radius-server", report);
	check_servers(&conf->tacplus, "tacplus-server", report);
	if (stated != NULL)
		check_order(
		    conf, &conf->authentication_order, stated->pos, report);
	for (unsigned i = 0; i < conf->service_count; i++) {
		const struct conf_service *s = &conf->services[i];

		stated =
		    tree_find_stated(conf->tree, s, "authentication-order");
		if (stated != NULL)
			check_order(conf, &s->login.authentication_order,
			    stated->pos, report);
	}
	check_unused(conf, report);
}
