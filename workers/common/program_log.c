/*
 * The pairs of sockets for standard error, and what the logreader is told of
 * them. In program zygotes; see workers/common/program_log.h. Never waits, and
 * never reads more of a pair than whether there is anything.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "workers/common/program_log.h"

#define NONE UINT32_MAX
#define MS UINT64_C(1000000)

/* A line is handed over after so long, or when so many wait. */
#define LAZY_NS (5 * MS)
#define LAZY_MAX 64
#define AGAIN_NS (100 * MS)
#define REST_MS 5

/* Ended programs whose last words are kept while there is no logreader. */
#define UNREAD_MAX 256

enum log_state {
	LOG_FREE,
	LOG_NEW, /* its program is about to start */
	LOG_RUNS,
	LOG_ENDING, /* its program has ended; the logreader is asked */
	LOG_OVER    /* what is left of it is read to its end */
};

struct program_log {
	int fd; /* the reading end; -1: nobody can write any more */
	uint8_t state, how;
	bool queued;
	bool handed; /* to the present logreader */
	bool asked;  /* it; not answered yet */
	bool again;  /* one before it has had it */
	int32_t pid, value;
	uint32_t slot;
	uint32_t next; /* in the queue, or of the free ones */
	uint64_t session, since;
	struct addr peer;
};

void
program_logs_init(struct program_logs *l, bool records,
    void (*over)(uint32_t slot, enum ended how, int value))
{
	memset(l, 0, sizeof(*l));
	ipc_channel_init(&l->reader, -1, ROLE_ZYGOTE, ROLE_LOGREADER, ST_UP);
	l->records = records;
	l->over = over;
	l->free = l->first = l->last = NONE;
}

/* --- numbers ---------------------------------------------------------------
 */

static int
logs_grow(struct program_logs *l)
{
	uint32_t size = l->size == 0 ? 64 : l->size * 2;
	struct program_log *bigger;

	if (size > SLOTS_MAX * 2) {
		errno = ENOMEM;
		return (ERR_FULL);
	}
	bigger = realloc(l->logs, size * sizeof(*bigger));
	if (bigger == NULL)
		return (ERR_NO_MEMORY);
	memset(bigger + l->size, 0, (size - l->size) * sizeof(*bigger));
	for (uint32_t i = size; i-- > l->size;) {
		bigger[i].next = l->free;
		l->free = i;
	}
	l->logs = bigger;
	l->size = size;
	return (0);
}

/*
 * The one setter of a connection's state; it counts those that wait, and those
 * that are over and unread. From each to a later one, or to LOG_FREE.
 */
static void
log_set(struct program_logs *l, uint32_t number, enum log_state state)
{
	struct program_log *log = &l->logs[number];

	l->waiting -= log->state == LOG_ENDING;
	l->unread -= log->state == LOG_OVER && !log->handed;
	log->state = (uint8_t)state;
	l->waiting += state == LOG_ENDING;
	l->unread += state == LOG_OVER && !log->handed;
}

/* A queued one is freed when the queue comes to it. */
static void
log_free(struct program_logs *l, uint32_t number)
{
	struct program_log *log = &l->logs[number];

	fd_close(&log->fd);
	log_set(l, number, LOG_FREE);
	if (log->queued)
		return;
	log->next = l->free;
	l->free = number;
}

/* --- the queue -------------------------------------------------------------
 */

static void
log_queue(struct program_logs *l, uint32_t number, uint64_t now)
{
	struct program_log *log = &l->logs[number];

	if (log->queued)
		return;
	log->queued = true;
	log->since = now;
	log->next = NONE;
	if (l->last == NONE)
		l->first = number;
	else
		l->logs[l->last].next = number;
	l->last = number;
	l->queued++;
}

static void
log_unqueue_first(struct program_logs *l)
{
	uint32_t number = l->first;
	struct program_log *log = &l->logs[number];

	l->first = log->next;
	if (l->first == NONE)
		l->last = NONE;
	l->queued--;
	log->queued = false;
	if (log->state == LOG_FREE) {
		log->next = l->free;
		l->free = number;
	}
}

/* --- states ----------------------------------------------------------------
 */

static void
log_set_over(struct program_logs *l, uint32_t number)
{
	struct program_log *log = &l->logs[number];

	log_set(l, number, LOG_OVER);
	if ((log->fd < 0 && !log->asked) ||
	    (!log->handed && l->unread > UNREAD_MAX))
		log_free(l, number);
}

