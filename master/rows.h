/*
 * The rows of `show services`, `show sessions` and `show penalties`, from the
 * master's tables. Master only.
 */
#ifndef PORTREEVE_MASTER_ROWS_H
#define PORTREEVE_MASTER_ROWS_H

#include "master/client.h"

/* Send rows from c->at on. 0: all are out; ERR_AGAIN; or another error. */
int rows_send_services(struct client *c);
int rows_send_sessions(struct client *c);
int rows_send_penalties(struct client *c);

#endif
