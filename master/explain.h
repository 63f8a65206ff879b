/* The rows of `explain`: what each rule says of an address. Master only. */
#ifndef PORTREEVE_MASTER_EXPLAIN_H
#define PORTREEVE_MASTER_EXPLAIN_H

#include "master/client.h"

/*
 * Send the rows from c->at on; nothing is counted. 0: all are out; ERR_AGAIN;
 * or another error.
 */
int explain_send(struct client *c);

/* Whether EXPLAIN names a service that is there. */
bool explain_knows(struct master *m, const struct msg_explain *ask);

#endif
