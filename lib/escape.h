/*
 * The one function through which a peer's bytes reach a log, a terminal or a
 * listing. Any process; pure.
 */
#ifndef PORTREEVE_LIB_ESCAPE_H
#define PORTREEVE_LIB_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Write n bytes of src as printable ASCII: `"` and `\` behind a backslash,
 * everything outside 0x20..0x7e as \xHH. Always NUL-terminated; cut at a whole
 * escape when size is too small. Returns the bytes written without the NUL.
 */
size_t escape_bytes(char *dst, size_t size, const void *src, size_t n);

/* One byte as \xHH; no NUL behind it. */
void escape_hex(char dst[4], unsigned char c);

/* Whether a logfmt value may stand bare: one or more of [A-Za-z0-9._:/@+-]. */
bool escape_is_bare(const void *src, size_t n);

/* A logfmt value: bare where it may be, else escaped in double quotes. */
size_t escape_logfmt(char *dst, size_t size, const void *src, size_t n);

#endif
