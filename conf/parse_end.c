/*
 * The end of a statement, and what stands there instead. Planner and CLI;
 * distrusts the whole text.
 */
#include "conf/parser.h"

/* A word too many that is the next statement: what is missing is a `;`. */
static bool
parse_runs_on(const struct parser *p)
{
	return (
	    !p->line && p->cur.type == TOKEN_WORD && parse_is_known(p, p->in));
}

/* What stands behind a whole statement, and does not belong there. */
static void
parse_excess(struct parser *p, const char *what)
{
	char text[PARSE_NAME_MAX];

	if (parse_runs_on(p)) {
		parse_error(p, p->end, "`;` is missing after %s", what);
		return;
	}
	if (p->cur.type == TOKEN_BAD ||
	    (p->peek.type == TOKEN_BAD && !p->peek.first))
		; /* was told */
	else if (p->cur.type == TOKEN_WORD && p->cur.text[0] == ',' &&
		 !p->secret)
		parse_error(p, p->cur.pos,
		    "no comma is allowed here: write a list as `[ A B ]`");
	else if (p->line && p->cur.type == TOKEN_SEMICOLON)
		parse_error(p, p->cur.pos, "a set line ends without `;`");
	else
		parse_error(p, p->cur.pos,
		    "unexpected %s after %s: %s is expected",
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
		 p->cur.type == TOKEN_CLOSE) {
		/* A file that was cut short, or written with `=`, was told. */
		if ((p->reported & PARSE_REPORTED_EQUALS) == 0 &&
		    !p->lexer.cut &&
		    (p->cur.type != TOKEN_END || p->missing <= 0))
			parse_error(p, p->end, "`;` is missing after %s", what);
	} else
		parse_excess(p, what);
}
