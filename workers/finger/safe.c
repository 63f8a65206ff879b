/*
 * Every byte that finger tells about a user goes through here. In the finger
 * worker, without privilege. Pure. What does not fit is left out whole, so that
 * no half escape stands at the end.
 */
#include <string.h>

#include "workers/finger/safe.h"

#define TAB 8

void
safe_init(struct safe *s, uint8_t *buf, size_t size)
{
	memset(s, 0, sizeof(*s));
	s->buf = buf;
	s->size = size;
}

static void
safe_put(struct safe *s, const void *bytes, size_t n, size_t columns)
{
	if (s->cut || n > s->size - s->n) {
		s->cut = true;
		return;
	}
	memcpy(s->buf + s->n, bytes, n);
	s->n += n;
	s->column += columns;
}

void
safe_constant(struct safe *s, const char *text)
{
	size_t n = strlen(text);

	safe_put(s, text, n, n);
}

void
safe_newline(struct safe *s)
{
	safe_put(s, "\r\n", 2, 0);
	s->column = 0;
}

void
safe_pad(struct safe *s, size_t column)
{
	do {
		safe_put(s, " ", 1, 1);
	} while (s->column < column && !s->cut);
}

/* ^X for a control, M-x and M-^X for a byte of the upper half. */
static void
safe_put_shown(struct safe *s, uint8_t c)
{
	uint8_t out[4];
	size_t n = 0;

	if (c >= 0x80) {
		out[n++] = 'M';
		out[n++] = '-';
		c &= 0x7f;
	}
	if (c < 0x20 || c == 0x7f) {
		out[n++] = '^';
		c ^= 0x40;
	}
	out[n++] = c;
	safe_put(s, out, n, n);
}

/* The length that a UTF-8 sequence's first byte announces (RFC 3629); 0: none.
 */
static size_t
safe_sequence_length(uint8_t c)
{
	if (c >= 0xc2 && c <= 0xdf)
		return (2);
	if (c >= 0xe0 && c <= 0xef)
		return (3);
	return (c >= 0xf0 && c <= 0xf4 ? 4 : 0);
}

/*
 * Whether c may be byte number at (from 1) of a sequence: no overlong form, no
 * surrogate, nothing past U+10FFFF, and no C1 control (U+0080 to U+009F).
 */
static bool
safe_sequence_goes_on(uint8_t first, size_t at, uint8_t c)
{
	uint8_t least = 0x80, most = 0xbf;

	if (at == 1) {
		if (first == 0xc2 || first == 0xe0)
			least = 0xa0;
		else if (first == 0xf0)
			least = 0x90;
		if (first == 0xed)
			most = 0x9f;
		else if (first == 0xf4)
			most = 0x8f;
	}
	return (c >= least && c <= most);
}

/* What was held as the start of a sequence is none. */
static void
safe_release_held(struct safe *s)
{
	for (size_t i = 0; i < s->held_n; i++)
		safe_put_shown(s, s->held[i]);
	s->held_n = 0;
}

static void
safe_put_byte(struct safe *s, uint8_t c)
{
	if (s->held_n > 0) {
		if (safe_sequence_goes_on(s->held[0], s->held_n, c)) {
			s->held[s->held_n++] = c;
			if (s->held_n == safe_sequence_length(s->held[0])) {
				safe_put(s, s->held, s->held_n, 1);
				s->held_n = 0;
			}
			return;
		}
		safe_release_held(s);
	}
	if (safe_sequence_length(c) > 0) {
		s->held[0] = c;
		s->held_n = 1;
	} else if (c >= 0x20 && c < 0x7f) {
		safe_put(s, &c, 1, 1);
	} else {
		safe_put_shown(s, c);
	}
}

void
safe_field(struct safe *s, const void *text, size_t n)
{
	const uint8_t *p = text;

	for (size_t i = 0; i < n; i++)
		safe_put_byte(s, p[i]);
	safe_release_held(s);
}

void
safe_file(struct safe *s, const void *text, size_t n)
{
	const uint8_t *p = text;

	for (size_t i = 0; i < n; i++) {
		bool held_cr = s->held_cr;

		s->held_cr = false;
		if (held_cr && p[i] != '\n')
			safe_put_shown(s, '\r');
		if (p[i] == '\r') {
			safe_release_held(s);
			s->held_cr = true;
		} else if (p[i] == '\n') {
			safe_release_held(s);
			safe_newline(s);
		} else if (p[i] == '\t') {
			safe_release_held(s);
			safe_pad(s, (s->column / TAB + 1) * TAB);
		} else {
			safe_put_byte(s, p[i]);
		}
	}
}

void
safe_file_end(struct safe *s)
{
	safe_release_held(s);
	if (s->held_cr)
		safe_put_shown(s, '\r');
	s->held_cr = false;
	if (s->column > 0)
		safe_newline(s);
}
