/*
 * What the master asks of the monitor. Master only. Each is one message, which
 * is not sent where the channel has no room.
 */
#ifndef PORTREEVE_MASTER_ASK_H
#define PORTREEVE_MASTER_ASK_H

#include "master/master.h"

/*
 * A channel is at its end; `broke`, `hangs`: by the other end's fault. An error
 * of ipc_send().
 */
int ask_zygote(struct master *m, uint32_t instance, bool broke);
int ask_lookup(struct master *m, bool hangs);

/*
 * A client's wish, with its connection. ERR_AGAIN when the channel has no
 * room.
 */
int ask_reload(struct master *m, uint32_t request, int client);
int ask_clear(struct master *m, uint32_t request, int client, uint64_t session);
int ask_client(struct master *m, uint32_t request, int client);
int ask_configuration(
    struct master *m, uint32_t request, int client, uint8_t set);

/* accept() fails on it for good. Without room for the word, it is not reported.
 */
void ask_listener(struct master *m, uint32_t listener, int error);

/*
 * A worker's wish for a login process; age of its connection in ms, and the
 * copy of it, or -1. `late`: its time is over, and that is all it has to say.
 */
int ask_login(struct master *m, uint64_t session, uint32_t slot, uint64_t age,
    bool late, int connection);

#endif
