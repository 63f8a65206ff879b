/*
 * The memory that outlives a process. Two kinds, both files below the run-time
 * state folder, made by the monitor (mode 0600) and handed over as descriptors:
 *
 * - the slot table, one a zygote: written only by the zygote, read by the
 *   monitor (which verifies every process id against /proc before it acts)
 *   and the master. Never mapped in a worker (MADV_DONTFORK).
 * - the state, one a daemon: written only by the master; the monitor keeps it
 *   for the next master and never reads it.
 *
 * A slot's number is given by the master and is the same in both. All readers
 * check bounds: what a dead process left may be torn. Times are
 * CLOCK_BOOTTIME nanoseconds unless said.
 */
#ifndef PORTREEVE_IPC_STATE_H
#define PORTREEVE_IPC_STATE_H

#include <sys/resource.h>

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/msg.h"

/*
 * The master's file; sparse. Its layout is the master's own, which maps
 * STATE_SIZE of it. The file itself is as long as the configuration needs, so
 * that a master that was taken over does not fill the file system with it: the
 * head, then a block for so many slots each, and behind all blocks the long
 * rate histories of so many services, where a limit needs one.
 */
#define STATE_SIZE (UINT64_C(1) << 30)
#define STATE_HEAD UINT64_C(9216000)
#define STATE_BLOCK_SLOTS 64u
#define STATE_BLOCK 24576u
#define STATE_HISTORY 8192u /* one that lies in the head */
#define STATE_LONG 528384u  /* one of the others */

/* The length for that many slots, and services that may have long ones. */
uint64_t state_size(uint32_t slots, unsigned services);

enum slot_use {
	SLOT_FREE,
	SLOT_RUNNING,
	SLOT_ENDED /* how and value tell; free again for the master */
};

/* How a session ended: MSG_ENDED's how. */
enum ended {
	ENDED_EXITED, /* value: exit status */
	ENDED_SIGNAL, /* value: signal number */
	ENDED_FAILED, /* value: errno of enum step */
	ENDED_UNKNOWN
};

/* Which step towards a connection's process failed; the event's word. */
#define STEPS(X)                                                               \
	X(NONE, "")	      /* none did, or it is not known */               \
	X(RECEIVE, "receive") /* the connection, from master or zygote */      \
	X(SLOT, "slot")	      /* memory for its slot */                        \
	X(MEMORY, "memory")                                                    \
	X(LOG, "standard-error") /* the socket that is to be that */           \
	X(FORK, "fork")                                                        \
	X(DESCRIPTORS, "descriptors") /* putting them in their places */       \
	X(SETSID, "setsid")                                                    \
	X(SETRLIMIT, "setrlimit")                                              \
	X(SETPRIORITY, "setpriority")                                          \
	X(SETGROUPS, "setgroups") /* the gid and the groups */                 \
	X(SIGPROCMASK, "sigprocmask")                                          \
	X(SETUID, "setuid")                                                    \
	X(EXEC, "exec")

enum step {
#define X(name, text) STEP_##name,
	STEPS(X)
#undef X
	    STEP_COUNT
};

/* Its word; "" for STEP_NONE, and for what is none. */
const char *step_text(unsigned step);

/*
 * One connection. The writer fills everything else before it stores use, with
 * release order; a reader loads use first, with acquire order.
 */
struct slot {
	_Atomic uint32_t use; /* enum slot_use */
	int32_t pid;	      /* leader of the connection's process group */
	uint64_t session;     /* never 0 in use */
	uint64_t start;	      /* just before the fork */
	uint8_t how;	      /* enum ended */
	uint8_t family;	      /* of the peer: enum family */
	uint16_t port;	      /* the peer's, host order */
	int32_t value;
	uint8_t peer[16]; /* as struct addr's bytes */
	uint32_t scope;
	uint16_t killed;       /* of its group, when its leader had ended */
	uint8_t timed_out;     /* 1: session-timeout ended it */
	uint8_t step;	       /* ENDED_FAILED: enum step */
	uint32_t next_session; /* the index: slot + 1, 0 the last */
	uint32_t next_pid;
};

#define SLOT_TABLE_MAGIC 0x50525631u /* "PRV1" */

struct slot_table {
	uint32_t magic;
	uint32_t count; /* slots; readers go by the file's size */
	uint32_t instance;
	uint32_t kind;	       /* enum service_kind */
	int32_t zygote;	       /* its process id */
	_Atomic uint32_t high; /* every slot in use has a lower number */
	char service[SERVICE_NAME_MAX];
	char pad[64 - 7 * 4 - SERVICE_NAME_MAX];
	uint32_t room; /* slot_reserve()'s */
	struct slot slots[];
};

_Static_assert(sizeof(struct slot) == 64, "a slot is a cache line");
_Static_assert(sizeof(struct slot_table) == 64, "slots are aligned");

/*
 * Behind the slots lies the index: by session and by process id, each a list
 * of slots for every so many of the table's. The zygote keeps it. For a reader
 * it is a hint: what it leads to is looked at, and it is left after so many
 * steps. Tables of an earlier version have none, and are looked through.
 */
#define SLOT_INDEX_SHARE 4 /* slots for each list */

struct slot_index {
	_Atomic uint32_t changes; /* odd: one is under way */
	uint32_t unused[15];
	_Atomic uint32_t heads[]; /* by session, then by process id */
};

