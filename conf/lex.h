/*
 * Bytes to tokens. Planner and CLI. Distrusts every byte; what is no token is
 * reported here, once, and comes as TOKEN_BAD.
 */
#ifndef PORTREEVE_CONF_LEX_H
#define PORTREEVE_CONF_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/arena.h"
#include "conf/conf.h"

enum token_type {
	TOKEN_END, /* of the text */
	TOKEN_WORD,
	TOKEN_STRING, /* was in quotes */
	TOKEN_OPEN,   /* { */
	TOKEN_CLOSE,  /* } */
	TOKEN_LIST,   /* [ */
	TOKEN_LIST_END,
	TOKEN_SEMICOLON,
	TOKEN_BAD
};

struct token {
	enum token_type type;
	const char *text; /* words and strings: unquoted, in the arena */
	struct conf_pos pos;
	struct conf_pos end; /* of the byte after it */
	bool first;	     /* on its line */
	size_t at;	     /* offset in the text */
};

struct lexer {
	const char *text;
	size_t size, at;
	struct conf_pos pos;
	bool fresh; /* no token on this line yet */
	bool cut;   /* a comment without an end took the rest */
	bool no_memory;
	struct arena *arena;
	struct conf_report *report; /* NULL: nothing is reported */
};

/* arena NULL: tokens have no text, for counting them. */
void lex_start(struct lexer *lx, const char *text, size_t n,
    struct arena *arena, struct conf_report *report);

/* The next token; TOKEN_END for ever at the end, and when memory is out. */
struct token lex_next(struct lexer *lx);

/*
 * How many more `{` than `}` the text has; what is no token does not count, as
 * it does not for the parser.
 */
long lex_balance(const char *text, size_t n);

/* How a message calls a token: "`port`", "`{`", "the end of the file". */
const char *lex_token_text(const struct token *t, char *buf, size_t size);

#endif
