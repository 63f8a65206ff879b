/*
 * The parser's smaller parts: values, keys, merging, and what is unknown.
 * Planner and CLI; distrusts the whole text.
 */
#include <string.h>

#include "conf/parser.h"
#include "conf/value.h"

/* What `show configuration` writes in a secret's place. */
#define MASK "********"

/* The current token as a value; false, and reported, when it is none. */
static bool
parse_value(struct parser *p, const char *what, const char *kind,
    struct conf_value *out)
{
	char text[PARSE_NAME_MAX];

	if (parse_at_end(p)) {
		conf_report_add(
		    p->report, CONF_ERROR, p->end, "%s needs %s", what, kind);
		return (false);
	}
	if (p->cur.type == TOKEN_BAD)
		return (false); /* was told */
	if (p->cur.type == TOKEN_WORD && strcmp(p->cur.text, "=") == 0 &&
	    !p->peek.first &&
	    (p->peek.type == TOKEN_WORD || p->peek.type == TOKEN_STRING)) {
		parse_error(
		    p, p->cur.pos, "no `=` is allowed in %s: remove it", what);
		p->reported |= PARSE_REPORTED_EQUALS;
		parse_advance(p);
	}
	if (p->cur.type != TOKEN_WORD && p->cur.type != TOKEN_STRING) {
		parse_error(p, p->cur.pos, "%s needs %s, not %s%s", what, kind,
		    lex_token_text(&p->cur, text, sizeof(text)),
		    p->cur.type == TOKEN_LIST ? ": it takes no list" : "");
		return (false);
	}
	if (strstr(p->cur.text, MASK) != NULL)
		conf_report_add(p->report, CONF_ERROR, p->cur.pos,
		    "%s: " MASK
		    " is shown in place of a secret; write the secret itself",
		    what);
	out->text = p->cur.text;
	out->pos = p->cur.pos;
	parse_advance(p);
	return (true);
}

/*
 * The next statement stands where a value is awaited: what is missing is the
 * value, or the `]`. A name may be a value as well, of some kinds.
 */
static bool
parse_misses_value(const struct parser *p, const struct conf_statement *stmt)
{
	bool free = stmt->type == TYPE_STRING || stmt->type == TYPE_NAME ||
		    stmt->type == TYPE_ENV || stmt->type == TYPE_WORD ||
		    stmt->type == TYPE_LINES;

	return (!p->line && p->cur.first && parse_is_known(p, p->in) &&
		(!free || p->peek.type != TOKEN_SEMICOLON));
}

/* Behind what is wrong in a list, to its end. */
static void
parse_skip_list(struct parser *p)
{
	while (!parse_at_end(p) && p->cur.type != TOKEN_LIST_END &&
	       p->cur.type != TOKEN_CLOSE &&
	       !(p->cur.first && parse_is_known(p, p->in)))
		parse_advance(p);
}

static bool
parse_list(struct parser *p, const struct conf_statement *stmt,
    struct conf_value *values, unsigned *count)
{
	struct conf_pos open = p->cur.pos;

	parse_advance(p);
	while (p->cur.type != TOKEN_LIST_END) {
		if (parse_at_end(p) || p->cur.type == TOKEN_CLOSE ||
		    parse_misses_value(p, stmt)) {
			conf_report_add(p->report, CONF_ERROR, open,
			    "the `[` of %s is not closed", stmt->name);
			return (false);
		}
		if (*count == CONF_VALUES_MAX) {
			conf_report_add(p->report, CONF_ERROR, p->cur.pos,
			    "%s: more than %d values", stmt->name,
			    CONF_VALUES_MAX);
			parse_skip_list(p);
			return (false);
		}
		if (!parse_value(p, stmt->name, schema_type_name(stmt->type),
			&values[*count])) {
			parse_skip_list(p);
			return (false);
		}
		(*count)++;
	}
	parse_advance(p);
	if (*count == 0) {
		conf_report_add(p->report, CONF_ERROR, open,
		    "%s: an empty list", stmt->name);
		return (false);
	}
	return (true);
}

/* A variable as the shell writes it; true when it was told. */
static bool
parse_joins_value(struct parser *p, const struct conf_value *v)
{
	size_t n = strcspn(v->text, "=");

	if (v->text[n] == '\0')
		return (false);
	parse_error(p, v->pos,
	    "environment: separate the name and the value: write `environment "
	    "%.*s VALUE%s`",
	    n < 40 ? (int)n : 40, v->text, p->line ? "" : ";");
	return (true);
}

