/*
 * What each statement alone cannot tell: contradictions, and what a service or
 * client lacks. Pure: the host is asked in check_host.c. Planner and CLI.
 */
#include <string.h>

#include "conf/build.h"
#include "lib/addr.h"

/* A statement that is there and active in a block that is. */
static const struct conf_node *
check_find(const struct conf_node *block, const char *name)
{
	const struct conf_statement *stmt =
	    schema_find_statement(block->block, name);
	const struct conf_node *n = tree_find_statement(block, stmt, NULL);

	return (n == NULL || n->inactive ? NULL : n);
}

static bool
check_is_before(const struct conf_node *a, const struct conf_node *b)
{
	return (a->pos.line < b->pos.line ||
		(a->pos.line == b->pos.line && a->pos.col < b->pos.col));
}

/* Told at the last of them in the file, which names those before it. */
static void
check_conflict(const struct conf_node *block, const struct conf_conflict *c,
    struct conf_report *report)
{
	const char *const names[] = {c->a, c->b, c->c};
	const struct conf_node *found[3], *n;
	unsigned count = 0, at;

	if ((c->blocks & (1U << block->block)) == 0)
		return;
	for (unsigned i = 0; i < 3 && names[i] != NULL; i++) {
		n = check_find(block, names[i]);
		if (n == NULL)
			return;
		for (at = count++; at > 0 && check_is_before(n, found[at - 1]);
		     at--)
			found[at] = found[at - 1];
		found[at] = n;
	}
	if (count == 3)
		conf_report_add(report, CONF_ERROR, found[2]->pos,
		    "%s contradicts %s (line %u) with %s (line %u): %s",
		    found[2]->stmt->name, found[0]->stmt->name,
		    found[0]->pos.line, found[1]->stmt->name,
		    found[1]->pos.line, c->why);
	else if (count == 2)
		conf_report_add(report, CONF_ERROR, found[1]->pos,
		    "%s contradicts %s (line %u): %s", found[1]->stmt->name,
		    found[0]->stmt->name, found[0]->pos.line, c->why);
}

static void
check_block(const struct conf_node *block, struct conf_report *report)
{
	for (size_t i = 0; i < conf_conflict_count; i++)
		check_conflict(block, &conf_conflicts[i], report);
	for (const struct conf_node *n = block->children; n != NULL;
	     n = n->next) {
		if (n->stmt == NULL && !n->inactive)
			check_block(n, report);
	}
}

void
check_tree(const struct conf_tree *tree, struct conf_report *report)
{
	check_block(tree->root, report);
}

/* What a shell would have read, and execve(2) hands on. */
static void
check_shell(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	static const char *const words[] = {
	    "|", "||", "&", "&&", ";", "<", ">", ">>", "2>&1", "2>/dev/null"};
	const struct conf_node *n = tree_find_stated(conf->tree, s, "exec");

	for (unsigned i = 1; n != NULL && i < s->exec.argc; i++) {
		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
			if (strcmp(s->exec.argv[i], words[w]) != 0)
				continue;
			conf_report_add(report, CONF_WARNING, n->pos,
			    "exec: no shell reads this: `%s` is passed to the "
			    "program unchanged; write `/bin/sh -c '...'` for "
			    "one",
			    words[w]);
			return;
		}
	}
}

/* inetd's nowait, which a datagram socket cannot have. */
static void
check_wait(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	const struct conf_node *n = tree_find_stated(conf->tree, s, "wait");

	if (s->exec.protocol != CONF_UDP || n == NULL || s->exec.wait)
		return;
	conf_report_add(report, CONF_WARNING, n->pos,
	    "service %s: `wait no` has no effect with `protocol udp`: one "
	    "program at a time gets the socket; write `wait yes`",
	    s->name);
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return (slash != NULL ? slash + 1 : path);
}

/* tcpd runs the program that its own name says: itself, without another. */
static void
check_tcpd(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	const struct conf_exec *e = &s->exec;
	const char *word;

	if (e->path == NULL || strcmp(last_part(e->path), "tcpd") != 0 ||
	    strcmp(last_part(e->argv[0]), "tcpd") != 0)
		return;
	word = e->argc > 1 ? e->argv[1] : "/usr/sbin/in.NAMEd";
	conf_report_add(report, CONF_ERROR, conf_statement_pos(conf, s, "exec"),
	    "exec: tcpd runs the program that its own name gives, here itself "
	    "again and again: write `program-name %.60s;`%s",
	    word, e->argc > 1 ? ", and remove that word from exec" : "");
}

