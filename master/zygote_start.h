/*
 * Handing a connection to a zygote. Master only.
 */
#ifndef PORTREEVE_MASTER_ZYGOTE_START_H
#define PORTREEVE_MASTER_ZYGOTE_START_H

#include "master/zygotes.h"

/*
 * Hand the session's connection over; the session is the zygote's then.
 * ERR_AGAIN: not just now. ERR_SHORT with errno: descriptors or memory are out.
 * Any other error is the channel's, which is of no use any more. On an error
 * nothing has changed.
 */
int zygote_start_session(struct master *m, struct zygote *z, struct session *s);

#endif
