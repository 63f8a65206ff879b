/*
 * What the statements about sources say together. Pure. Planner and CLI.
 */
#include "conf/build.h"

static bool
sources_is_stated(
    const struct conf *conf, const struct conf_service *s, const char *name)
{
	return (tree_is_written(conf->tree, s, name));
}

/* Of these the program accepts by itself, or nobody knows who sent what. */
static void
sources_check_held(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	static const char *const names[] = {"allow-source", "deny-source"};
	const struct conf_sources *c = &s->sources;

	if (s->exec.protocol != CONF_UDP && !s->exec.wait)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (sources_is_stated(conf, s, names[i]))
			conf_report_add(report, CONF_ERROR,
			    conf_statement_pos(conf, s, names[i]),
			    "%s: the program of service %s accepts by itself "
			    "(`%s`): its peers are not asked about; restrict "
			    "it with listen-address, or in the program",
			    names[i], s->name,
			    s->exec.wait ? "wait yes" : "protocol udp");
	}
	if (c->connection_limit != 0 || c->rate_limit != 0 ||
	    c->reserved_slots != 0)
		conf_report_add(report, CONF_ERROR, s->pos,
		    "service %s: per-source and reserve have no effect, since "
		    "its program accepts by itself",
		    s->name);
}

static void
sources_check_reserve(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	const struct conf_sources *c = &s->sources;
	bool slots = sources_is_stated(conf, s, "slots");
	bool whom = sources_is_stated(conf, s, "source");

	if (slots && !whom)
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, s, "slots"),
		    "reserve: no `source`: write `source NETWORK;`, for which "
		    "the slots are kept");
	if (whom && !slots)
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, s, "source"),
		    "reserve: no `slots`: write `slots N;`, how many are kept");
	if (c->reserved_slots > 0 && c->reserved_slots >= s->connection_limit)
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, s, "slots"),
		    "reserve: %u slots of a connection-limit of %u leave none "
		    "for other sources; allow-source keeps others out",
		    c->reserved_slots, s->connection_limit);
}

void
check_sources(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	if (service_traits(s->kind)->by == BY_PROGRAM)
		sources_check_held(conf, s, report);
	sources_check_reserve(conf, s, report);
}
