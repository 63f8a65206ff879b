/*
 * One connection's standard error: reading it, and finding out which of its
 * processes wrote what. In the logreader, sealed; see
 * workers/logreader/source.h. Bounded: a record of sshd's is cut at RECORD_MAX
 * bytes, and after RECORDS_AT_A_TIME the next connection has its turn.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "workers/logreader/source.h"

#define RECORD_MAX 4096
#define RECORDS_AT_A_TIME 16
#define RECORDS_AT_THE_END 1024

/* Half a line is told after so long. */
#define HALF_LINE_NS UINT64_C(5000000000)

/* --- its place -------------------------------------------------------------
 */

static void
logconn_set_waiting(struct logconn *c, bool on)
{
	if (c->waiting == on)
		return;
	c->waiting = on;
	if (on)
		TAILQ_INSERT_TAIL(&c->src->waiting, c, waits);
	else
		TAILQ_REMOVE(&c->src->waiting, c, waits);
}

static int
logconn_place(struct source *src, uint32_t number)
{
	uint32_t size = src->size == 0 ? 64 : src->size;
	struct logconn **bigger;

	while (size <= number)
		size *= 2;
	if (size == src->size)
		return (src->conns[number] == NULL ? 0 : ERR_VALUE);
	bigger = realloc(src->conns, size * sizeof(struct logconn *));
	if (bigger == NULL)
		return (ERR_NO_MEMORY);
	memset(&bigger[src->size], 0,
	    (size - src->size) * sizeof(struct logconn *));
	src->conns = bigger;
	src->size = size;
	return (0);
}

static int
logconn_new(
    struct source *src, uint32_t number, uint64_t session, struct logconn **out)
{
	int err = logconn_place(src, number);
	struct logconn *c;

	if (err != 0)
		return (err);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return (ERR_NO_MEMORY);
	c->watched = WATCHED_CONN;
	c->src = src;
	c->fd = -1;
	c->number = number;
	c->session = c->ssh.session = session;
	src->conns[number] = c;
	src->count++;
	*out = c;
	return (0);
}

