/*
 * Who has a port that the daemon cannot bind. The portreeve command, as the
 * calling user; reads /proc.
 */
#ifndef PORTREEVE_CLI_HOLDER_H
#define PORTREEVE_CLI_HOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/addr.h"

/* "by sshd, process 812", escaped, or "" when it cannot be told. */
void holder_of_port(
    const struct addr *address, bool datagram, char *buf, size_t size);

#endif
