/*
 * What telnet.c and receive.c share, and nobody else. Pure; in the telnet
 * worker.
 */
#ifndef PORTREEVE_TELNET_PRIVATE_H
#define PORTREEVE_TELNET_PRIVATE_H

#include "workers/telnet/telnet.h"

/* A CR's NUL and IAC DM: kept free for a Synch; one is queued at most. */
#define TELNET_SYNCH_ROOM 3
/* What must be free before an event that can have an answer is obeyed. */
#define TELNET_ANSWER_ROOM (TELNET_REPLY_MAX + 1 + TELNET_SYNCH_ROOM)

bool telnet_can_answer(const struct telnet *t);

/* Queue an answer; one that is empty or was cut is not sent. */
void telnet_say(struct telnet *t, const struct telnet_reply *reply);

/* LFLOW, where the client does not know it yet and there is room. */
void telnet_tell_flow(struct telnet *t);

#endif