int
logconn_open(struct source *src, const struct msg_log_connection *m, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct logconn *c;
	int err = logconn_new(src, m->number, m->session, &c);

	if (err != 0)
		return (err);
	c->pid = m->pid;
	c->peer = m->peer;
	if (m->again != 0)
		sshsession_resume(&c->ssh);
	ev.data.ptr = c;
	if (epoll_ctl(src->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
		err = ERR_SYSTEM;
		logconn_free(c);
		return (err);
	}
	c->fd = fd;
	return (0);
}

static void
logconn_close_fd(struct logconn *c)
{
	if (c->fd >= 0)
		epoll_ctl(c->src->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	fd_close(&c->fd);
}

/* Freed, but their memory may yet be named by an event of this turn. */
static STAILQ_HEAD(, logconn) logconn_dead = STAILQ_HEAD_INITIALIZER(
    logconn_dead);

void
logconn_free(struct logconn *c)
{
	struct source *src = c->src;

	logconn_set_waiting(c, false);
	if (c->owing)
		STAILQ_REMOVE(&src->owing, c, logconn, owes);
	logconn_close_fd(c);
	lines_flush(&c->lines, UINT64_MAX, NULL, NULL);
	src->conns[c->number] = NULL;
	src->count--;
	c->src = NULL;
	STAILQ_INSERT_TAIL(&logconn_dead, c, owes);
}

void
logconn_bury(void)
{
	struct logconn *c;

	while ((c = STAILQ_FIRST(&logconn_dead)) != NULL) {
		STAILQ_REMOVE_HEAD(&logconn_dead, owes);
		free(c);
	}
}

/* --- what it owes its zygote -----------------------------------------------
 */

int
logconn_pay(struct logconn *c)
{
	struct msg_log_told m = {.number = c->number,
	    .session = c->session,
	    .ended = (c->debt & LOGCONN_DEBT_ENDED) != 0,
	    .closed = (c->debt & LOGCONN_DEBT_CLOSED) != 0};
	int err = ERR_CLOSED;

	if (c->src->zygote.fd >= 0)
		err = ipc_send(&c->src->zygote, MSG_LOG_TOLD, &m, NULL, 0);
	/* Without a zygote nobody is owed anything. */
	if (err == 0 || err == ERR_CLOSED)
		c->debt = 0;
	return (c->debt != 0 ? err : 0);
}

/* After its end has been read, or told: pay, and be gone if that was all. */
static void
logconn_settle(struct logconn *c)
{
	bool over = c->fd < 0 && (c->ended || !source_is_ssh(c->src) ||
				     c->src->zygote.fd < 0);

	if (c->debt != 0 && !c->owing && logconn_pay(c) != 0)
		source_owe(c->src, c);
	if (over && !c->owing)
		logconn_free(c);
}

/* --- what was written ------------------------------------------------------
 */

struct logconn_line {
	struct logconn *c;
	const struct source_out *out;
	uint64_t now;
};

static void
logconn_line(void *arg, pid_t pid, const char *line, size_t n)
{
	struct logconn_line *l = arg;

	tell_line(l->c, l->out, pid, line, n, l->now);
}

static void
logconn_flush_lines(struct logconn *c, const struct source_out *out,
    uint64_t until, uint64_t now)
{
	struct logconn_line l = {.c = c, .out = out, .now = now};

	lines_flush(&c->lines, until, logconn_line, &l);
}

/*
 * sshd logs every packet, also those after a login, which nobody counts: gone
 * before anything is looked up.
 */
static bool
logconn_record_is_noise(const char *record, size_t n)
{
	static const char debug[] = "debug", end[] = "[preauth]\r\n";

	return (n > sizeof(debug) &&
		memcmp(record, debug, sizeof(debug) - 1) == 0 &&
		(n < sizeof(end) - 1 || memcmp(record + n - (sizeof(end) - 1),
					    end, sizeof(end) - 1) != 0));
}

static void
logconn_take(struct logconn *c, const struct source_out *out,
    const struct ucred *from, const char *p, size_t n, uint64_t now)
{
	struct sshsession_writer w = {
	    .leader = from->pid == c->pid, .pid = from->pid, .uid = from->uid};
	struct logconn_line l = {.c = c, .out = out, .now = now};
	struct sshsession_actions actions;
	struct sshlog log;

	if (!source_is_ssh(c->src)) {
		lines_take(&c->lines, from->pid, p, n, now, logconn_line, &l);
		return;
	}
	if (logconn_record_is_noise(p, n))
		return;
	sshsession_record(&c->ssh, &c->src->config, &w, p, n, now, &actions);
	tell_actions(c, out, &actions, p, n, now);
	for (size_t i = 0; i < actions.n; i++) {
		if (actions.a[i].act == SSHSESSION_TROUBLE)
			return; /* that has told it */
	}
	sshlog_parse(p, n, &log);
	if (sshlog_is_output(&log))
		tell_output(c, out, from->pid, p, n, now);
}

static bool
logconn_record_sender(struct msghdr *hdr, struct ucred *from)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL;
	     c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS &&
		    c->cmsg_len == CMSG_LEN(sizeof(*from))) {
			memcpy(from, CMSG_DATA(c), sizeof(*from));
			return (true);
		}
	}
	return (false);
}

/*
 * Descriptors that a program sends along are never installed: there is no
 * room for them in the control data, so the kernel drops them.
 */
