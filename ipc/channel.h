/*
 * A channel: one end of a SOCK_SEQPACKET pair, who sits at either end, and the
 * state that the catalogue's permits go by. Any process. Distrusts the other
 * end: what breaks the catalogue is an error, its descriptors are closed.
 */
#ifndef PORTREEVE_IPC_CHANNEL_H
#define PORTREEVE_IPC_CHANNEL_H

#include <stddef.h>

#include "ipc/msg.h"

struct ipc_channel {
	int fd; /* -1 when closed */
	enum role self, peer;
	enum ipc_state state; /* channel.c's to set */
};

/*
 * One received message; its descriptors are the receiver's to close. What every
 * message writes is in front, so that a short one touches few pages.
 */
struct ipc_in {
	enum msg_type type;
	int fds[IPC_FDS_MAX];
	size_t nfds;
	union msg_any msg;
	uint8_t raw[IPC_MESSAGE_MAX]; /* the datagram; ipc_recv()'s own */
};

/*
 * Takes fd over, which is close-on-exec, as those of ipc_recv() are; no call is
 * made of it.
 */
void ipc_channel_init(struct ipc_channel *ch, int fd, enum role self,
    enum role peer, enum ipc_state state);

/*
 * A message of that type has crossed it, or surely will: the state that
 * follows. Sending and receiving do so by themselves.
 */
void ipc_channel_pass(struct ipc_channel *ch, enum msg_type type);

/* Closes the descriptor; safe to call twice. */
void ipc_channel_close(struct ipc_channel *ch);

/*
 * Send one message, with copies of nfds descriptors. Checked against the
 * permits first, so that a bug of ours is ours to see. 0; ERR_AGAIN when the
 * other end's queue is full (never waits if the descriptor is non-blocking or
 * IPC_NOWAIT is meant: it always sends with MSG_DONTWAIT); ERR_SHORT with errno
 * when this process or the kernel lacks memory or descriptors: nothing was
 * sent, and the channel is whole; ERR_CLOSED; ERR_SYSTEM with errno, which
 * is a channel that is broken; or the catalogue's errors.
 */
int ipc_send(struct ipc_channel *ch, enum msg_type type, const void *msg,
    const int *fds, size_t nfds);

/*
 * The same in steps, for a caller that keeps what has no room yet: check and
 * encode; ipc_channel_pass() once it is kept; and send what was encoded, as
 * often as it takes. The first returns the length, at most size bytes, or the
 * catalogue's errors; the last the errors of ipc_send().
 */
int ipc_prepare(const struct ipc_channel *ch, enum msg_type type,
    const void *msg, size_t nfds, uint8_t *buf, size_t size);
int ipc_send_prepared(struct ipc_channel *ch, const uint8_t *buf, size_t n,
    const int *fds, size_t nfds);

/*
 * As ipc_send(), but waits for room, and up to 5 s for memory. For starts, last
 * words and the command-line client.
 */
int ipc_send_wait(struct ipc_channel *ch, enum msg_type type, const void *msg,
    const int *fds, size_t nfds);

/*
 * Receive one message. ERR_AGAIN when there is none; ERR_CLOSED at the end;
 * ERR_TYPE, ERR_TRUNCATED, ERR_TOO_LONG, ERR_VALUE, ERR_SENDER, ERR_STATE,
 * ERR_FDS when the sender broke the catalogue (in->type then names the message
 * if it was readable, and no descriptor is kept). ERR_SHORT with errno when
 * this process lacks memory or descriptors, which is not the sender's fault:
 * with in->type MSG_COUNT nothing was taken; with a message's type, this one
 * was, and without its descriptors, of which none is kept. ERR_SYSTEM: the
 * channel is broken. Waits unless the descriptor is non-blocking.
 */
int ipc_recv(struct ipc_channel *ch, struct ipc_in *in);

/* The same, but never waits, whether the descriptor is blocking or not. */
int ipc_recv_now(struct ipc_channel *ch, struct ipc_in *in);

/*
 * The same, but the message stays in the queue and the state as it is: for who
 * passes the channel on to the one that may take it. Its descriptors, if any,
 * are copies.
 */
int ipc_peek_now(struct ipc_channel *ch, struct ipc_in *in);

/* Close what came with a message. */
void ipc_in_close(struct ipc_in *in);

/*
 * Overwrite a message that held a secret, in every form. What ipc_send() made
 * of a secret it has wiped by itself; the caller's struct is the caller's.
 */
void ipc_in_wipe(struct ipc_in *in);

/* Whether an error of ipc_recv() means that the sender broke the catalogue. */
int ipc_error_is_breach(int err);

#endif