/* protocol tcp4 with an address of IPv6. */
static void
check_families(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	char text[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < s->listen_count; i++) {
		if (!s->without[s->listen[i].family])
			continue;
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, s, "listen-address"),
		    "service %s: listen-address %s is of a family that its "
		    "protocol excludes",
		    s->name, addr_text(&s->listen[i], text));
		return;
	}
}

/* Programs of one user can take each other's connections. */
static void
check_user(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	if (s->exec.user == NULL || strcmp(s->exec.user, "root") == 0)
		return;
	for (const struct conf_service *o = conf->services; o < s; o++) {
		if (o->exec.user == NULL ||
		    strcmp(o->exec.user, s->exec.user) != 0)
			continue;
		conf_report_add(report, CONF_WARNING,
		    conf_statement_pos(conf, s, "user"),
		    "service %s runs as %s, as %s (line %u) does: each can "
		    "take the other's connections; without `user` each has a "
		    "uid of its own",
		    s->name, s->exec.user, o->name, o->pos.line);
		return;
	}
}

static void
check_exec(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	for (int kind = 0; kind < SERVICE_COUNT; kind++) {
		const struct service_traits *other =
		    service_traits((enum service_kind)kind);

		if (other->by == BY_PROGRAM ||
		    strcmp(s->name, other->word) != 0)
			continue;
		conf_report_add(report, CONF_ERROR, s->pos,
		    "service %s is the name of a built-in service: choose "
		    "another",
		    s->name);
	}
	/* What was written and is wrong has been told already. */
	if (!tree_is_written(conf->tree, s, "port"))
		conf_report_add(report, CONF_ERROR, s->pos,
		    "service %s has no port: write `port N;`", s->name);
	if (!tree_is_written(conf->tree, s, "exec"))
		conf_report_add(report, CONF_ERROR, s->pos,
		    "service %s has no exec: write `exec \"PATH ARGUMENTS\";`",
		    s->name);
	check_wait(conf, s, report);
	check_shell(conf, s, report);
	check_tcpd(conf, s, report);
	check_families(conf, s, report);
	check_user(conf, s, report);
}

static void
check_clear_text(const struct conf_service *s, struct conf_report *report)
{
	for (unsigned i = 0; i < s->listen_count; i++) {
		if (addr_is_loopback(&s->listen[i]))
			continue;
		conf_report_add(report, CONF_WARNING, s->pos,
		    "%s listens beyond loopback: passwords travel in clear; "
		    "restrict it with listen-address",
		    s->name);
		return;
	}
}

void
check_services(const struct conf *conf, struct conf_report *report)
{
	for (unsigned i = 0; i < conf->service_count; i++) {
		const struct conf_service *s = &conf->services[i];

		const struct service_traits *traits = service_traits(s->kind);

		if (traits->by == BY_PROGRAM)
			check_exec(conf, s, report);
		check_sources(conf, s, report);
		if (traits->by == BY_SSHD && !traits->subsystem)
			check_ssh(conf, s, report);
		if (traits->clear)
			check_clear_text(s, report);
		if (traits->subsystem && conf->netconf_subsystem == NULL)
			conf_report_add(report, CONF_WARNING, s->pos,
			    "netconf has no subsystem: without `subsystem "
			    "PATH` nothing answers there");
		/* A port that NETCONF on its own would break (RFC 4742). */
		if (traits->subsystem && (s->port == 21 || s->port == 23))
			conf_report_add(report, CONF_WARNING, s->pos,
			    "netconf on port %u: that port is FTP's or "
			    "telnet's, and firewalls rewrite or drop it",
			    s->port);
	}
}

static void
check_device_id(const struct conf_client *c, struct conf_report *report)
{
	bool ok = strstr(c->device_id, ": ") == NULL;

	for (const char *p = c->device_id; *p != '\0'; p++)
		ok = ok && *p >= ' ' && *p < 0x7f;
	if (!ok)
		conf_report_add(report, CONF_ERROR, c->pos,
		    "client %s: its device-id may contain only printable "
		    "ASCII, and no colon before a space",
		    c->id);
}

void
check_clients(const struct conf *conf, struct conf_report *report)
{
	for (unsigned i = 0; i < conf->client_count; i++) {
		const struct conf_client *c = &conf->clients[i];

		if (c->device_id == NULL)
			conf_report_add(report, CONF_ERROR, c->pos,
			    "client %s has no device-id: write `device-id "
			    "NAME;`",
			    c->id);
		else
			check_device_id(c, report);
		if (c->server_count == 0)
			conf_report_add(report, CONF_ERROR, c->pos,
			    "client %s has no address: write `ADDRESS;`",
			    c->id);
		if (!c->netconf)
			conf_report_add(report, CONF_WARNING, c->pos,
			    "client %s may use nothing: `services { netconf; "
			    "}` "
			    "is missing",
			    c->id);
	}
}
