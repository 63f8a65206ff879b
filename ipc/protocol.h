/*
 * Whether two programs that may be of different builds understand each other:
 * the daemon, and the PAM module or the portreeve command (ipc/between.def).
 */
#ifndef PORTREEVE_IPC_PROTOCOL_H
#define PORTREEVE_IPC_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "lib/role.h"

/* The number of what ROLE_LOGIN or ROLE_CLIENT and the daemon agree on. */
uint32_t ipc_protocol(enum role who);

/*
 * Say HELLO as ch->self, on a channel in ST_NEW: ROLE_LOGIN is the PAM module,
 * ROLE_CLIENT the command. 0 or an error of ipc_send()'s.
 */
int ipc_greet(struct ipc_channel *ch);

/*
 * Judge a HELLO or PAM_HELLO that was received on ch: 0 when they agree, and
 * else ERR_BUILD, after OTHER_BUILD was sent; only closing is left to do then.
 */
int ipc_judge_hello(struct ipc_channel *ch, const struct ipc_in *in);

#endif