/* The connection that waited is over, and what is left of it stays. */
static void
log_tell_over(struct program_logs *l, uint32_t number)
{
	const struct program_log was = l->logs[number];

	log_set_over(l, number);
	l->over(was.slot, (enum ended)was.how, was.value);
}

static void
logs_lose_reader(struct program_logs *l)
{
	ipc_channel_close(&l->reader);
	l->full = false;
	for (uint32_t i = 0; i < l->size; i++) {
		struct program_log *log = &l->logs[i];

		if (log->state == LOG_OVER && log->handed)
			l->unread++;
		log->again = log->again || log->handed;
		log->handed = log->asked = false;
		if (log->state == LOG_ENDING)
			log_tell_over(l, i);
	}
}

/* --- one connection --------------------------------------------------------
 */

/* The reading end, out of the way of what a child copies. */
static int
log_pair(bool records, int *reader, int *writer)
{
	int type = records ? SOCK_SEQPACKET : SOCK_STREAM;
	int pair[2], on = 1, saved;

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) < 0)
		return (ERR_SYSTEM);
	*reader = -1;
	*writer = pair[1];
	if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ==
		0 &&
	    shutdown(pair[0], SHUT_WR) == 0)
		*reader = fcntl(pair[0], F_DUPFD_CLOEXEC, PROGRAM_LOG_FDS);
	saved = errno;
	close(pair[0]);
	if (*reader < 0)
		fd_close(writer);
	errno = saved;
	return (*reader < 0 ? ERR_SYSTEM : 0);
}

int64_t
program_log_open(struct program_logs *l, uint32_t slot, uint64_t session,
    const struct addr *peer, int *writer)
{
	struct program_log *log;
	uint32_t number;
	int reader;

	if (l->free == NONE && logs_grow(l) != 0)
		return (-1);
	if (log_pair(l->records, &reader, writer) != 0)
		return (-1);
	number = l->free;
	log = &l->logs[number];
	l->free = log->next;
	memset(log, 0, sizeof(*log));
	log_set(l, number, LOG_NEW);
	log->fd = reader;
	log->slot = slot;
	log->session = session;
	log->peer = *peer;
	return (number);
}

void
program_log_start(
    struct program_logs *l, uint32_t number, int32_t pid, uint64_t now)
{
	log_set(l, number, LOG_RUNS);
	l->logs[number].pid = pid;
	log_queue(l, number, now);
}

void
program_log_drop(struct program_logs *l, uint32_t number)
{
	log_free(l, number);
}

/* Whether anything was written that no logreader has been given. */
static bool
log_has_words(const struct program_log *log)
{
	char c;

	return (log->fd >= 0 &&
		recv(log->fd, &c, sizeof(c), MSG_PEEK | MSG_DONTWAIT) != 0);
}

bool
program_log_end(struct program_logs *l, uint32_t number, enum ended how,
    int value, uint64_t now)
{
	struct program_log *log = &l->logs[number];
	bool wait = l->records && l->reader.fd >= 0;

	log->how = (uint8_t)how;
	log->value = value;
	if (!log->handed && !log_has_words(log)) {
		log_free(l, number);
		return (true);
	}
	if (!wait) {
		log_set_over(l, number);
		return (true);
	}
	log_set(l, number, LOG_ENDING);
	log_queue(l, number, now);
	return (false);
}

/* --- sending ---------------------------------------------------------------
 */

static int
log_hand(struct program_logs *l, uint32_t number)
{
	struct program_log *log = &l->logs[number];
	struct msg_log_connection m = {.number = number,
	    .session = log->session,
	    .pid = log->pid,
	    .peer = log->peer,
	    .again = log->again};
	int err;

	if (log->handed || log->fd < 0)
		return (0);
	err = ipc_send(&l->reader, MSG_LOG_CONNECTION, &m, &log->fd, 1);
	if (err != 0)
		return (err);
	log->handed = true;
	if (log->state == LOG_OVER)
		l->unread--;
	return (0);
}

