/*
 * Plays a stranger who connects over loopback. For tests/unit/master.
 */
#ifndef PORTREEVE_TESTS_STAGE_PEER_H
#define PORTREEVE_TESTS_STAGE_PEER_H

#include "tests/stage/world.h"

int peer_connect_from(const char *from, const struct addr *a);
int peer_connect(const struct addr *a);

/* Reads to the end: exactly this text, then FIN and no reset. Closes fd. */
void peer_reads(int fd, const char *text);

#endif