/* Bytes of a table of so many slots: a power of two, SLOTS_MAX at the most. */
#define SLOT_TABLE_BYTES(count)                                                \
	(sizeof(struct slot_table) + (count) * sizeof(struct slot) +           \
	    sizeof(struct slot_index) +                                        \
	    2 * ((count) / SLOT_INDEX_SHARE) * sizeof(uint32_t))
#define SLOT_TABLE_SIZE SLOT_TABLE_BYTES((size_t)SLOTS_MAX)

/*
 * The zygote's side. Before a slot is touched, have room for it and for all
 * below, which readers look at: 0, or ERR_SYSTEM with errno when the file
 * system has none, or the table is not as large. Claim a slot before the fork
 * (pid 0; the kernel may store the child's before it runs), tell its process
 * id, end it when the session is over.
 */
int slot_reserve(struct slot_table *t, uint32_t number);
void slot_claim(struct slot_table *t, uint32_t number, uint64_t session,
    const struct addr *peer, uint64_t start);
void slot_started(struct slot_table *t, uint32_t number, int32_t pid);
void slot_end(
    struct slot_table *t, uint32_t number, enum ended how, int32_t value);
/* The same as ENDED_FAILED: error is an errno. */
void slot_fail(
    struct slot_table *t, uint32_t number, enum step step, int32_t error);

/*
 * The readers' side: a copy of slot `number` if it is in use (SLOT_RUNNING or
 * SLOT_ENDED); 0, or ERR_NOT_FOUND. Bounds are checked.
 */
int slot_read(const struct slot_table *t, uint32_t number, struct slot *out);

/*
 * The running slot of a session, or of a process-group leader; -1 for none.
 * The same cost whatever the table holds.
 */
int64_t slot_find_session(const struct slot_table *t, uint64_t session);
int64_t slot_find_pid(const struct slot_table *t, int32_t pid);

/* The peer that a slot names. */
void slot_peer(const struct slot *slot, struct addr *out);

/*
 * Map a table whose descriptor came over a channel; writable for its zygote
 * alone, and never inherited by a fork. How many slots it has is taken from the
 * file's size, once: only the monitor can change that. NULL with errno when it
 * cannot be mapped, when it is of no such size, or (writable) when there is no
 * room for it. The descriptor stays the caller's.
 */
struct slot_table *slot_table_map(int fd, int writable);
void slot_table_unmap(struct slot_table *t);

/* MSG_PROGRAM's rlimits: an array of these. */
struct program_rlimit {
	uint64_t soft, hard; /* RLIM_INFINITY for none */
	uint32_t resource;   /* RLIMIT_… */
	uint32_t unused;
};

/* Why a worker has ended a session by itself: MSG_STATS's why. */
enum worker_why {
	WORKER_WHY_NONE,
	WORKER_WHY_IDLE,  /* idle-timeout */
	WORKER_WHY_INPUT, /* the peer's input had ended, and nothing more came
			   */
	WORKER_WHY_SHORT  /* the kernel went on to take and give nothing */
};

/* Why a name's try failed: MSG_LOGIN_FAILURE's reason. */
enum login_failure {
	LOGIN_FAILED_CREDENTIALS,
	LOGIN_FAILED_ROOT,    /* root-login */
	LOGIN_FAILED_ACCOUNT, /* PAM's account phase, or its session */
	LOGIN_FAILED_TIMEOUT,
	LOGIN_FAILED_RESOURCES /* the host's want, not the peer's fault */
};

/* How a login process ends by itself; 1 is a failure of its own. */
enum login_exit {
	LOGIN_EXIT_SESSION = 0, /* its session is over */
	LOGIN_EXIT_NO_LOGIN = 2,
	LOGIN_EXIT_RECORD = 3,		 /* over, and still in utmp */
	LOGIN_EXIT_GAVE_UP = 4,		 /* for a call that failed */
	LOGIN_EXIT_NO_DESCRIPTORS = 126, /* before its exec */
	LOGIN_EXIT_NO_EXEC = 127
};

/* finger's questions and the pieces of an answer (MSG_LOOKUP_…). */
enum lookup_what { LOOKUP_USER, LOOKUP_LIST };

/* How an answer ends (MSG_LOOKUP_ANSWER). */
enum lookup_outcome {
	LOOKUP_NOBODY, /* there is nobody to tell of */
	LOOKUP_FOUND,
	LOOKUP_LATER /* it cannot be known now */
};

/* In this order for one user; text unless number is said. */
enum lookup_piece {
	PIECE_LOGIN,
	PIECE_NAME, /* real name */
	PIECE_OFFICE,
	PIECE_OFFICE_PHONE,
	PIECE_HOME_PHONE,
	PIECE_HOME,	  /* home folder, with details only */
	PIECE_SHELL,	  /* with details only */
	PIECE_TTY,	  /* a present login's line; its pieces follow */
	PIECE_HOST,	  /* where from */
	PIECE_SINCE,	  /* number: wall clock seconds */
	PIECE_IDLE,	  /* number: seconds */
	PIECE_LAST_LOGIN, /* number: wall clock seconds; details only */
	PIECE_MAIL, /* number: mtime of unread mail, seconds; details only */
	PIECE_PLAN, /* file's bytes, possibly several pieces */
	PIECE_PROJECT,
	PIECE_PUBKEY,
	PIECE_COUNT
};

#endif
