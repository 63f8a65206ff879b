/*
 * One telnet connection in its worker: what its parts share. conn.c (socket,
 * protocol), dialogue.c (greeting, name, PAM's questions), session.c (the
 * user's terminal), serve.c (the loop). Runs in the worker, which speaks with
 * a stranger and has no right but its descriptors: the connection, the channel
 * to its master, later the channel to its login process and the master side of
 * the user's terminal. Nothing here waits but serve.c's one poll().
 */
#ifndef PORTREEVE_TELNET_CONN_H
#define PORTREEVE_TELNET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/common/worker.h"
#include "workers/telnet/line.h"
#include "workers/telnet/tail.h"
#include "workers/telnet/telnet.h"

#define CONN_QUEUE 262144 /* bytes to the client, at most */
#define CONN_INPUT 16384  /* bytes of the client's, read at a time */
#define CONN_NAME_MAX 255 /* bytes of a user's name */

enum phase {
	PHASE_END,	/* what is queued is sent, and no more is read */
	PHASE_GREETING, /* options are being agreed on */
	PHASE_NAME,	/* the user's name is being typed */
	PHASE_ASKED,	/* a login process is being started */
	PHASE_LATE,	/* no name in all its time: the master is to say so */
	PHASE_TRYING,	/* the login process has the word */
	PHASE_PROMPT,	/* an answer to PAM is being typed */
	PHASE_SESSION,	/* logged in */
	PHASE_OVER,	/* the shell has ended: what is left is sent */
	PHASES
};

enum phase_event {
	PHASE_ASKS_NAME,
	PHASE_ASKS_LOGIN, /* has asked the master for a login process */
	PHASE_IS_LATE,
	PHASE_TRIES, /* the login process has a name or an answer */
	PHASE_IS_PROMPTED,
	PHASE_OPENS, /* the user's terminal is there */
	PHASE_SHELL_ENDS,
	PHASE_ENDS,
	PHASE_EVENTS
};

/* The peer's side of the connection; from each only to a later one. */
enum peer {
	PEER_SENDS,
	PEER_HALF_CLOSED, /* it sends no more; there may be more to read */
	PEER_ENDED,	  /* nor is there */
	PEER_GONE	  /* the connection broke: nothing is sent either */
};

/* session.c's: the user's terminal. */
struct session {
	int pty;	 /* -1: none yet */
	uint8_t keys[2]; /* bytes for it */
	bool stuck;	 /* a Synch has come, and it took no byte since */
	bool unechoed;	 /* it echoes no more, as the client wants it */
	bool silent;	 /* it has nothing to tell but what wants room */
	bool swollen;	 /* much output went through the buffers */
	size_t drained;	 /* bytes read since the shell has ended */
	struct telnet_tail tail;
};

struct conn {
	struct worker *w;
	const struct msg_login_options *options;
	const char *host; /* in the prompt */
	enum phase phase; /* conn_step()'s */
	enum peer peer;	  /* conn.c's */

	/* conn.c */
	struct telnet telnet;
	size_t at, have; /* of in[]: given to the protocol, read */
	size_t high;	 /* the most that have was: for wiping */
	uint8_t *data;	 /* n bytes for the line or the terminal */
	size_t n;
	bool full;	 /* an answer waits for room: nothing is read */
	bool blocked;	 /* the socket takes nothing at present */
	unsigned agains; /* sends and writes without room, in a row */
	unsigned shorts; /* calls for which the kernel had no room, likewise */
	/*
	 * When it last sent something, where that matters: while options are
	 * agreed on, any byte; in a session, what was typed.
	 */
	uint64_t heard;
	uint64_t told;	  /* bytes moved, as the master was told */
	uint64_t told_at; /* and when */

	/* dialogue.c */
	struct telnet_line line;
	char user[CONN_NAME_MAX + 1];
	struct ipc_channel login;
	unsigned asked;	   /* LOGIN_ASK was sent so often */
	uint64_t asked_at; /* and then, at last */
	struct ipc_in message;

	struct session session;

	uint8_t in[CONN_INPUT];
	uint8_t out[65536]; /* of the terminal, for a moment */
	uint8_t queue[CONN_QUEUE];
};

/* --- conn.c -----------------------------------------------------------------
 */

/* Take the connection, queue the first offers. 0 or ERR_. */
int conn_open(struct conn *c, struct worker *w);

/*
 * The one way from a phase to the next. What the phase does not provide for
 * ends the connection; PHASE_END is never left. A worker has no log, and so
 * nothing is written of it.
 */
void conn_step(struct conn *c, enum phase_event event);

/* Whether the user is logged in, or was until the shell ended. */
bool conn_has_session(const struct conn *c);

/* The poll() events that matter now. */
short conn_events(const struct conn *c);

/* What poll() said: urgent data, input into in[]. May end it. */
void conn_read(struct conn *c, short revents);

/* Send what is queued, as far as it goes without waiting. May end it. */
void conn_flush(struct conn *c);

/* poll() said that there is room, and there was none: no spinning. */
void conn_again(struct conn *c);

/*
 * The kernel is out of memory: the call is made once more after a moment, and
 * after too many the connection is over, and said to be so.
 */
void conn_short(struct conn *c);

/* Something was taken. */
void conn_moved(struct conn *c);

/* Queue text: "\n" becomes CR LF. What does not fit is lost. */
void conn_say(struct conn *c, const void *text, size_t n);

/* The client's input as a prompt's line may not outlive its use: wipe it. */
void conn_wipe(struct conn *c);

/*
 * Give back what the login took, and what much output has filled and is sent,
 * during a session. What is under way stays.
 */
void conn_thin(struct conn *c);

/* --- dialogue.c --------------------------------------------------------------
 */

/* Options, banner. */
void dialogue_greet(struct conn *c);

/* Bytes of c->data into the line; false when it takes none for now. */
bool dialogue_take(struct conn *c);

/* The peer has sent its last, and nothing of it is left to use. */
void dialogue_last(struct conn *c);

/* A command that stands for a key. */
void dialogue_key(struct conn *c, enum telnet_key key);

/* The channel to wait on: the master's or the login process's; NULL for none.
 */
struct ipc_channel *dialogue_channel(struct conn *c);

/* Something came on it. */
void dialogue_hear(struct conn *c);

/* When dialogue_tick() is due, CLOCK_BOOTTIME ns. */
uint64_t dialogue_due(const struct conn *c);
void dialogue_tick(struct conn *c, uint64_t now);

/* --- session.c
 * ---------------------------------------------------------------- */

/* The user's terminal: fd is taken over. */
void session_begin(struct conn *c, int fd);

/* The shell has ended: send what is left. */
void session_over(struct conn *c);

/* Bytes of c->data into the terminal; false when it takes none for now. */
bool session_take(struct conn *c);
void session_key(struct conn *c, enum telnet_key key);

/* The peer has sent its last, and the terminal has it. */
void session_last(struct conn *c);

/* After a batch of input: the window's new size. */
void session_follow(struct conn *c);

/* The poll() events of the terminal that matter now; 0: do not poll it. */
short session_events(const struct conn *c);

/* The terminal's output into the queue, as much as is there and fits. */
void session_read(struct conn *c);

/* When session_tick() is due; UINT64_MAX never. */
uint64_t session_due(const struct conn *c);
void session_tick(struct conn *c, uint64_t now);

/* --- serve.c
 * ------------------------------------------------------------------ */

/*
 * Serve one peer to its end; the worker's exit status. The options and the
 * host's name stay the caller's.
 */
int telnet_serve(struct worker *w, const struct msg_login_options *options,
    const char *host);

#endif
