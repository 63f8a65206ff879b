/*
 * What zygotes say, and what the monitor says of them. Master only; what a
 * zygote says is checked against the session table, and its channel is closed
 * when it breaks the catalogue.
 */
#ifndef PORTREEVE_MASTER_ZYGOTE_H
#define PORTREEVE_MASTER_ZYGOTE_H

#include "master/master.h"
#include "master/session.h"

/*
 * ZYGOTE: its channel and slot table, both taken over; of one that is known,
 * another channel. 0, or ERR_NOT_FOUND (no such service), ERR_NO_MEMORY.
 */
int zygote_add(
    struct master *m, const struct msg_zygote *msg, int channel, int table);

/* ZYGOTE_GONE: what it has said is heard, and its sessions are over. */
void zygote_gone(struct master *m, uint32_t instance);

/* ZYGOTE_SILENT: who connects waits for the next one. */
void zygote_silent(struct master *m, uint32_t instance);

/* Before an orderly end: read what the zygotes have said. */
void zygotes_drain(struct master *m);

#endif
