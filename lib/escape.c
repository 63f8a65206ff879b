/* A peer's bytes as text that harms nobody. Any process; pure. */
#include <string.h>

#include "lib/escape.h"

void
escape_hex(char dst[4], unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	dst[0] = '\\';
	dst[1] = 'x';
	dst[2] = hex[c >> 4];
	dst[3] = hex[c & 15];
}

size_t
escape_bytes(char *dst, size_t size, const void *src, size_t n)
{
	const unsigned char *p = src;
	size_t out = 0;

	if (size == 0)
		return (0);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = p[i];
		size_t need = 1;

		if (c == '"' || c == '\\')
			need = 2;
		else if (c < 0x20 || c > 0x7e)
			need = 4;
		if (out + need >= size)
			break;
		if (need == 4) {
			escape_hex(dst + out, c);
			out += 4;
			continue;
		}
		if (need == 2)
			dst[out++] = '\\';
		dst[out++] = (char)c;
	}
	dst[out] = '\0';
	return (out);
}

bool
escape_is_bare(const void *src, size_t n)
{
	const unsigned char *p = src;

	if (n == 0)
		return (false);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = p[i];

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9'))
			continue;
		if (c == 0 || strchr("._:/@+-", c) == NULL)
			return (false);
	}
	return (true);
}

size_t
escape_logfmt(char *dst, size_t size, const void *src, size_t n)
{
	size_t out;

	if (size < 3) {
		if (size > 0)
			dst[0] = '\0';
		return (0);
	}
	if (escape_is_bare(src, n) && n < size) {
		memcpy(dst, src, n);
		dst[n] = '\0';
		return (n);
	}
	dst[0] = '"';
	out = 1 + escape_bytes(dst + 1, size - 2, src, n);
	dst[out++] = '"';
	dst[out] = '\0';
	return (out);
}
