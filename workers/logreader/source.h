/*
 * One zygote's programs, and what their connections write to their standard
 * error: a socket each, which the zygote hands over. In the logreader, sealed.
 * The bytes are strangers' words as much as the programs'; whose they are is
 * known by the socket, and which process wrote them is the kernel's word
 * (SO_PASSCRED). The zygote is believed what the catalogue lets it say.
 *
 * Floors: workers/logreader/logconn.c reads one connection; lines.c,
 * sshsession.c and sshlog.c make sense of it; tell.c makes events of that.
 */
#ifndef PORTREEVE_WORKERS_LOGREADER_SOURCE_H
#define PORTREEVE_WORKERS_LOGREADER_SOURCE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "audit/event.h"
#include "ipc/channel.h"
#include "ipc/state.h"
#include "workers/logreader/lines.h"
#include "workers/logreader/rate.h"
#include "workers/logreader/sshsession.h"

/* What an epoll event is of; the first member of either. */
enum watched { WATCHED_SOURCE, WATCHED_CONN };

struct source;

/* What the zygote is to be told of a connection. */
enum logconn_debt {
	LOGCONN_DEBT_ENDED = 1, /* its last process's end is reported */
	LOGCONN_DEBT_CLOSED = 2 /* its log is read to the end */
};

struct logconn {
	enum watched watched;
	struct source *src;
	TAILQ_ENTRY(logconn) waits; /* in src->waiting */
	STAILQ_ENTRY(logconn) owes; /* in src->owing */
	bool waiting, owing;
	bool key_failed; /* and its source has been told of */
	int fd;		 /* -1: its end has been read */
	uint32_t number;
	uint64_t session;
	pid_t pid; /* its leader */
	struct addr peer;
	bool ended; /* ssh: the zygote has said so; all is reported */
	unsigned
	    debt; /* LOGCONN_DEBT_: LOG_TOLD that the zygote has yet to get */
	struct sshsession ssh;
	struct lines lines;
	struct rate rate;
};

struct source {
	enum watched watched;
	TAILQ_ENTRY(source) next;
	struct ipc_channel zygote;
	int epoll;
	enum service_kind kind;
	bool decide;
	bool log_unknown; /* log-unknown-users */
	char service[SERVICE_NAME_MAX];
	struct sshsession_config config;
	struct rate rate;
	struct logconn **conns; /* by their number */
	uint32_t size, count;
	TAILQ_HEAD(, logconn) waiting; /* want source_tick() */
	STAILQ_HEAD(, logconn) owing; /* LOG_TOLD for which there was no room */
};

/* Where what is found goes. */
struct source_out {
	struct event_sink *events;
	struct ipc_channel *monitor;
};

/*
 * Take MSG_LOG_SOURCE and its descriptor over. ERR_SYSTEM: nothing is kept but
 * the descriptor's closing.
 */
int source_open(struct source *src, const struct msg_log_source *m, int fd,
    int epoll, uid_t privileged, bool (*is_root)(const char *name));

void source_close(struct source *src);

/*
 * Read some of what the zygote says, and send what it is owed. 0; ERR_CLOSED
 * when it is gone, its connections are read to their ends; or the error by
 * which it broke the catalogue.
 */
int source_serve(
    struct source *src, const struct source_out *out, uint64_t now);

/* Time has passed: what was held back is reported. */
void source_tick(
    struct source *src, const struct source_out *out, uint64_t now);

/* There is no room for what a connection of its owes: it is tried again. */
void source_owe(struct source *src, struct logconn *c);

/* Nothing more can come of it. */
bool source_is_over(const struct source *src);

bool source_is_ssh(const struct source *src);

/* --- workers/logreader/logconn.c
 * ----------------------------------------------
 */

/*
 * A connection, of MSG_LOG_CONNECTION and its descriptor, which is taken over.
 * ERR_VALUE when its number is in use, or an error of the system's.
 */
int logconn_open(
    struct source *src, const struct msg_log_connection *m, int fd);

/* Read some, and all there is of it at its end; it may be freed by that. */
void logconn_read(
    struct logconn *c, const struct source_out *out, uint64_t now);

/* ssh: its last process has ended, and with this status. */
void logconn_end(struct logconn *c, const struct source_out *out,
    const struct msg_log_ended *m, uint64_t now);

/* The same of one that could not be taken: 0, ERR_VALUE, ERR_NO_MEMORY. */
int logconn_end_unread(struct source *src, const struct msg_log_ended *m);

/* Its zygote is gone: nothing is owed any more, and its end is an end. */
void logconn_orphan(
    struct logconn *c, const struct source_out *out, uint64_t now);

void logconn_tick(
    struct logconn *c, const struct source_out *out, uint64_t now);

/* Send the LOG_TOLD that it owes. ERR_AGAIN without room. */
int logconn_pay(struct logconn *c);

/*
 * Forget it, without a word. Its memory stays until logconn_bury(), at the end
 * of a turn, with src NULL: an event of this turn may name it.
 */
void logconn_free(struct logconn *c);
void logconn_bury(void);

/* --- workers/logreader/tell.c ----------------------------------------------
 */

/* A program's line. */
void tell_line(struct logconn *c, const struct source_out *out, pid_t pid,
    const char *line, size_t n, uint64_t now);

/* A record of sshd's that no other event carries. */
void tell_output(struct logconn *c, const struct source_out *out, pid_t pid,
    const char *record, size_t n, uint64_t now);

/* The events of one connection's actions; record: what they came of. */
void tell_actions(struct logconn *c, const struct source_out *out,
    const struct sshsession_actions *actions, const char *record, size_t n,
    uint64_t now);

/*
 * If lines were dropped and there is room to say so, or no more are to come,
 * say how many. Returns whether some are left to report.
 */
bool tell_dropped(
    struct logconn *c, const struct source_out *out, bool last, uint64_t now);

#endif
