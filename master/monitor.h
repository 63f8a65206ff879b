/*
 * The channel to the monitor: what it tells, and the few things that the
 * master asks of it. Master only. The monitor is trusted; a message that
 * breaks the catalogue is a bug, and ends the master.
 */
#ifndef PORTREEVE_MASTER_MONITOR_H
#define PORTREEVE_MASTER_MONITOR_H

#include "master/master.h"

/* Listen to the channel, which is UP. */
int monitor_init(struct master *m);

/*
 * What it has said by now, at once: it may come before what another channel
 * has said since.
 */
void monitor_hear(struct master *m);

/*
 * A channel is at its end; `broke`, `hangs`: by the other end's fault. An error
 * of ipc_send().
 */
int monitor_zygote_lost(struct master *m, uint32_t instance, bool broke);
int monitor_lookup_lost(struct master *m, bool hangs);

/*
 * A client's wish, with its connection. ERR_AGAIN when the channel has no
 * room.
 */
int monitor_ask_reload(struct master *m, uint32_t request, int client);
int monitor_ask_clear(
    struct master *m, uint32_t request, int client, uint64_t session);
int monitor_ask_client(struct master *m, uint32_t request, int client);
int monitor_ask_configuration(
    struct master *m, uint32_t request, int client, uint8_t set);

/* accept() fails on it for good. Without room for the word, it is not told. */
void monitor_tell_broken(struct master *m, uint32_t listener, int error);

/*
 * A worker's wish for a login process; age of its connection in ms, and the
 * copy of it, or -1. `late`: its time is over, and that is all it has to say.
 */
int monitor_ask_login(struct master *m, uint64_t session, uint32_t slot,
    uint64_t age, bool late, int connection);

#endif
