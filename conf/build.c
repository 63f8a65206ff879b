/*
 * The model is built by walking the tree with the schema in hand: a block that
 * opens an object gets its defaults first, then every statement is read into
 * it. An inactive branch is read into nothing, which checks its values and
 * stores none. Planner and CLI; pure.
 */
#include <stdio.h>
#include <string.h>

#include "conf/build.h"
#include "conf/value.h"
#include "lib/err.h"

struct builder {
	struct value_reader reader;
	struct conf *conf;
};

/* The structs that the branch at hand is read into; NULL: none. */
struct objects {
	struct conf_service *service;
	struct conf_client *client;
	struct conf_server *server;
	struct conf_asked *asked;
};

static unsigned
build_count(const struct conf_node *node, enum conf_base base)
{
	unsigned n = 0;

	if (node->stmt != NULL)
		return (0);
	if (conf_blocks[node->block].opens &&
	    conf_blocks[node->block].base == base)
		n = 1;
	for (const struct conf_node *c = node->children; c != NULL; c = c->next)
		n += build_count(c, base);
	return (n);
}

static void *
build_object(struct builder *b, const struct objects *o, enum conf_base base)
{
	switch (base) {
	case BASE_SERVICE:
		return (o->service);
	case BASE_CLIENT:
		return (o->client);
	case BASE_SERVER:
		return (o->server);
	case BASE_ASKED:
		return (o->asked);
	default:
		return (b->conf);
	}
}

static void
build_defaults(struct builder *b, enum conf_block_id block, void *object)
{
	for (size_t i = 0; i < conf_statement_count; i++) {
		if ((conf_statements[i].blocks & (1U << block)) != 0)
			value_default(&b->reader, &conf_statements[i], object);
	}
}

static void
build_open_service(
    struct builder *b, const struct conf_node *node, struct objects *o)
{
	const struct conf_block *block = &conf_blocks[node->block];
	struct conf_service *s;

	if (b->conf->service_count == CONF_SERVICES_MAX) {
		conf_report_add(b->reader.report, CONF_ERROR, node->pos,
		    "more than %d services", CONF_SERVICES_MAX);
		return;
	}
	s = &b->conf->services[b->conf->service_count++];
	s->kind = block->kind;
	s->pos = node->pos;
	s->port = block->port;
	snprintf(s->name, sizeof(s->name), "%s",
	    block->key != KEY_NONE ? node->values[0].text
				   : service_kind_name(block->kind));
	o->service = s;
}

static void
build_open_client(
    struct builder *b, const struct conf_node *node, struct objects *o)
{
	if (b->conf->client_count == CONF_CLIENTS_MAX) {
		conf_report_add(b->reader.report, CONF_ERROR, node->pos,
		    "more than %d clients", CONF_CLIENTS_MAX);
		return;
	}
	o->client = &b->conf->clients[b->conf->client_count++];
	o->client->id = node->values[0].text;
	o->client->pos = node->pos;
}

static void
build_open_server(
    struct builder *b, const struct conf_node *node, struct objects *o)
{
	if (o->client == NULL)
		return;
	if (o->client->server_count == CONF_SERVERS_MAX) {
		conf_report_add(b->reader.report, CONF_ERROR, node->pos,
		    "client %s: more than %d addresses", o->client->id,
		    CONF_SERVERS_MAX);
		return;
	}
	o->server = &o->client->servers[o->client->server_count++];
	o->server->host = node->values[0].text;
}

static void
build_open_asked(
    struct builder *b, const struct conf_node *node, struct objects *o)
{
	struct conf_askeds *all = node->block == BLOCK_RADIUS_SERVER
				      ? &b->conf->radius
				      : &b->conf->tacplus;

	if (all->count == CONF_ASKED_MAX) {
		conf_report_add(b->reader.report, CONF_ERROR, node->pos,
		    "more than %d of %s", CONF_ASKED_MAX, tree_name(node));
		return;
	}
	o->asked = &all->servers[all->count++];
	o->asked->pos = node->pos;
	addr_parse(&o->asked->address, node->values[0].text, 0);
}

/* The objects for what is below a block, with their defaults. */
static void
build_open(struct builder *b, const struct conf_node *node, bool active,
    struct objects *o)
{
	const struct conf_block *block = &conf_blocks[node->block];
	void *object;

	if (!active) {
		memset(o, 0, sizeof(*o));
		return;
	}
	if (block->opens && block->base == BASE_SERVICE)
		build_open_service(b, node, o);
	else if (block->opens && block->base == BASE_CLIENT)
		build_open_client(b, node, o);
	else if (block->opens && block->base == BASE_SERVER)
		build_open_server(b, node, o);
	else if (block->opens && block->base == BASE_ASKED)
		build_open_asked(b, node, o);
	object = build_object(b, o, block->base);
	if (object != NULL && block->base != BASE_CONF)
		build_defaults(b, node->block, object);
	if (node->block == BLOCK_KEEP_ALIVE && o->client != NULL)
		o->client->keep_alive = true;
}

static void
build_statement(struct builder *b, struct conf_node *node, bool active,
    const struct objects *o, enum conf_block_id in)
{
	void *object = active ? build_object(b, o, conf_blocks[in].base) : NULL;

	size_t errors = b->reader.report->errors;

	value_read(&b->reader, node, object);
	node->wrong = b->reader.report->errors > errors;
	for (const struct conf_node *old = node->replaced; old != NULL;
	     old = old->replaced)
		value_read(&b->reader, old, NULL);
}

/* Whether this very block says extended-limits, before its limits or behind. */
static bool
build_extends(const struct conf_node *block)
{
	const struct conf_statement *stmt =
	    schema_find_statement(block->block, "extended-limits");
	const struct conf_node *n =
	    stmt == NULL ? NULL : tree_find_statement(block, stmt, NULL);

	return (n != NULL && !n->inactive);
}

