/*
 * Line editing at the login prompts: backspace, ^U, ^W, ^C, ^D. Pure; in the
 * telnet worker, without privilege. A character of several bytes (UTF-8) is
 * rubbed out whole. Other control characters may be in a password, and in a
 * wrong name, which is audited as it was typed: they are kept, shown as `?'.
 */
#include "workers/telnet/line.h"

#include <string.h>

enum {
	KEY_INTERRUPT = 0x03,
	KEY_EOF = 0x04,
	KEY_BELL = 0x07,
	KEY_BACKSPACE = 0x08,
	KEY_KILL = 0x15,
	KEY_WORD = 0x17,
	KEY_DELETE = 0x7f
};

void
telnet_line_begin(struct telnet_line *l, size_t most, bool echo)
{
	explicit_bzero(l->bytes, sizeof(l->bytes));
	l->n = 0;
	l->most = most;
	l->echo = echo;
}

static void
line_show(const struct telnet_line *l, struct telnet_line_echo *echo,
    const char *text, size_t n)
{
	if (!l->echo)
		return;
	memcpy(echo->bytes + echo->n, text, n);
	echo->n += n;
}

/* The last character, with the bytes that continue it. */
static void
line_rub_out(struct telnet_line *l, struct telnet_line_echo *echo)
{
	uint8_t c;

	if (l->n == 0)
		return;
	do {
		c = l->bytes[--l->n];
		l->bytes[l->n] = 0;
	} while ((c & 0xc0) == 0x80 && l->n > 0);
	line_show(l, echo, "\b \b", 3);
}

static void
line_rub_out_word(struct telnet_line *l, struct telnet_line_echo *echo)
{
	while (l->n > 0 && l->bytes[l->n - 1] == ' ')
		line_rub_out(l, echo);
	while (l->n > 0 && l->bytes[l->n - 1] != ' ')
		line_rub_out(l, echo);
}

static void
line_add(struct telnet_line *l, uint8_t c, struct telnet_line_echo *echo)
{
	if (l->n == l->most) {
		echo->bytes[echo->n++] = KEY_BELL;
		return;
	}
	l->bytes[l->n++] = c;
	if (l->echo)
		echo->bytes[echo->n++] = c < ' ' ? '?' : c;
}

static enum telnet_line_end
line_end(struct telnet_line_echo *echo)
{
	/* Whatever is shown of the line: the cursor goes to the next. */
	memcpy(echo->bytes, "\r\n", 2);
	echo->n = 2;
	return (TELNET_LINE_DONE);
}

enum telnet_line_end
telnet_line_put(struct telnet_line *l, uint8_t c, struct telnet_line_echo *echo)
{
	bool after_cr = l->after_cr;

	echo->n = 0;
	l->after_cr = c == '\r';
	switch (c) {
	case '\r':
		return (line_end(echo));
	case '\n':
		return (after_cr ? TELNET_LINE_MORE : line_end(echo));
	case KEY_INTERRUPT:
		return (TELNET_LINE_QUIT);
	case KEY_EOF:
		return (l->n == 0 ? TELNET_LINE_QUIT : TELNET_LINE_MORE);
	case KEY_BACKSPACE:
	case KEY_DELETE:
		line_rub_out(l, echo);
		return (TELNET_LINE_MORE);
	case KEY_KILL:
		while (l->n > 0)
			line_rub_out(l, echo);
		return (TELNET_LINE_MORE);
	case KEY_WORD:
		line_rub_out_word(l, echo);
		return (TELNET_LINE_MORE);
	default:
		if (c != 0)
			line_add(l, c, echo);
		return (TELNET_LINE_MORE);
	}
}
