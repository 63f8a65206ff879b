/*
 * What the daemon thinks of sources: `show penalties`, `clear penalty SOURCE`,
 * `explain ADDRESS SERVICE`. As the calling user; the daemon decides.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "lib/log.h"
#include "lib/prefix.h"

#define SOURCES_SECONDS 10

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
sources_penalty(const struct ipc_in *in, void *arg)
{
	const struct msg_row_penalty *m = &in->msg.row_penalty;
	char text[PREFIX_TEXT_MAX];
	struct rows *r = arg;
	struct prefix p;

	if (in->type != MSG_ROW_PENALTY)
		return;
	prefix_of(&p, &m->source, m->length);
	rows_text(r, prefix_text(&p, text));
	rows_text(r, m->service);
	rows_number(r, m->score);
	rows_time(r, m->until);
	rows_text(r, m->in_force ? "refused" : "allowed");
	rows_number(r, m->deeds);
	rows_text(r, m->reason);
}

int
command_show_penalties(const struct request *rq)
{
	static const char *const names[] = {"source", "service", "score",
	    "until", "verdict", "failures", "reason"};
	struct msg_show_penalties m = {0};
	struct rows r;
	int status;

	rows_init(&r, names, COUNT(names));
	status = client_ask(rq->dir, MSG_SHOW_PENALTIES, &m, SOURCES_SECONDS,
	    sources_penalty, &r);
	if (status == 0)
		status = rows_show(&r, rq->json);
	rows_free(&r);
	return (status);
}

int
command_clear_penalty(const struct request *rq)
{
	struct msg_clear_penalty m = {
	    .host = strchr(rq->argument, '/') == NULL};
	struct prefix p;

	if (prefix_parse(&p, rq->argument) != 0) {
		log_warn("a source is an address or a network, as in the first "
			 "column of `portreeve show penalties`");
		return (2);
	}
	m.source.family = p.family;
	memcpy(m.source.bytes, p.bytes, sizeof(p.bytes));
	m.length = p.length;
	return (client_ask(
	    rq->dir, MSG_CLEAR_PENALTY, &m, SOURCES_SECONDS, NULL, NULL));
}

/* What is asked, and the rules' rows; the verdict comes before them. */
struct sources_explain {
	const struct msg_explain *ask;
	bool json;
	struct rows rows;
};

static void
sources_verdict(const struct sources_explain *e, const struct msg_row_rule *m)
{
	char text[ADDR_TEXT_MAX];

	printf("%s to %s (%s): %s%s%s\n", addr_text(&e->ask->address, text),
	    e->ask->service, family_name((enum family)e->ask->address.family),
	    m->refuses ? "refused" : "allowed", m->refuses ? ", reason=" : "",
	    m->detail);
}

static void
sources_rule(const struct ipc_in *in, void *arg)
{
	const struct msg_row_rule *m = &in->msg.row_rule;
	struct sources_explain *e = arg;
	char until[ROWS_TIME_MAX] = "";
	char detail[sizeof(m->detail) + sizeof(until) + 8];

	if (in->type != MSG_ROW_RULE)
		return;
	if (m->rule[0] == '\0' && !e->json) {
		sources_verdict(e, m);
		return;
	}
	rows_text(&e->rows, m->rule[0] == '\0' ? "all" : m->rule);
	rows_text(&e->rows, m->refuses ? "refused" : "allowed");
	if (m->until != 0)
		rows_format_time(m->until, until);
	snprintf(detail, sizeof(detail), "%s%s%s", m->detail,
	    until[0] != '\0' ? " until " : "", until);
	rows_text(&e->rows, detail);
}

int
command_explain(const struct request *rq)
{
	static const char *const names[] = {"rule", "verdict", "detail"};
	struct msg_explain m = {0};
	struct sources_explain e = {.ask = &m, .json = rq->json};
	int status;

	if (addr_parse(&m.address, rq->argument, 0) != 0) {
		log_warn("ADDRESS is an IPv4 or IPv6 address, as in `portreeve "
			 "explain 192.0.2.7 ssh`");
		return (2);
	}
	if (strlen(rq->second) >= sizeof(m.service)) {
		log_warn("there is no such service; `portreeve show services` "
			 "lists them");
		return (1);
	}
	snprintf(m.service, sizeof(m.service), "%s", rq->second);
	rows_init(&e.rows, names, COUNT(names));
	status = client_ask(
	    rq->dir, MSG_EXPLAIN, &m, SOURCES_SECONDS, sources_rule, &e);
	if (status == 0)
		status = rows_show(&e.rows, rq->json);
	rows_free(&e.rows);
	return (status);
}
