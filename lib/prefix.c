/* Networks; lib/prefix.h says what of. Any process; pure. */
#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "lib/prefix.h"

unsigned
prefix_bits(unsigned family)
{
	return (family == FAMILY_INET ? 32 : 128);
}

/* The bits of byte i that count. */
static uint8_t
prefix_mask(unsigned length, unsigned i)
{
	if (length >= 8 * (i + 1))
		return (0xff);
	if (length <= 8 * i)
		return (0);
	return ((uint8_t)(0xff00U >> (length - 8 * i)));
}

void
prefix_of(struct prefix *out, const struct addr *a, unsigned length)
{
	memset(out, 0, sizeof(*out));
	out->family = a->family;
	out->length = (uint8_t)length;
	for (unsigned i = 0; i < (length + 7) / 8 && i < 16; i++)
		out->bytes[i] = a->bytes[i] & prefix_mask(length, i);
}

bool
prefix_has(const struct prefix *p, const struct addr *a)
{
	unsigned whole = p->length / 8;

	return (
	    p->family == a->family && memcmp(p->bytes, a->bytes, whole) == 0 &&
	    (p->length % 8 == 0 || ((p->bytes[whole] ^ a->bytes[whole]) &
				       prefix_mask(p->length, whole)) == 0));
}

bool
prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return (a->family == b->family && a->length == b->length &&
		memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0);
}

/* 1 to 3 digits, no needless 0 in front; -1. */
static int
prefix_number(const char *text)
{
	size_t n = strspn(text, "0123456789");
	int number = 0;

	if (n == 0 || n > 3 || text[n] != '\0' || (text[0] == '0' && n > 1))
		return (-1);
	for (; *text != '\0'; text++)
		number = 10 * number + (*text - '0');
	return (number);
}

int
prefix_parse(struct prefix *out, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char address[ADDR_TEXT_MAX];
	struct addr a;
	int length;

	memset(out, 0, sizeof(*out));
	if (n >= sizeof(address) || memchr(text, '%', n) != NULL)
		return (ERR_SYNTAX);
	memcpy(address, text, n);
	address[n] = '\0';
	if (addr_parse(&a, address, 0) != 0)
		return (ERR_SYNTAX);
	length = (int)prefix_bits(a.family);
	if (slash != NULL) {
		length = prefix_number(slash + 1);
		if (length < 0)
			return (ERR_SYNTAX);
		if (length > (int)prefix_bits(a.family))
			return (ERR_TOO_LONG);
	}
	prefix_of(out, &a, (unsigned)length);
	return (
	    memcmp(out->bytes, a.bytes, sizeof(a.bytes)) == 0 ? 0 : ERR_VALUE);
}

const char *
prefix_text(const struct prefix *p, char buf[PREFIX_TEXT_MAX])
{
	struct addr a = {.family = p->family};
	size_t n;

	memcpy(a.bytes, p->bytes, sizeof(a.bytes));
	addr_text(&a, buf);
	n = strlen(buf);
	if (p->length < prefix_bits(p->family))
		snprintf(buf + n, PREFIX_TEXT_MAX - n, "/%u", p->length);
	return (buf);
}

void
prefix_put(const struct prefix *p, uint8_t *out)
{
	out[0] = p->family;
	out[1] = p->length;
	memcpy(out + 2, p->bytes, sizeof(p->bytes));
}

bool
prefix_get(struct prefix *out, const uint8_t *in)
{
	struct addr a = {.family = in[0]};

	if (in[0] >= FAMILY_COUNT || in[1] > prefix_bits(in[0]))
		return (false);
	memcpy(a.bytes, in + 2, sizeof(a.bytes));
	prefix_of(out, &a, in[1]);
	return (memcmp(out->bytes, a.bytes, sizeof(a.bytes)) == 0);
}
