/* Where this program lies. One file a system: self.c is Linux's. */
#ifndef PORTREEVE_CLI_SELF_H
#define PORTREEVE_CLI_SELF_H

#include <stddef.h>

/*
 * The path of `name`, from the folder of the running program. ERR_SYSTEM, or
 * ERR_TOO_LONG.
 */
int self_sibling(const char *name, char *buf, size_t size);

#endif
