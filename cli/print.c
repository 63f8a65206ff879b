/*
 * Text on the caller's terminal. The portreeve command, as the calling user.
 * Distrusts what the daemon sends: names and sentences may hold a stranger's
 * bytes, and none of them is to move a cursor.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/print.h"
#include "lib/escape.h"
#include "lib/log.h"

size_t
print_escape(
    char *dst, size_t size, const void *src, size_t n, bool lines, bool ascii)
{
	const unsigned char *p = src;
	size_t out = 0;

	if (size == 0)
		return (0);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = p[i];
		bool plain = (c >= 0x20 && c <= 0x7e) ||
			     (c >= 0x80 && !ascii) ||
			     (lines && (c == '\n' || c == '\t'));

		if (out + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			dst[out++] = (char)c;
			continue;
		}
		escape_hex(dst + out, c);
		out += 4;
	}
	dst[out] = '\0';
	return (out);
}

void
print_text(const void *src, size_t n)
{
	const char *p = src;
	char buf[4097];

	while (n > 0) {
		size_t part = n < 1024 ? n : 1024;
		size_t len = print_escape(
		    buf, sizeof(buf), p, part, true, isatty(STDOUT_FILENO));

		fwrite(buf, 1, len, stdout); /* print_end() sees errors */
		p += part;
		n -= part;
	}
}

void
print_reason(const char *reason)
{
	char buf[1024];

	print_escape(buf, sizeof(buf), reason, strlen(reason), false, true);
	log_warn("%s", buf);
}

int
print_end(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return (0);
	log_errno("cannot write to standard output");
	return (1);
}
