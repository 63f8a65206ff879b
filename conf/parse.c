/*
 * The grammar: blocks in braces and set lines are read by the same functions,
 * and differ in how a statement ends. An error skips to the next statement, so
 * that all of them are told at once. Recursion is bounded by the language's own
 * depth: only known blocks are entered, unknown ones are skipped by counting.
 * Calls go down: to parse_brace.c (where a brace is missing), parse_leaf.c
 * (values), parse_end.c, parse_unknown.c (what an unknown name may be) and
 * parse_token.c.
 * Planner and CLI; distrusts the whole text.
 */
#include <string.h>

#include "conf/parse.h"
#include "conf/parser.h"
#include "lib/err.h"

/* open: whether the current token is its `{`. */
static void
parse_children(struct parser *p, struct conf_node *block, bool open)
{
	struct parse_frame frame = {.up = p->top,
	    .block = block,
	    .open = p->cur.pos,
	    .indent = p->indent};

	p->top = &frame;
	if (open)
		parse_advance(p);
	while (p->cur.type != TOKEN_END) {
		if (parse_brace_missing(p))
			goto out;
		if (p->cur.type != TOKEN_CLOSE)
			parse_statement(p, block);
		else if (parse_brace_closes(p))
			goto out;
	}
	if (!p->stopped && !p->lexer.no_memory)
		parse_brace_end(p);
out:
	p->top = frame.up;
}

/* The block in the tree, made or found; its inactivity settled. */
static struct conf_node *
parse_open(struct parser *p, struct conf_node *parent, enum conf_block_id id,
    const struct token *name, const char *key, struct conf_pos key_pos,
    bool inactive)
{
	struct conf_value value = {.text = key, .pos = key_pos};
	struct conf_node *n = tree_find_block(parent, id, key);

	if (n != NULL) {
		if (n->inactive && !inactive && !p->line)
			conf_report_add(p->report, CONF_WARNING, name->pos,
			    "%s has been inactive since line %u and remains so",
			    tree_name(n), n->pos.line);
		n->inactive = n->inactive || inactive;
		return (n);
	}
	n = tree_add(p->tree, parent, id, NULL, name->pos);
	if (n == NULL ||
	    tree_set_values(p->tree, n, &value, key != NULL) != 0) {
		parse_too_many(p, name->pos);
		return (NULL);
	}
	n->inactive = inactive;
	return (n);
}

static void
parse_block(struct parser *p, struct conf_node *parent, enum conf_block_id id,
    const struct token *name, bool inactive)
{
	struct conf_pos key_pos = p->cur.pos;
	struct conf_node *block;
	const char *key = NULL;

	if (conf_blocks[id].key != KEY_NONE) {
		key = parse_key(p, id);
		if (key == NULL) {
			parse_skip(p);
			return;
		}
	}
	block = parse_open(p, parent, id, name, key, key_pos, inactive);
	if (block == NULL)
		return;
	if (!p->line && p->cur.type == TOKEN_OPEN)
		parse_children(p, block, true);
	else if (parse_brace_forgotten(p, id))
		parse_children(p, block, false);
	else if (p->cur.type == TOKEN_WORD && !p->cur.first)
		parse_statement(p, block); /* all of it on one line */
	else {
		p->in = parent->block;
		p->reported &= ~PARSE_REPORTED_EQUALS;
		parse_end(p, tree_name(block));
	}
}

/* Words of a command that stand outside of quotes: one sentence for all. */
static bool
parse_unquoted(struct parser *p, const struct conf_statement *stmt,
    const struct conf_value *value)
{
	if ((stmt->type != TYPE_EXEC && stmt->type != TYPE_COMMAND) ||
	    parse_at_end(p) || p->cur.type != TOKEN_WORD ||
	    (!p->line && (p->cur.first || parse_is_known(p, p->in))))
		return (false);
	/* A quote that was not opened was told. */
	if (p->peek.type != TOKEN_BAD || p->peek.first)
		parse_error(p, p->cur.pos,
		    "%s: put a command of several words in double quotes: "
		    "write `%s \"%.40s %.40s%s\"%s`",
		    stmt->name, stmt->name, value->text, p->cur.text,
		    p->peek.type == TOKEN_WORD && !p->peek.first ? " ..." : "",
		    p->line ? "" : ";");
	parse_skip(p);
	return (true);
}

