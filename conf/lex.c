/*
 * The lexer. A `#` or a slash and star begin a comment only where a token could
 * begin, so that no value is ever cut short in silence; a string ends on its
 * line, so that a forgotten quote spoils one word and not the file. Planner and
 * CLI; distrusts every byte.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/lex.h"
#include "conf/schema.h"

/* Lines that a string which was not closed is looked for on. */
#define LATER_LINES 20

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

static void __attribute__((format(printf, 3, 4)))
lex_error(struct lexer *lx, struct conf_pos where, const char *fmt, ...)
{
	char text[CONF_MESSAGE_MAX];
	va_list ap;

	if (lx->report == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	conf_report_add(lx->report, CONF_ERROR, where, "%s", text);
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
	lex_error(lx, start, "this comment has no end: close it with */");
	lx->cut = true;
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
		lex_error(lx, t.pos,
		    "this %s is longer than %d bytes: shorten it, or close its "
		    "quote",
		    t.type == TOKEN_STRING ? "string" : "word",
		    CONF_VALUE_MAX - 1);
		t.type = TOKEN_BAD;
		return (t);
	}
	if (lx->arena == NULL) {
		t.text = "";
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

/* Where the line ends, from the byte at. */
static size_t
lex_line_end(const struct lexer *lx, size_t at)
{
	while (at < lx->size && lx->text[at] != '\n')
		at++;
	return (at);
}

/*
 * A string that goes on over the end of its line: how far the byte behind its
 * closing quote is away. The first quote on a later line is it where that ends
 * a value; 0 where it begins one, and the quote of this line was forgotten.
 */
static size_t
lex_later_quote(const struct lexer *lx)
{
	size_t at = lex_line_end(lx, lx->at), end;

	for (unsigned lines = 0; lines < LATER_LINES && at < lx->size;
	     lines++) {
		end = lex_line_end(lx, ++at);
		for (; at < end; at++) {
			if (lx->text[at] != '"')
				continue;
			if (at + 1 < end &&
			    strchr(" \t\r;}", lx->text[at + 1]) == NULL)
				return (0);
			return (at + 1 - lx->at);
		}
	}
	return (0);
}

/*
 * A string without its closing quote: what ends a statement at the line's end
 * is not taken for the string's, so that it is one error and no more.
 */
static void
lex_skip_open_string(struct lexer *lx)
{
	size_t later = lex_later_quote(lx), end = lex_line_end(lx, lx->at);

	if (later > 0) {
		while (later-- > 0)
			lex_step(lx);
		lx->fresh = false;
		return;
	}
	while (end > lx->at && strchr(" \t\r;}", lx->text[end - 1]) != NULL)
		end--;
	while (lx->at < end)
		lex_step(lx);
}

/* Past a string, which has its closing quote on its line or has not. */
static void
lex_skip_string(struct lexer *lx)
{
	size_t at = lx->at;

	while (at < lx->size && lx->text[at] != '\n' && lx->text[at] != '"') {
		if (lx->text[at] == '\\' && at + 1 < lx->size &&
		    lx->text[at + 1] != '\n')
			at++;
		at++;
	}
	if (at >= lx->size || lx->text[at] == '\n') {
		lex_skip_open_string(lx);
		return;
	}
	while (lx->at <= at)
		lex_step(lx);
}

/* Whether a value goes on behind its closing quote; no comment does. */
static bool
lex_goes_on(const struct lexer *lx)
{
	unsigned char c = lex_peek(lx, 0);

	return (c == '"' || (lex_is_word(c) && c != '#' && c != ',' &&
				!(c == '/' && lex_peek(lx, 1) == '*')));
}

/* Past all that hangs together with a string, to a space or punctuation. */
static struct token
lex_glued(struct lexer *lx, struct token t)
{
	lex_error(lx, lx->pos,
	    "characters follow the closing quote: put the whole value between "
	    "the quotes");
	while (lx->at < lx->size &&
	       (lex_is_word(lex_peek(lx, 0)) || lex_peek(lx, 0) == '"'))
		lex_step(lx);
	t.type = TOKEN_BAD;
	t.end = lx->pos;
	return (t);
}

static struct token
lex_string(struct lexer *lx, struct token t)
{
	char buf[CONF_VALUE_MAX];
	struct conf_pos where = t.pos;
	bool glued =
	    lx->at > 0 && lex_is_word((unsigned char)lx->text[lx->at - 1]);
	const char *why = NULL;
	struct lexer begin;
	size_t n = 0;

	t.type = TOKEN_STRING;
	lex_step(lx);
	begin = *lx;
	while (why == NULL) {
		unsigned char c = lex_peek(lx, 0);

		if (c == '"')
			break;
		where = lx->pos;
		if (!lex_has(lx) || c == '\n' || c == '\r') {
			where = t.pos;
			why = glued ? "this closing quote has no opening "
				      "quote: put one before the first word"
				    : "this string has no closing quote on its "
				      "line";
		} else if (c == '\\') {
			c = lex_peek(lx, 1);
			if (c != '"' && c != '\\')
				why =
				    "in a string, only a quote or a backslash "
				    "may follow a backslash: write two";
			else
				lex_step(lx);
		} else if ((c < ' ' && c != '\t') || c == 0x7f)
			why = "a control character in a string: remove it";
		if (why != NULL)
			break;
		lex_step(lx);
		if (n < sizeof(buf))
			buf[n++] = (char)c;
	}
	if (why == NULL) {
		lex_step(lx);
		return (lex_goes_on(lx) ? lex_glued(lx, t)
					: lex_keep(lx, t, buf, n));
	}
	lex_error(lx, where, "%s", why);
	lx->at = begin.at;
	lx->pos = begin.pos;
	lex_skip_string(lx);
	t.type = TOKEN_BAD;
	t.end = lx->pos;
	return (t);
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

/* What a word processor or a web page puts in place of plain characters. */
static const char *
lex_stray_advice(const struct lexer *lx)
{
	unsigned char a = lex_peek(lx, 0), b = lex_peek(lx, 1);
	unsigned char c = lex_peek(lx, 2);

	if (a == 0xc2 && b == 0xa0)
		return ("this is a no-break space: write a plain one");
	if (a == 0xe2 && b == 0x80 && c >= 0x98 && c <= 0x9f)
		return ("this is a typographic quote: write \"");
	if (a == 0xe2 && b == 0x80 && c >= 0x90 && c <= 0x95)
		return ("this is a typographic dash: write -");
	return (NULL);
}

/* A run of bytes that no token has, told once. */
static void
lex_stray(struct lexer *lx, const struct token *t)
{
	const char *advice = lex_stray_advice(lx);

	if (advice != NULL)
		lex_error(lx, t->pos, "%s", advice);
	else
		lex_error(lx, t->pos,
		    lex_peek(lx, 0) >= 0x80
			? "only ASCII is allowed outside quotes, not byte "
			  "0x%02x: quote it, or remove it"
			: "a control character, byte 0x%02x: remove it",
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
	t.at = lx->at;
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

long
lex_balance(const char *text, size_t n)
{
	struct lexer lx;
	struct token t;
	long balance = 0;

	lex_start(&lx, text, n, NULL, NULL);
	do {
		t = lex_next(&lx);
		balance += (t.type == TOKEN_OPEN) - (t.type == TOKEN_CLOSE);
	} while (t.type != TOKEN_END);
	return (balance);
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