bool
parse_values(struct parser *p, const struct conf_statement *stmt,
    struct conf_value *values, unsigned *count)
{
	unsigned arity = schema_arity(stmt);

	*count = 0;
	if (schema_is_list(stmt) && p->cur.type == TOKEN_LIST &&
	    !parse_at_end(p))
		return (parse_list(p, stmt, values, count));
	while (*count < arity) {
		if (parse_misses_value(p, stmt)) {
			parse_error(p, p->end, "%s needs %s", stmt->name,
			    schema_type_name(stmt->type));
			return (false);
		}
		if (!stmt->secret && p->cur.type == TOKEN_WORD &&
		    p->cur.text[0] == '\'' && !parse_at_end(p)) {
			parse_error(p, p->cur.pos,
			    "%s: put a value with spaces in double quotes, not "
			    "single quotes",
			    stmt->name);
			return (false);
		}
		if (!parse_value(p, stmt->name, schema_type_name(stmt->type),
			&values[*count]))
			return (false);
		(*count)++;
		if (stmt->type == TYPE_ENV && *count == 1 &&
		    parse_joins_value(p, &values[0]))
			return (false);
	}
	return (true);
}

/* A list grows; what it has already is not added again. */
static void
merge_list(struct parser *p, struct conf_node *node, struct conf_pos pos,
    bool inactive, const struct conf_value *values, unsigned n)
{
	struct conf_value all[CONF_VALUES_MAX];
	unsigned count = node->value_count;

	/*
	 * Half a list turned off would either open what was closed or, with
	 * all of it off, open everything: the default.
	 */
	if (node->inactive != inactive) {
		conf_report_add(p->report, CONF_ERROR, pos,
		    "%s is inactive in one place and active in another "
		    "(line %u): write one of them",
		    node->stmt->name, node->pos.line);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		all[i] = node->values[i];
	for (unsigned i = 0; i < n; i++) {
		unsigned j = 0;

		while (j < count && strcmp(all[j].text, values[i].text) != 0)
			j++;
		if (j < count)
			continue;
		if (count == CONF_VALUES_MAX) {
			conf_report_add(p->report, CONF_ERROR, values[i].pos,
			    "%s: more than %d values", node->stmt->name,
			    CONF_VALUES_MAX);
			return;
		}
		all[count++] = values[i];
	}
	if (tree_set_values(p->tree, node, all, count) != 0)
		p->lexer.no_memory = true;
}

static void
merge_new(struct parser *p, struct conf_node *parent,
    const struct conf_statement *stmt, struct conf_pos pos, bool inactive,
    const struct conf_value *values, unsigned n)
{
	struct conf_node *node;

	node = tree_add(p->tree, parent, BLOCK_NONE, stmt, pos);
	if (node == NULL) {
		parse_too_many(p, pos);
		return;
	}
	node->inactive = inactive;
	if (!schema_is_list(stmt)) {
		if (tree_set_values(p->tree, node, values, n) != 0)
			p->lexer.no_memory = true;
	} else
		merge_list(p, node, pos, inactive, values, n);
}

/* One value takes another's place: perhaps two were meant. */
static void
merge_warn(struct parser *p, const struct conf_node *node, struct conf_pos pos,
    bool inactive, const struct conf_value *values, unsigned n)
{
	bool same = true;

	for (unsigned i = 0; i < n; i++)
		same =
		    same && strcmp(node->values[i].text, values[i].text) == 0;
	if (same || inactive || node->inactive)
		return;
	conf_report_add(p->report, CONF_WARNING, pos,
	    "%s is repeated and replaces that of line %u: remove one of them",
	    node->stmt->name, node->pos.line);
}

void
parse_merge(struct parser *p, struct conf_node *parent,
    const struct conf_statement *stmt, struct conf_pos pos, bool inactive,
    const struct conf_value *values, unsigned n)
{
	struct conf_node *node;

	node = tree_find_statement(parent, stmt, n > 0 ? values[0].text : NULL);
	if (node == NULL)
		merge_new(p, parent, stmt, pos, inactive, values, n);
	else if (schema_is_list(stmt))
		merge_list(p, node, pos, inactive, values, n);
	else {
		merge_warn(
		    p, node, pos, inactive || parent->inactive, values, n);
		/* A set line sets a value, and does not activate it. */
		if (!p->line)
			node->inactive = inactive;
		if (tree_replace(p->tree, node, pos, values, n) != 0)
			parse_too_many(p, pos);
	}
}

enum conf_block_id
parse_implicit(const struct parser *p, enum conf_block_id in)
{
	enum conf_block_id id = schema_implicit_block(in);
	unsigned distance;

	if (id == BLOCK_NONE || !value_is_host(p->cur.text))
		return (BLOCK_NONE);
	if (value_is_address(p->cur.text) || strchr(p->cur.text, '.') != NULL)
		return (id);
	/* A bare word is a host only where it cannot be a slip of the pen. */
	if (schema_nearest(in, p->cur.text, &distance) != NULL && distance <= 2)
		return (BLOCK_NONE);
	if (p->peek.type == TOKEN_OPEN ||
	    (p->peek.type == TOKEN_WORD &&
		schema_find_statement(id, p->peek.text) != NULL))
		return (id);
	return (BLOCK_NONE);
}

const char *
parse_key(struct parser *p, enum conf_block_id block)
{
	const struct conf_block *b = &conf_blocks[block];
	bool host = b->key == KEY_HOST, address = b->key == KEY_ADDRESS;
	struct conf_value key;

	if (!parse_value(
		p, b->name, host || address ? "an address" : "a name", &key))
		return (NULL);
	if (host      ? value_is_host(key.text)
	    : address ? value_is_address(key.text)
		      : value_is_label(key.text, SERVICE_NAME_MAX - 1))
		return (key.text);
	if (host || address)
		conf_report_add(p->report, CONF_ERROR, key.pos,
		    "%s: `%.60s` is %s", b->name, key.text,
		    host ? "neither an address nor a host name"
			 : "no address of IPv4 or IPv6: names are not "
			   "looked up here");
	else
		conf_report_add(p->report, CONF_ERROR, key.pos,
		    "%s: `%.60s` is not a name of up to %d letters, digits and "
		    ". _ -",
		    b->name, key.text, SERVICE_NAME_MAX - 1);
	return (NULL);
}

/* One step of a path: the block or statement named at the current token. */
static struct conf_node *
deactivate_step(struct parser *p, const struct conf_node *at, bool *known)
{
	const struct conf_statement *stmt;
	enum conf_block_id id;
	const char *key = NULL;

	*known = true;
	id = schema_find_block(at->block, p->cur.text);
	stmt = schema_find_statement(at->block, p->cur.text);
	if (id == BLOCK_NONE && stmt == NULL)
		id = parse_implicit(p, at->block);
	else
		parse_advance(p);
	if (id == BLOCK_NONE && stmt == NULL) {
		parse_unknown(p, at->block);
		*known = false;
		return (NULL);
	}
	if (id != BLOCK_NONE) {
		if (conf_blocks[id].key != KEY_NONE) {
			key = parse_key(p, id);
			*known = key != NULL;
		}
		return (*known ? tree_find_block(at, id, key) : NULL);
	}
	if (schema_is_keyed(stmt)) {
		struct conf_value value;

		*known = parse_value(p, stmt->name, "a name", &value);
		key = *known ? value.text : NULL;
	}
	return (*known ? tree_find_statement(at, stmt, key) : NULL);
}

void
parse_deactivate(struct parser *p)
{
	struct conf_pos pos = p->cur.pos;
	struct conf_node *at = p->tree->root;
	bool known = true;

	while (at != NULL && at->stmt == NULL && !parse_at_end(p)) {
		if (p->cur.type != TOKEN_WORD) {
			known = false;
			break;
		}
		at = deactivate_step(p, at, &known);
	}
	if (at == NULL && known)
		conf_report_add(p->report, CONF_ERROR, pos,
		    "there is no such statement to deactivate");
	else if (at != NULL && known) {
		at->inactive = true;
		parse_end(p, "the path");
		return;
	}
	if (at != NULL && p->cur.type != TOKEN_BAD)
		conf_report_add(p->report, CONF_ERROR, p->cur.pos,
		    "the path of a statement is expected");
	if (!parse_at_end(p))
		parse_skip(p);
}
