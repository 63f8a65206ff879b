/*
 * The zygotes: a channel to each, the sessions it has, the workers that it
 * forked ahead of time. A service has one zygote that serves; earlier ones
 * stay for the sessions they have. Master only; what a zygote says is checked
 * against the session table, and its channel is closed when it breaks the
 * catalogue.
 */
#ifndef PORTREEVE_MASTER_ZYGOTE_H
#define PORTREEVE_MASTER_ZYGOTE_H

#include "master/master.h"
#include "master/session.h"

struct zygote;

int zygotes_init(struct master *m);

/*
 * ZYGOTE: its channel and slot table, both taken over; of one that is known,
 * another channel. 0, or ERR_NOT_FOUND (no such service), ERR_NO_MEMORY.
 */
int zygote_add(
    struct master *m, const struct msg_zygote *msg, int channel, int table);

/*
 * Hand the session's connection over; the session is the zygote's then.
 * ERR_AGAIN: not just now. ERR_SHORT with errno: descriptors or memory are out.
 * On an error nothing has changed.
 */
int zygote_start_session(struct master *m, struct zygote *z, struct session *s);

/*
 * It starts nothing more: its service waits for another zygote. What it has
 * to say is still heard.
 */
void zygote_retire(struct zygote *z);

/* ZYGOTE_GONE: what it has said is heard, and its sessions are over. */
void zygote_gone(struct master *m, uint32_t instance);

/* CONFIGURED: end inherited sessions that nobody vouches for. */
void zygotes_reconcile(struct master *m);

/* ZYGOTE_SILENT: who connects waits for the next one. */
void zygote_silent(struct master *m, uint32_t instance);

/* Before an orderly end: read what the zygotes have said. */
void zygotes_drain(struct master *m);

uint32_t zygote_instance(const struct zygote *z);
/* Its slot table, for readers. */
const struct slot_table *zygote_table(const struct zygote *z);

/* For session_join() and session_leave(). */
void zygote_add_session(struct zygote *z, struct session *s);
void zygote_remove_session(struct zygote *z, struct session *s);

#endif
