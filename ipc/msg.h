/*
 * What ipc/catalogue.def generates: the enum of messages, a struct for each,
 * the permit table, and the codecs. Any process; the decoder distrusts its
 * input wholly. Nothing here does I/O (ipc/channel.h does).
 */
#ifndef PORTREEVE_IPC_MSG_H
#define PORTREEVE_IPC_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/deed.h"
#include "lib/role.h"

/* Bounds that the catalogue names. */
#define SERVICES_MAX 256
#define PLAN_SERVICES_MAX 128 /* of one configuration */
#define STATE_TEXT_MAX 256    /* of a service, its NUL included */
#define SLOTS_MAX 262144      /* connections at a time over all services */

#define IPC_MESSAGE_MAX 16384 /* bytes of the longest datagram */
#define IPC_FDS_MAX 3

/* A channel's state; each end keeps its own (ipc/channel.h). */
#define IPC_STATES(X)                                                          \
	X(NEW)	    /* a role that is not sealed yet */                        \
	X(SEALED)   /* told how, not ready yet */                              \
	X(IDLE)	    /* a worker forked ahead of time */                        \
	X(UP)	    /* serving */                                              \
	X(ASKED)    /* a question is open */                                   \
	X(LOGIN)    /* a login is being made; no name is being tried */        \
	X(TRYING)   /* a name was given, PAM is at work */                     \
	X(PROMPT)   /* PAM asked the peer, who has not answered */             \
	X(SESSION)  /* logged in */                                            \
	X(STOPPING) /* told to finish */

enum ipc_state {
#define X(name) ST_##name,
	IPC_STATES(X)
#undef X
	    ST_COUNT,
	ST_KEEP = ST_COUNT /* in the catalogue: the state stays */
};

enum msg_type {
#define MSG_BEGIN(NAME, lower, from, to, states, next, least, most) MSG_##NAME,
#define MSG_END(NAME, lower)
#define MSG_U8(f, lo, hi)
#define MSG_U16(f, lo, hi)
#define MSG_U32(f, lo, hi)
#define MSG_U64(f, lo, hi)
#define MSG_I32(f, lo, hi)
#define MSG_STR(f, size)
#define MSG_BYTES(f, most)
#define MSG_ADDR(f)
#include "ipc/catalogue.def"
#include "ipc/undef.h"
	MSG_COUNT
};

/* struct msg_NAME for every row. */
#define MSG_BEGIN(NAME, lower, from, to, states, next, least, most)            \
	struct msg_##lower {
#define MSG_END(NAME, lower)                                                   \
	char end_; /* so that a message without fields has a struct */         \
	}                                                                      \
	;
#define MSG_U8(f, lo, hi) uint8_t f;
#define MSG_U16(f, lo, hi) uint16_t f;
#define MSG_U32(f, lo, hi) uint32_t f;
#define MSG_U64(f, lo, hi) uint64_t f;
#define MSG_I32(f, lo, hi) int32_t f;
#define MSG_STR(f, size) char f[size];
#define MSG_BYTES(f, most)                                                     \
	struct {                                                               \
		uint16_t n;                                                    \
		uint8_t b[most];                                               \
	} f;
#define MSG_ADDR(f) struct addr f;
#include "ipc/catalogue.def"
#include "ipc/undef.h"

union msg_any {
#define MSG_BEGIN(NAME, lower, from, to, states, next, least, most)            \
	struct msg_##lower lower;
#define MSG_END(NAME, lower)
#define MSG_U8(f, lo, hi)
#define MSG_U16(f, lo, hi)
#define MSG_U32(f, lo, hi)
#define MSG_U64(f, lo, hi)
#define MSG_I32(f, lo, hi)
#define MSG_STR(f, size)
#define MSG_BYTES(f, most)
#define MSG_ADDR(f)
#include "ipc/catalogue.def"
#include "ipc/undef.h"
};

/* A row of the permit table; roles and states are masks of 1 << value. */
struct msg_permit {
	const char *name;
	uint32_t from, to, states;
	enum ipc_state next;
	uint8_t fds_least, fds_most;
};

extern const struct msg_permit msg_permits[MSG_COUNT];

/* "START" for MSG_START; "?" for none. */
const char *msg_name(unsigned type);
const char *ipc_state_name(unsigned state);

/*
 * Write a message to buf; returns its length, or ERR_TOO_LONG, ERR_VALUE (a
 * field is out of its range: the sender's own bug) or ERR_TYPE.
 */
int msg_encode(enum msg_type type, const void *msg, uint8_t *buf, size_t size);

/* Append a text and its NUL to a list of texts in a message: 0 or ERR_TOO_LONG.
 */
int msg_put_text(uint8_t *list, uint16_t *n, size_t room, const char *text);

/*
 * Read a datagram of n bytes. On 0, *type and the union's member are set, and
 * every string ends in NUL inside its array. ERR_TYPE, ERR_TRUNCATED,
 * ERR_TOO_LONG (bytes left over) or ERR_VALUE; *type is then set when it was
 * readable, else MSG_COUNT.
 */
int msg_decode(
    const uint8_t *buf, size_t n, enum msg_type *type, union msg_any *msg);

/*
 * Whether `from` may send `type` with nfds descriptors to `to` in this state:
 * 0, ERR_TYPE, ERR_SENDER, ERR_STATE or ERR_FDS.
 */
int msg_check_permit(unsigned type, enum role from, enum role to,
    enum ipc_state state, size_t nfds);

/* Whether its fields are a secret, and what held them is to be wiped. */
int msg_is_secret(enum msg_type type);

/* The state after the message. */
enum ipc_state msg_next_state(enum msg_type type, enum ipc_state state);

#endif
