/*
 * What programs write to their standard error, on its way to the logreader: a
 * pair of sockets for each connection, so that no program can shut another's.
 * In program zygotes, which never read a byte of it. The reading end goes to
 * the logreader; a copy is kept until nobody can write any more, so that a
 * logreader's death ends no program, and its successor reads on.
 *
 * sshd's pair is SEQPACKET: a record is one write, and no stranger's newline
 * makes two of it. A program's is STREAM: no write fails for its size.
 *
 * Distrusts the logreader, which reads strangers' bytes: what it says is one
 * message, and its numbers are looked up here.
 */
#ifndef PORTREEVE_WORKERS_COMMON_PROGRAM_LOG_H
#define PORTREEVE_WORKERS_COMMON_PROGRAM_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "ipc/state.h"

/* Reading ends are numbered from here on; a child copies only what is below. */
#define PROGRAM_LOG_FDS 64

struct program_log;

struct program_logs {
	struct ipc_channel reader; /* fd -1: there is none now */
	/*
	 * sshd's: records; a connection is over only when the logreader has
	 * told all of it. Else lines, handed over after a moment: a program
	 * that ends at once without a word is never heard of.
	 */
	bool records;
	/* A connection that was waited for is over. */
	void (*over)(uint32_t slot, enum ended how, int value);
	struct program_log *logs;
	uint32_t size, free;
	uint32_t first, last; /* the queue: what is to be sent */
	uint32_t queued, waiting, unread;
	uint64_t again; /* not before this time: the kernel was short */
	bool full;	/* wants POLLOUT */
};

void program_logs_init(struct program_logs *l, bool records,
    void (*over)(uint32_t slot, enum ended how, int value));

/*
 * A pair for one connection; *writer is the program's end, the caller's to
 * close. Returns its number, or -1 with errno.
 */
int64_t program_log_open(struct program_logs *l, uint32_t slot,
    uint64_t session, const struct addr *peer, int *writer);

/* Its program runs as pid; or it could not be started. */
void program_log_start(
    struct program_logs *l, uint32_t number, int32_t pid, uint64_t now);
void program_log_drop(struct program_logs *l, uint32_t number);

/*
 * Its program has ended. True: the connection is over. False: l->over() will
 * say so.
 */
bool program_log_end(struct program_logs *l, uint32_t number, enum ended how,
    int value, uint64_t now);

/* Take a logreader's channel over; it is told of every connection anew. */
void program_logs_attach(struct program_logs *l, int fd, uint64_t now);

/* Send what is due, as far as it goes. */
void program_logs_flush(struct program_logs *l, uint64_t now);

/* ms until program_logs_flush() is due; -1 when it is not. */
int program_logs_timeout(const struct program_logs *l, uint64_t now);

/*
 * Read what the logreader says. 0, or the error by which it broke the
 * catalogue: then its channel is closed.
 */
int program_logs_hear(struct program_logs *l);

/* Nothing is waited for, and nothing is to be sent to a logreader. */
bool program_logs_idle(const struct program_logs *l);

#endif
