/*
 * Plays the portreeve command to the master. For tests/unit/master.
 */
#ifndef PORTREEVE_TESTS_STAGE_CLIENT_H
#define PORTREEVE_TESTS_STAGE_CLIENT_H

#include "tests/stage/world.h"

void client_connect_only(struct world *w, struct ipc_channel *ch);
void client_connect(struct world *w, struct ipc_channel *ch);

/* The row of a service and family; the others are read over. */
void client_service(struct world *w, const char *service, enum family family,
    struct msg_row_service *row);
uint32_t client_sessions(
    struct world *w, const char *service, enum family family);

#endif
