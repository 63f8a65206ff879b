/*
 * Where a brace is missing, or one too many: by the file's balance, which says
 * that there is one, and by the columns and names, which say where. In a file
 * whose braces are even nothing here changes what it means. Planner and CLI;
 * distrusts the whole text.
 */
#include <string.h>

#include "conf/parser.h"

/* The innermost of those that the same token shows to be open. */
static void
brace_report(struct parser *p, const struct parse_frame *f)
{
	char text[PARSE_NAME_MAX];
	bool again =
	    p->brace.line == p->cur.pos.line && p->brace.col == p->cur.pos.col;

	p->missing--;
	p->brace = p->cur.pos;
	if (again)
		return;
	if (p->cur.type == TOKEN_END)
		parse_error(p, f->open, "the `{` of %s is not closed",
		    tree_name(f->block));
	else
		parse_error(p, f->open,
		    "the `{` of %s is not closed before %s (line %u)",
		    tree_name(f->block),
		    lex_token_text(&p->cur, text, sizeof(text)),
		    p->cur.pos.line);
}

static bool
brace_is_line(const struct token *t)
{
	return (
	    t->type == TOKEN_WORD && (strcmp(t->text, "set") == 0 ||
					 strcmp(t->text, "deactivate") == 0));
}

/* A name of a block around the top one, and not indented below it. */
static bool
brace_is_above(const struct parser *p)
{
	const struct parse_frame *f = p->top;
	struct token name = p->cur;

	if (name.type != TOKEN_WORD || name.pos.col > f->indent)
		return (false);
	if (brace_is_line(&name))
		return (true);
	if (strcmp(name.text, "inactive:") == 0)
		name = p->peek;
	if (name.type != TOKEN_WORD || schema_knows(f->block->block, name.text))
		return (false);
	for (f = f->up; f != NULL; f = f->up) {
		if (schema_knows(f->block->block, name.text))
			return (true);
	}
	return (false);
}

/* A `}` that stands where that of a block further out would. */
static bool
brace_is_outer(const struct parser *p)
{
	if (p->cur.type != TOKEN_CLOSE || p->cur.pos.col >= p->top->indent)
		return (false);
	for (const struct parse_frame *f = p->top->up; f != NULL; f = f->up) {
		if (f->indent == p->cur.pos.col)
			return (true);
	}
	return (false);
}

bool
parse_brace_forgotten(struct parser *p, enum conf_block_id block)
{
	const struct token *name = &p->cur;

	if (p->line || p->missing >= 0 || !p->cur.first)
		return (false);
	if (name->type == TOKEN_WORD && strcmp(name->text, "inactive:") == 0)
		name = &p->peek;
	if (name->type != TOKEN_WORD || !schema_knows(block, name->text))
		return (false);
	parse_error(
	    p, p->end, "`{` is missing after %s", conf_blocks[block].name);
	p->missing++;
	return (true);
}

bool
parse_brace_missing(struct parser *p)
{
	if (p->missing <= 0 || !p->cur.first ||
	    (!brace_is_above(p) && !brace_is_outer(p)))
		return (false);
	brace_report(p, p->top);
	return (true);
}

bool
parse_brace_doubled(struct parser *p)
{
	if (p->missing <= 0 || p->cur.type != TOKEN_OPEN ||
	    p->before != TOKEN_OPEN)
		return (false);
	parse_error(p, p->cur.pos, "no block begins with this `{`");
	p->missing--;
	parse_advance(p);
	return (true);
}

/* What comes next belongs to the block, and not to the one around it. */
static bool
brace_goes_on(const struct parser *p)
{
	const struct parse_frame *f = p->top;

	return (p->peek.type == TOKEN_WORD &&
		schema_knows(f->block->block, p->peek.text) &&
		(f->up == NULL ||
		    !schema_knows(f->up->block->block, p->peek.text)));
}

bool
parse_brace_closes(struct parser *p)
{
	bool needless = p->missing < 0 &&
			((p->cur.first && p->cur.pos.col > p->top->indent) ||
			    brace_goes_on(p));

	if (needless) {
		parse_error(p, p->cur.pos, "this `}` has no matching `{`");
		p->missing++;
	}
	parse_advance(p);
	return (!needless);
}

void
parse_brace_end(struct parser *p)
{
	/* A comment without an end took them; that was told. */
	if (p->lexer.cut)
		p->missing = 0;
	if (p->missing <= 0)
		return;
	brace_report(p, p->top);
	p->missing = 0;
}