static int
log_ask(struct program_logs *l, uint32_t number)
{
	struct program_log *log = &l->logs[number];
	struct msg_log_ended m = {.number = number,
	    .session = log->session,
	    .how = log->how,
	    .value = log->value};
	int err;

	if (!l->records || log->asked || !log->handed ||
	    (log->state != LOG_ENDING && log->state != LOG_OVER))
		return (0);
	err = ipc_send(&l->reader, MSG_LOG_ENDED, &m, NULL, 0);
	log->asked = err == 0;
	return (err);
}

/* Whether the first of the queue may wait a little. */
static bool
logs_may_wait(const struct program_logs *l, uint64_t now)
{
	const struct program_log *log = &l->logs[l->first];

	return (!l->records && l->queued <= LAZY_MAX &&
		log->state == LOG_RUNS && now < log->since + LAZY_NS);
}

void
program_logs_flush(struct program_logs *l, uint64_t now)
{
	uint32_t first = l->first;
	bool was_full = l->full;
	int err = 0;

	if (l->reader.fd < 0 || now < l->again)
		return;
	l->full = false;
	while (l->first != NONE && !logs_may_wait(l, now)) {
		if (l->logs[l->first].state != LOG_FREE) {
			err = log_hand(l, l->first);
			if (err == 0)
				err = log_ask(l, l->first);
		}
		if (err != 0)
			break;
		log_unqueue_first(l);
	}
	if (err == ERR_AGAIN && was_full && l->first == first) {
		/* poll() may say that there is room: no spinning. */
		l->again = now + REST_MS * MS;
	} else if (err == ERR_AGAIN) {
		l->full = true;
	} else if (err == ERR_CLOSED) {
		logs_lose_reader(l);
	} else if (err != 0) {
		log_errno("cannot report a connection to the logreader");
		l->again = now + AGAIN_NS;
	}
}

int
program_logs_timeout(const struct program_logs *l, uint64_t now)
{
	uint64_t due;

	if (l->reader.fd < 0 || l->first == NONE || l->full)
		return (-1);
	due = l->records ? 0 : l->logs[l->first].since + LAZY_NS;
	if (due < l->again)
		due = l->again;
	return (due <= now ? 0 : (int)((due - now) / MS) + 1);
}

void
program_logs_attach(struct program_logs *l, int fd, uint64_t now)
{
	logs_lose_reader(l);
	l->again = 0;
	ipc_channel_init(&l->reader, fd, ROLE_ZYGOTE, ROLE_LOGREADER, ST_UP);
	if (fd_set_nonblock(fd, 1) != 0) {
		ipc_channel_close(&l->reader);
		return;
	}
	for (uint32_t i = 0; i < l->size; i++) {
		if (l->logs[i].state > LOG_NEW)
			log_queue(l, i, now);
	}
	program_logs_flush(l, now);
}

/* --- hearing ---------------------------------------------------------------
 */

static int
logs_take_told(struct program_logs *l, const struct msg_log_told *m)
{
	struct program_log *log;

	if (m->number >= l->size)
		return (ERR_VALUE);
	log = &l->logs[m->number];
	if (log->state <= LOG_NEW || log->session != m->session ||
	    !log->handed || (!m->ended && !m->closed) ||
	    (m->ended && !log->asked) || (m->closed && log->fd < 0))
		return (ERR_VALUE);
	if (m->closed)
		fd_close(&log->fd);
	if (m->ended)
		log->asked = false;
	if (m->ended && log->state == LOG_ENDING)
		log_tell_over(l, m->number);
	else if (log->state == LOG_OVER && log->fd < 0 && !log->asked)
		log_free(l, m->number);
	return (0);
}

int
program_logs_hear(struct program_logs *l)
{
	struct ipc_in in;
	int err;

	while ((err = ipc_recv(&l->reader, &in)) == 0) {
		err = in.type == MSG_LOG_TOLD
			  ? logs_take_told(l, &in.msg.log_told)
			  : ERR_TYPE;
		ipc_in_close(&in);
		if (err != 0)
			break;
	}
	if (err == ERR_SHORT)
		time_rest(REST_MS); /* out of memory: it is there still */
	if (err == ERR_AGAIN || err == ERR_SHORT)
		return (0);
	logs_lose_reader(l);
	if (err == ERR_CLOSED)
		return (0);
	log_info("the logreader's channel is closed: %s", err_text(err));
	return (err);
}

bool
program_logs_idle(const struct program_logs *l)
{
	return (l->waiting == 0 && (l->reader.fd < 0 || l->queued == 0));
}
