/*
 * The grammar: blocks in braces and set lines are read by the same functions,
 * and differ in how a statement ends. An error skips to the next statement, so
 * that all of them are told at once. Recursion is bounded by the language's own
 * depth: only known blocks are entered, unknown ones are skipped by counting.
 * Monitor and CLI; distrusts the whole text.
 */
#include <string.h>

#include "conf/parse.h"
#include "conf/parser.h"
#include "lib/err.h"

void
parse_advance(struct parser *p)
{
	p->end = p->cur.end;
	p->cur = p->peek;
	if (p->stopped)
		p->cur.type = TOKEN_END;
	else
		p->peek = lex_next(&p->lexer);
}

void
parse_stop(struct parser *p)
{
	p->stopped = true;
	p->cur.type = p->peek.type = TOKEN_END;
}

bool
parse_at_end(const struct parser *p)
{
	if (p->cur.type == TOKEN_END)
		return (true);
	return (p->line ? p->cur.first : p->cur.type == TOKEN_SEMICOLON);
}

/* Past a `{` and all up to its `}`. */
static void
parse_skip_braces(struct parser *p)
{
	unsigned depth = 0;

	do {
		if (p->cur.type == TOKEN_OPEN)
			depth++;
		else if (p->cur.type == TOKEN_CLOSE)
			depth--;
		parse_advance(p);
	} while (depth > 0 && p->cur.type != TOKEN_END);
}

void
parse_skip(struct parser *p)
{
	bool broken = p->cur.type == TOKEN_BAD;

	if (!p->line && p->cur.type == TOKEN_CLOSE)
		return;
	while (p->cur.type != TOKEN_END) {
		if (p->line) {
			if (p->cur.first)
				return;
		} else if (p->cur.type == TOKEN_CLOSE)
			return;
		else if (p->cur.type == TOKEN_OPEN) {
			parse_skip_braces(p);
			return;
		} else if (p->cur.type == TOKEN_SEMICOLON) {
			parse_advance(p);
			return;
		}
		broken = broken || p->cur.type == TOKEN_BAD;
		parse_advance(p);
		/* What broke a line may have swallowed its `;`. */
		if (broken && p->cur.first)
			return;
	}
}

/* What stands behind a whole statement, and does not belong there. */
static void
parse_excess(struct parser *p, const char *what)
{
	char text[PARSE_NAME_MAX];

	if (p->cur.type == TOKEN_BAD)
		; /* was told */
	else if (p->line && p->cur.type == TOKEN_SEMICOLON)
		conf_report_add(p->report, CONF_ERROR, p->cur.pos,
		    "a set line ends with its line, without `;`");
	else
		conf_report_add(p->report, CONF_ERROR, p->cur.pos,
		    "%s is too much after %s: %s is expected",
		    p->secret ? "this"
			      : lex_token_text(&p->cur, text, sizeof(text)),
		    what, p->line ? "the end of the line" : "`;`");
	if (p->line)
		parse_advance(p);
	parse_skip(p);
}

void
parse_end(struct parser *p, const char *what)
{
	if (p->stopped || p->lexer.no_memory)
		return;
	if (p->line) {
		if (!parse_at_end(p))
			parse_excess(p, what);
	} else if (p->cur.type == TOKEN_SEMICOLON)
		parse_advance(p);
	else if (p->cur.first || p->cur.type == TOKEN_END ||
		 p->cur.type == TOKEN_CLOSE)
		conf_report_add(p->report, CONF_ERROR, p->end,
		    "`;` is missing after %s", what);
	else
		parse_excess(p, what);
}

static void
parse_children(struct parser *p, struct conf_node *block)
{
	struct conf_pos open = p->cur.pos;

	parse_advance(p);
	while (p->cur.type != TOKEN_CLOSE && p->cur.type != TOKEN_END)
		parse_statement(p, block);
	if (p->cur.type == TOKEN_CLOSE)
		parse_advance(p);
	else if (!p->stopped && !p->lexer.no_memory)
		conf_report_add(p->report, CONF_ERROR, open,
		    "the `{` of %s is not closed", tree_name(block));
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
			    "%s is inactive since line %u and stays so",
			    tree_name(n), n->pos.line);
		n->inactive = n->inactive || inactive;
		return (n);
	}
	n = tree_add(p->tree, parent, id, NULL, name->pos);
	if (n == NULL ||
	    tree_set_values(p->tree, n, &value, key != NULL) != 0) {
		conf_report_add(p->report, CONF_ERROR, name->pos,
		    "too many statements: %d are the most", CONF_NODES_MAX);
		parse_stop(p);
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
		parse_children(p, block);
	else if (p->cur.type == TOKEN_WORD && !p->cur.first)
		parse_statement(p, block); /* all of it on one line */
	else
		parse_end(p, tree_name(block));
}

static void
parse_leaf(struct parser *p, struct conf_node *parent,
    const struct conf_statement *stmt, const struct token *name, bool inactive)
{
	struct conf_value values[CONF_VALUES_MAX];
	unsigned n;

	if (!parse_values(p, stmt, values, &n)) {
		parse_skip(p);
		return;
	}
	parse_merge(p, parent, stmt, name->pos, inactive, values, n);
	p->secret = stmt->secret;
	parse_end(p, stmt->name);
	p->secret = false;
}

/* Past an `inactive:`, with or without a space behind it; whether it is there. */
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

	if (!p->line)
		inactive = parse_inactive(p);
	name = p->cur;
	if (name.type != TOKEN_WORD) {
		if (name.type != TOKEN_BAD)
			conf_report_add(p->report, CONF_ERROR, name.pos,
			    "a statement is expected here, not %s",
			    lex_token_text(&name, text, sizeof(text)));
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
	else {
		parse_unknown(p, parent->block);
		parse_skip(p);
	}
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
		    "this `}` closes nothing");
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

	lex_start(&p.lexer, text, n, &tree->arena, report);
	p.cur = lex_next(&p.lexer);
	p.peek = lex_next(&p.lexer);
	while (p.cur.type != TOKEN_END)
		parse_top(&p);
	return (p.lexer.no_memory ? ERR_NO_MEMORY : 0);
}
