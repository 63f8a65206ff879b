/*
 * The conversation with the daemon over DIR/control.sock. The portreeve
 * command, as the calling user; the daemon decides what that user may.
 */
#ifndef PORTREEVE_CLI_CLIENT_H
#define PORTREEVE_CLI_CLIENT_H

#include "ipc/channel.h"

/* What every command is given. */
struct request {
	const char *dir;      /* of the control socket */
	const char *argument; /* FILE, ID or ADDRESS, or NULL */
	const char *second;   /* SERVICE, or NULL */
	bool json, set;
};

/*
 * Ask one thing and wait for its end, at most `seconds` for each message.
 * take (may be NULL) gets every message before the last. Returns the exit
 * status; has reported on stderr why it is not 0.
 */
int client_ask(const char *dir, enum msg_type type, const void *msg,
    int seconds, void (*take)(const struct ipc_in *in, void *arg), void *arg);

/* Where the control socket is when -r does not say. */
const char *client_default_dir(void);

#endif
