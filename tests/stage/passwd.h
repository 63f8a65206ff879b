/*
 * A passwd table against the C library's own parser of the same bytes. For unit
 * tests and the fuzzer.
 */
#ifndef PORTREEVE_TESTS_STAGE_PASSWD_H
#define PORTREEVE_TESTS_STAGE_PASSWD_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a table could be made of the n bytes; abort() where the two differ.
 */
bool passwd_compare(const char *bytes, size_t n);

#endif
