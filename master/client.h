/*
 * One client of the control socket: what it asked, and the rows or texts that
 * are on their way to it as it takes them. Master only.
 */
#ifndef PORTREEVE_MASTER_CLIENT_H
#define PORTREEVE_MASTER_CLIENT_H

#include <sys/queue.h>

#include "master/master.h"

struct client;
TAILQ_HEAD(client_list, client);

STAILQ_HEAD(client_texts, client_text);

/* Texts held for a client that is slow to read; more closes it. */
#define CLIENT_QUEUE_MAX 1024

struct client_text {
	STAILQ_ENTRY(client_text) link;
	struct msg_text msg;
};

enum client_state {
	CLIENT_NONE,
	CLIENT_OPEN,	 /* it may ask, or its rows are on their way */
	CLIENT_HELD,	 /* its message waits in the queue for the monitor */
	CLIENT_ANSWERED, /* done is what comes last */
	CLIENT_CLOSED,
	CLIENT_STATES
};

enum client_event {
	CLIENT_COMES,
	CLIENT_ASKS,
	CLIENT_WAITS, /* for the monitor */
	CLIENT_FINISHES,
	CLIENT_IS_TOLD,
	CLIENT_CLOSES,
	CLIENT_EVENTS
};

struct client {
	TAILQ_ENTRY(client) link;
	struct client_list *list;
	struct master *master;
	struct ipc_channel channel;
	uv_poll_t poll;
	enum client_state state;
	enum msg_type asked; /* MSG_COUNT: nothing is open */
	uint32_t request;    /* its number, for the monitor */
	uint64_t session;    /* to be cleared */
	uint32_t at;	     /* the next row: service * 2 + family, or slot */
	struct msg_explain explain;
	struct client_texts texts;
	unsigned ntexts;
	bool root;   /* gives its place to nobody but root */
	bool unseen; /* only the monitor can see who it is */
	struct msg_done done;
};

/*
 * Takes fd over; NULL when out of memory (fd is closed). unseen: the monitor is
 * asked who it is before it is answered.
 */
struct client *client_new(
    struct master *m, int fd, struct client_list *list, bool unseen);

/* Send what there is as far as it takes it; may close it. */
void client_send(struct client *c);

/* The answer is complete. */
void client_finish(struct client *c, int status, const char *reason);

void client_close(struct client *c);

#endif
