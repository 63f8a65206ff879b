/* Who has a port that we cannot bind. Monitor (root); reads /proc. */
#ifndef PORTREEVE_MONITOR_LISTENERS_HOLDER_H
#define PORTREEVE_MONITOR_LISTENERS_HOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/addr.h"

/* "by sshd, process 812", escaped, or "" when it cannot be told. */
void holder_of_port(
    const struct addr *address, bool datagram, char *buf, size_t size);

#endif
