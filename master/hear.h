/*
 * What the monitor says. Master only. The monitor is trusted; a message that
 * breaks the catalogue is a bug, and ends the master.
 */
#ifndef PORTREEVE_MASTER_HEAR_H
#define PORTREEVE_MASTER_HEAR_H

#include "master/master.h"

/* Listen to the channel, which is UP. */
int hear_init(struct master *m);

/*
 * What it has said by now, at once: it may come before what another channel
 * has said since.
 */
void hear_monitor(struct master *m);

#endif