static void
parse_leaf(struct parser *p, struct conf_node *parent,
    const struct conf_statement *stmt, const struct token *name, bool inactive)
{
	struct conf_value values[CONF_VALUES_MAX];
	unsigned n;

	p->in = parent->block;
	p->reported &= ~PARSE_REPORTED_EQUALS;
	if (!parse_values(p, stmt, values, &n)) {
		if (tree_fail(p->tree, parent, stmt, name->pos) != 0)
			parse_too_many(p, name->pos);
		/* What stands on the next line is the next statement. */
		if (p->cur.type != TOKEN_WORD || !p->cur.first)
			parse_skip(p);
		return;
	}
	parse_merge(p, parent, stmt, name->pos, inactive, values, n);
	if (n == 1 && parse_unquoted(p, stmt, &values[0]))
		return;
	p->secret = stmt->secret;
	parse_end(p, stmt->name);
	p->secret = false;
}

/* Past an `inactive:`, with or without a space behind it; whether it is there.
 */
static bool
parse_inactive(struct parser *p)
{
	static const char word[] = "inactive:";
	const unsigned n = sizeof(word) - 1;

	if (p->cur.type != TOKEN_WORD || strncmp(p->cur.text, word, n) != 0)
		return (false);
	if (p->cur.text[n] == '\0') {
		parse_advance(p);
	} else {
		p->cur.text += n;
		p->cur.pos.col += n;
	}
	return (true);
}

void
parse_statement(struct parser *p, struct conf_node *parent)
{
	const struct conf_statement *stmt;
	char text[PARSE_NAME_MAX];
	enum conf_block_id id;
	bool inactive = false;
	struct token name;

	if (parse_inetd_line(p))
		return;
	if (!p->line)
		inactive = parse_inactive(p);
	name = p->cur;
	if (parse_brace_doubled(p))
		return;
	if (name.type != TOKEN_WORD) {
		if (name.type != TOKEN_BAD)
			parse_error(p, name.pos,
			    "a statement is expected here, not %s%s",
			    lex_token_text(&name, text, sizeof(text)),
			    name.type == TOKEN_LIST && name.first
				? ": a line in brackets is a prompt or a "
				  "section's header; remove it"
			    : name.type == TOKEN_SEMICOLON &&
				    p->before == TOKEN_CLOSE
				? ": a `}` has none after it"
				: "");
		parse_skip(p);
		return;
	}
	id = schema_find_block(parent->block, name.text);
	stmt = schema_find_statement(parent->block, name.text);
	if (id == BLOCK_NONE && stmt == NULL)
		id = parse_implicit(p, parent->block);
	else
		parse_advance(p);
	if (id != BLOCK_NONE)
		parse_block(p, parent, id, &name, inactive);
	else if (stmt != NULL)
		parse_leaf(p, parent, stmt, &name, inactive);
	else
		parse_unknown(p, parent->block);
}

/* `set PATH VALUE` and `deactivate PATH`, each on its line. */
static void
parse_line(struct parser *p, bool set)
{
	struct token verb = p->cur;

	p->line = true;
	parse_advance(p);
	if (parse_at_end(p))
		conf_report_add(p->report, CONF_ERROR, verb.pos,
		    "%s needs the path of a statement on its line", verb.text);
	else if (set)
		parse_statement(p, p->tree->root);
	else
		parse_deactivate(p);
	p->line = false;
}

static void
parse_top(struct parser *p)
{
	if (p->cur.type == TOKEN_CLOSE) {
		conf_report_add(p->report, CONF_ERROR, p->cur.pos,
		    "this `}` has no matching `{`");
		parse_advance(p);
	} else if (p->cur.type == TOKEN_WORD && strcmp(p->cur.text, "set") == 0)
		parse_line(p, true);
	else if (p->cur.type == TOKEN_WORD &&
		 strcmp(p->cur.text, "deactivate") == 0)
		parse_line(p, false);
	else
		parse_statement(p, p->tree->root);
}

int
parse_text(struct conf_tree *tree, const char *text, size_t n,
    struct conf_report *report)
{
	struct parser p = {.tree = tree, .report = report};

	p.missing = lex_balance(text, n);
	lex_start(&p.lexer, text, n, &tree->arena, report);
	p.peek = lex_next(&p.lexer);
	parse_advance(&p);
	while (p.cur.type != TOKEN_END)
		parse_top(&p);
	return (p.lexer.no_memory ? ERR_NO_MEMORY : 0);
}