static int
logconn_read_one(struct logconn *c, const struct source_out *out, uint64_t now)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	char record[RECORD_MAX];
	struct iovec iov = {.iov_base = record, .iov_len = sizeof(record)};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control)};
	struct ucred from;
	ssize_t n;

	do {
		n = recvmsg(c->fd, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return (ERR_AGAIN);
	if (n < 0 && errno != ECONNRESET) {
		log_errno("a connection's log cannot be read");
		return (errno == ENOMEM || errno == ENOBUFS ? ERR_AGAIN
							    : ERR_CLOSED);
	}
	if (n < 0)
		return (0);
	/* An empty record has a sender, the end of records has none. */
	if (n == 0 && !source_is_ssh(c->src))
		return (ERR_CLOSED);
	if (!logconn_record_sender(&hdr, &from))
		return (n == 0 ? ERR_CLOSED : 0);
	logconn_take(c, out, &from, record, (size_t)n, now);
	return (0);
}

/* ERR_CLOSED: that was the end, and the descriptor is closed. */
static int
logconn_read_some(struct logconn *c, const struct source_out *out,
    unsigned most, uint64_t now)
{
	int err = c->fd < 0 ? ERR_AGAIN : 0;

	while (err == 0 && most-- > 0)
		err = logconn_read_one(c, out, now);
	if (err != ERR_CLOSED)
		return (err);
	logconn_close_fd(c);
	c->debt |= LOGCONN_DEBT_CLOSED;
	logconn_flush_lines(c, out, UINT64_MAX, now);
	return (ERR_CLOSED);
}

static void
logconn_look(struct logconn *c, const struct source_out *out, uint64_t now)
{
	bool last = c->fd < 0 && (c->ended || !source_is_ssh(c->src));

	logconn_set_waiting(
	    c, tell_dropped(c, out, last, now) || c->lines.parts != NULL ||
		   (source_is_ssh(c->src) && sshsession_waits(&c->ssh)));
}

/* Of ssh: with its last process's exit status; 255 for what has none. */
static void
logconn_tell_end(
    struct logconn *c, const struct source_out *out, int status, uint64_t now)
{
	struct sshsession_actions actions;

	c->ended = true;
	sshsession_tick(&c->ssh, &c->src->config, status, now, &actions);
	tell_actions(c, out, &actions, NULL, 0, now);
}

void
logconn_read(struct logconn *c, const struct source_out *out, uint64_t now)
{
	int err = logconn_read_some(c, out, RECORDS_AT_A_TIME, now);

	if (err == ERR_CLOSED && source_is_ssh(c->src) && !c->ended &&
	    c->src->zygote.fd < 0)
		logconn_tell_end(c, out, 255, now);
	logconn_look(c, out, now);
	if (err == ERR_CLOSED)
		logconn_settle(c);
}

void
logconn_end(struct logconn *c, const struct source_out *out,
    const struct msg_log_ended *m, uint64_t now)
{
	/* What the ended processes wrote is there already. */
	logconn_read_some(c, out, RECORDS_AT_THE_END, now);
	logconn_tell_end(
	    c, out, m->how == ENDED_EXITED ? m->value & 255 : 255, now);
	event_sink_flush(out->events);
	c->debt |= LOGCONN_DEBT_ENDED;
	logconn_look(c, out, now);
	logconn_settle(c);
}

int
logconn_end_unread(struct source *src, const struct msg_log_ended *m)
{
	struct logconn *c;
	int err = logconn_new(src, m->number, m->session, &c);

	if (err != 0)
		return (err);
	c->ended = true;
	c->debt |= LOGCONN_DEBT_ENDED;
	logconn_settle(c);
	return (0);
}

void
logconn_orphan(struct logconn *c, const struct source_out *out, uint64_t now)
{
	c->debt = 0;
	if (c->fd >= 0)
		return;
	if (source_is_ssh(c->src) && !c->ended)
		logconn_tell_end(c, out, 255, now);
	logconn_free(c);
}

void
logconn_tick(struct logconn *c, const struct source_out *out, uint64_t now)
{
	struct sshsession_actions actions;

	if (now > HALF_LINE_NS)
		logconn_flush_lines(c, out, now - HALF_LINE_NS, now);
	if (source_is_ssh(c->src) && sshsession_waits(&c->ssh)) {
		sshsession_tick(&c->ssh, &c->src->config, -1, now, &actions);
		tell_actions(c, out, &actions, NULL, 0, now);
	}
	logconn_look(c, out, now);
}
