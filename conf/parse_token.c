/*
 * The parser's tokens: the next one, where a statement ends, how far to skip
 * behind an error. Planner and CLI; distrusts the whole text.
 */
#include <stdarg.h>
#include <stdio.h>

#include "conf/parser.h"

void
parse_error(struct parser *p, struct conf_pos pos, const char *fmt, ...)
{
	char text[CONF_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	conf_report_add(p->report, CONF_ERROR, pos, "%s", text);
}

void
parse_advance(struct parser *p)
{
	p->end = p->cur.end;
	p->before = p->cur.type;
	p->cur = p->peek;
	if (p->cur.first)
		p->indent = p->cur.pos.col;
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

void
parse_too_many(struct parser *p, struct conf_pos pos)
{
	parse_error(p, pos, "more than %d statements", CONF_NODES_MAX);
	parse_stop(p);
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

/*
 * A word that begins a line begins a statement too, so that a `;` which is
 * missing hides nothing; but within a list it does not.
 */
void
parse_skip(struct parser *p)
{
	bool broken = p->cur.type == TOKEN_BAD;
	unsigned lists = 0;

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
		lists += p->cur.type == TOKEN_LIST;
		lists -= lists > 0 && p->cur.type == TOKEN_LIST_END;
		parse_advance(p);
		/* What broke a line may have swallowed its `;`. */
		if (p->cur.first &&
		    (broken || (lists == 0 && p->cur.type == TOKEN_WORD)))
			return;
	}
}
