/*
 * The lexer. A `#` or a slash and star begin a comment only where a token could
 * begin, so that no value is ever cut short in silence; a string ends on its
 * line, so that a forgotten quote spoils one line and not the file. Monitor and
 * CLI; distrusts every byte.
 */
#include <stdio.h>
#include <string.h>

#include "conf/lex.h"
#include "conf/schema.h"

void
lex_start(struct lexer *lx, const char *text, size_t n, struct arena *arena,
    struct conf_report *report)
{
	memset(lx, 0, sizeof(*lx));
	lx->text = text;
	lx->size = n;
	lx->pos.line = 1;
	lx->pos.col = 1;
	lx->fresh = true;
	lx->arena = arena;
	lx->report = report;
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		lx->at = 3;
}

static bool
lex_has(const struct lexer *lx)
{
	return (lx->at < lx->size);
}

static unsigned char
lex_peek(const struct lexer *lx, size_t ahead)
{
	if (ahead >= lx->size - lx->at)
		return ('\0');
	return ((unsigned char)lx->text[lx->at + ahead]);
}

static void
lex_step(struct lexer *lx)
{
	if (lx->text[lx->at] == '\n') {
		lx->pos.line++;
		lx->pos.col = 1;
		lx->fresh = true;
	} else
		lx->pos.col++;
	lx->at++;
}

static bool
lex_is_space(unsigned char c)
{
	return (c == ' ' || c == '\t' || c == '\n' || c == '\r');
}

static bool
lex_is_word(unsigned char c)
{
	return (c > ' ' && c < 0x7f && strchr("{}[];\"", c) == NULL);
}

static void
lex_skip_line(struct lexer *lx)
{
	while (lex_has(lx) && lx->text[lx->at] != '\n')
		lex_step(lx);
}

/* Past a comment; false, and reported, when it has no end. */
static bool
lex_skip_comment(struct lexer *lx)
{
	struct conf_pos start = lx->pos;

	lex_step(lx);
	lex_step(lx);
	while (lex_has(lx)) {
		if (lex_peek(lx, 0) == '*' && lex_peek(lx, 1) == '/') {
			lex_step(lx);
			lex_step(lx);
			return (true);
		}
		lex_step(lx);
	}
	conf_report_add(lx->report, CONF_ERROR, start,
	    "this comment has no end: close it with */");
	return (false);
}

/* To where a token begins; false when a comment swallowed the rest. */
static bool
lex_skip(struct lexer *lx)
{
	while (lex_has(lx)) {
		unsigned char c = lex_peek(lx, 0);

		if (lex_is_space(c))
			lex_step(lx);
		else if (c == '#')
			lex_skip_line(lx);
		else if (c == '/' && lex_peek(lx, 1) == '*') {
			if (!lex_skip_comment(lx))
				return (false);
		} else
			break;
	}
	return (true);
}

static struct token
lex_keep(struct lexer *lx, struct token t, const char *text, size_t n)
{
	t.end = lx->pos;
	if (n >= CONF_VALUE_MAX) {
		conf_report_add(lx->report, CONF_ERROR, t.pos,
		    "this %s is longer than %d bytes",
		    t.type == TOKEN_STRING ? "string" : "word",
		    CONF_VALUE_MAX - 1);
		t.type = TOKEN_BAD;
		return (t);
	}
	t.text = arena_text(lx->arena, text, n);
	if (t.text == NULL) {
		lx->no_memory = true;
		t.type = TOKEN_END;
	}
	return (t);
}

static struct token
lex_word(struct lexer *lx, struct token t)
{
	const char *start = lx->text + lx->at;
	size_t n = 0;

	t.type = TOKEN_WORD;
	while (lex_has(lx) && lex_is_word(lex_peek(lx, 0))) {
		lex_step(lx);
		n++;
	}
	return (lex_keep(lx, t, start, n));
}

