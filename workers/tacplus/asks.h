/*
 * Questions about passwords, each asked of one server after the other until one
 * answers. Role tacplus. What servers send is distrusted (packet.h); those who
 * ask are root, and what they sent is typed. One question waits for no other.
 */
#ifndef PORTREEVE_WORKERS_TACPLUS_ASKS_H
#define PORTREEVE_WORKERS_TACPLUS_ASKS_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/msg.h"

#define ASKS_MAX 64    /* at a time; more wait in the socket's queue */
#define ASKS_SERVERS 8 /* as CONF_ASKED_MAX */

struct pollfd;

/* Whom to ask, in this order: once, before anything is asked. */
void asks_set_servers(const struct msg_tacplus_server *servers, size_t n);

/* Whether one more may be taken. */
int asks_have_room(void);

/* A connection of who asks; closed here, and now if there is no room for it. */
void asks_add(int fd);

/*
 * What to wait for, two at the most for each: how many. *wait_ms: how long at
 * the most, -1 for ever.
 */
size_t asks_fill(struct pollfd *p, int *wait_ms);

/* After poll(2), with what asks_fill() wrote: go on with each. */
void asks_go_on(const struct pollfd *p, size_t n);

#endif
