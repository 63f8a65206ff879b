/* Files of attack bytes, below tests/hostile; for tests run from the top. */
#ifndef PORTREEVE_TESTS_STAGE_HOSTILE_H
#define PORTREEVE_TESTS_STAGE_HOSTILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define HOSTILE_MAX 65536

/* Call check() with each file's bytes; fails where there is none. */
void hostile_each(const char *folder,
    void (*check)(const char *name, const uint8_t *bytes, size_t n));

/* Printable, CRLF line ends, UTF-8 that is valid and holds no control. */
int is_harmless(const uint8_t *p, size_t n);

#endif