/* A string is wrong: say so, and go on at the next line. */
static struct token
lex_bad_string(
    struct lexer *lx, struct token t, struct conf_pos where, const char *why)
{
	conf_report_add(lx->report, CONF_ERROR, where, "%s", why);
	lex_skip_line(lx);
	t.type = TOKEN_BAD;
	t.end = lx->pos;
	return (t);
}

static struct token
lex_string(struct lexer *lx, struct token t)
{
	char buf[CONF_VALUE_MAX];
	size_t n = 0;

	t.type = TOKEN_STRING;
	lex_step(lx);
	for (;;) {
		unsigned char c = lex_peek(lx, 0);

		if (!lex_has(lx) || c == '\n' || c == '\r')
			return (lex_bad_string(lx, t, t.pos,
			    "this string has no closing quote on its line"));
		if (c == '"')
			break;
		if (c == '\\') {
			c = lex_peek(lx, 1);
			if (c != '"' && c != '\\')
				return (lex_bad_string(lx, t, lx->pos,
				    "in a string, a backslash stands only "
				    "before a quote or a backslash"));
			lex_step(lx);
		} else if ((c < ' ' && c != '\t') || c == 0x7f)
			return (lex_bad_string(
			    lx, t, lx->pos, "a control character in a string"));
		lex_step(lx);
		if (n < sizeof(buf))
			buf[n++] = (char)c;
	}
	lex_step(lx);
	return (lex_keep(lx, t, buf, n));
}

static enum token_type
lex_punctuation(unsigned char c)
{
	switch (c) {
	case '{':
		return (TOKEN_OPEN);
	case '}':
		return (TOKEN_CLOSE);
	case '[':
		return (TOKEN_LIST);
	case ']':
		return (TOKEN_LIST_END);
	case ';':
		return (TOKEN_SEMICOLON);
	default:
		return (TOKEN_BAD);
	}
}

/* A run of bytes that no token has, told once. */
static void
lex_stray(struct lexer *lx, const struct token *t)
{
	conf_report_add(lx->report, CONF_ERROR, t->pos,
	    lex_peek(lx, 0) >= 0x80
		? "only ASCII stands outside of quotes: byte 0x%02x"
		: "a control character: byte 0x%02x",
	    lex_peek(lx, 0));
	while (lex_has(lx)) {
		unsigned char c = lex_peek(lx, 0);

		if (lex_is_space(c) || (c > ' ' && c < 0x7f))
			break;
		lex_step(lx);
	}
}

struct token
lex_next(struct lexer *lx)
{
	struct token t = {.type = TOKEN_END};
	unsigned char c;

	if (!lex_skip(lx) || lx->no_memory)
		lx->at = lx->size;
	t.pos = t.end = lx->pos;
	t.first = lx->fresh;
	if (!lex_has(lx))
		return (t);
	lx->fresh = false;
	c = lex_peek(lx, 0);
	if (c == '"')
		return (lex_string(lx, t));
	if (lex_is_word(c))
		return (lex_word(lx, t));
	t.type = lex_punctuation(c);
	if (t.type == TOKEN_BAD)
		lex_stray(lx, &t);
	else
		lex_step(lx);
	t.end = lx->pos;
	return (t);
}

const char *
lex_token_text(const struct token *t, char *buf, size_t size)
{
	static const char *const fixed[] = {
	    [TOKEN_END] = "the end of the file",
	    [TOKEN_OPEN] = "`{`",
	    [TOKEN_CLOSE] = "`}`",
	    [TOKEN_LIST] = "`[`",
	    [TOKEN_LIST_END] = "`]`",
	    [TOKEN_SEMICOLON] = "`;`",
	    [TOKEN_BAD] = "what is wrong here",
	};

	if (t->type == TOKEN_WORD || t->type == TOKEN_STRING)
		snprintf(buf, size, "`%.60s`", t->text);
	else
		snprintf(buf, size, "%s", fixed[t->type]);
	return (buf);
}