static void
build_block(struct builder *b, const struct conf_node *node, bool active,
    struct objects o)
{
	bool extended = b->reader.extended;

	build_open(b, node, active, &o);
	if (node->block != BLOCK_SERVICES && build_extends(node))
		b->reader.extended = true;
	for (struct conf_node *c = node->children; c != NULL; c = c->next) {
		if (c->stmt != NULL)
			build_statement(
			    b, c, active && !c->inactive, &o, node->block);
		else
			build_block(b, c, active && !c->inactive, o);
	}
	b->reader.extended = extended;
}

/* tcp6 is tcp without inet. */
static void
build_protocol(struct conf_service *s)
{
	enum conf_transport t = s->exec.transport;

	s->without[FAMILY_INET] = t == CONF_OF_TCP6 || t == CONF_OF_UDP6;
	s->without[FAMILY_INET6] = t == CONF_OF_TCP4 || t == CONF_OF_UDP4;
	s->exec.protocol =
	    t == CONF_OF_UDP || t == CONF_OF_UDP4 || t == CONF_OF_UDP6
		? CONF_UDP
		: CONF_TCP;
}

/* A port's name may be another number of udp, or none. */
static void
build_port_name(
    struct builder *b, struct conf_service *s, const struct conf_tree *tree)
{
	const struct conf_node *n = tree_find_stated(tree, s, "port");
	const char *protocol = s->exec.protocol == CONF_UDP ? "udp" : "tcp";
	int port;

	if (n == NULL ||
	    strspn(n->values[0].text, "+-0123456789") ==
		strlen(n->values[0].text) ||
	    s->port == 0)
		return;
	port = value_port_by_name(n->values[0].text, protocol);
	if (port < 0)
		conf_report_add(b->reader.report, CONF_ERROR, n->pos,
		    "port: `%.40s` is not a service of %s in /etc/services",
		    n->values[0].text, protocol);
	else
		s->port = (uint16_t)port;
}

static void
build_finish_exec(
    struct builder *b, struct conf_service *s, const struct conf_tree *tree)
{
	struct conf_exec *e = &s->exec;

	build_protocol(s);
	build_port_name(b, s, tree);
	if (e->protocol == CONF_UDP &&
	    tree_find_stated(tree, s, "wait") == NULL)
		e->wait = true;
	/* What gets the socket itself may well answer from a child. */
	if ((e->wait || e->protocol == CONF_UDP) &&
	    tree_find_stated(tree, s, "no-detach") == NULL)
		e->detach = true;
	if (e->argc > 0 && e->program_name != NULL)
		e->argv[0] = e->program_name;
}

/* The host's own PAM needs nobody to be asked: as without the statement. */
static void
build_order(const struct builder *b, struct conf_service *s)
{
	struct conf_words *order = &s->login.authentication_order;

	if (order->count == 0 && service_traits(s->kind)->logins != 0)
		*order = b->conf->authentication_order;
	if (order->count == 1 && strcmp(order->words[0], "password") == 0)
		order->count = 0;
}

/* What follows from several statements at once. */
static void
build_finish(
    struct builder *b, struct conf_service *s, const struct conf_tree *tree)
{
	if (service_traits(s->kind)->by == BY_PROGRAM)
		build_finish_exec(b, s, tree);
	if (s->listen_count == 0) {
		s->listen_default = true;
		for (int f = 0; f < FAMILY_COUNT; f++) {
			if (!s->without[f])
				s->listen[s->listen_count++].family =
				    (uint8_t)f;
		}
	}
	for (unsigned i = 0; i < s->listen_count; i++)
		s->listen[i].port = s->port;
	build_order(b, s);
}

/* Whether extended-limits is there and active, wherever in the file. */
static bool
build_extended(const struct conf_tree *tree)
{
	const struct conf_node *n = tree->root;

	n = tree_find_block(n, BLOCK_SYSTEM, NULL);
	if (n == NULL || n->inactive)
		return (false);
	n = tree_find_block(n, BLOCK_SERVICES, NULL);
	if (n == NULL || n->inactive)
		return (false);
	return (build_extends(n));
}

static int
build_arrays(struct conf *conf, struct conf_tree *tree)
{
	unsigned services = build_count(tree->root, BASE_SERVICE);
	unsigned clients = build_count(tree->root, BASE_CLIENT);

	if (services > CONF_SERVICES_MAX)
		services = CONF_SERVICES_MAX;
	if (clients > CONF_CLIENTS_MAX)
		clients = CONF_CLIENTS_MAX;
	conf->services =
	    arena_alloc(&tree->arena, services * sizeof(*conf->services));
	conf->clients =
	    arena_alloc(&tree->arena, clients * sizeof(*conf->clients));
	if (conf->services == NULL || conf->clients == NULL)
		return (ERR_NO_MEMORY);
	return (0);
}

int
build_conf(
    struct conf *conf, struct conf_tree *tree, struct conf_report *report)
{
	struct builder b = {
	    .reader = {.arena = &tree->arena,
		.report = report,
		.extended = build_extended(tree)},
	    .conf = conf,
	};
	struct objects none = {.service = NULL};

	if (build_arrays(conf, tree) != 0)
		return (ERR_NO_MEMORY);
	for (int id = BLOCK_ROOT; id < BLOCK_COUNT; id++) {
		if (conf_blocks[id].base == BASE_CONF)
			build_defaults(&b, (enum conf_block_id)id, conf);
	}
	build_block(&b, tree->root, true, none);
	for (unsigned i = 0; i < conf->service_count; i++)
		build_finish(&b, &conf->services[i], tree);
	return (b.reader.no_memory ? ERR_NO_MEMORY : 0);
}
