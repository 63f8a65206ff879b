/*
 * The books that an earlier master left, or that a channel which broke has put
 * in doubt. Master only.
 */
#ifndef PORTREEVE_MASTER_RECONCILE_H
#define PORTREEVE_MASTER_RECONCILE_H

#include "master/zygotes.h"

/* CONFIGURED: end inherited sessions that nobody vouches for. */
void zygotes_reconcile(struct master *m);

/* Inherited sessions that name this zygote: its table decides. */
void zygote_reconcile(struct zygote *z);

/*
 * Its channel broke. What went down with it, the slot table says, once it has
 * another.
 */
void zygote_reconcile_own(struct zygote *z);

#endif
