/*
 * A zygote's channel: connections come by it, and their ends. In the
 * logreader, sealed; see workers/logreader/source.h. Never waits: what the
 * zygote has no room for is owed to it.
 */
#include <sys/epoll.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "workers/logreader/source.h"

#define MESSAGES_AT_A_TIME 64
#define REST_MS 5

bool
source_is_ssh(const struct source *src)
{
	return (service_traits(src->kind)->by == BY_SSHD);
}

/* POLLOUT is of interest only while something is owed. */
static int
source_watch(struct source *src, int op)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = src};

	if (!STAILQ_EMPTY(&src->owing))
		ev.events |= EPOLLOUT;
	if (epoll_ctl(src->epoll, op, src->zygote.fd, &ev) == 0)
		return (0);
	log_errno("a zygote's channel cannot be watched");
	return (ERR_SYSTEM);
}

int
source_open(struct source *src, const struct msg_log_source *m, int fd,
    int epoll, uid_t privileged, bool (*is_root)(const char *name))
{
	memset(src, 0, sizeof(*src));
	src->watched = WATCHED_SOURCE;
	src->epoll = epoll;
	src->kind = (enum service_kind)m->kind;
	src->decide = m->decide != 0;
	src->log_unknown = m->log_unknown != 0;
	memcpy(src->service, m->service, sizeof(src->service));
	src->config.root_login = (enum sshsession_root)m->root_login;
	src->config.packets = m->packets;
	src->config.privileged = privileged;
	src->config.is_root = is_root;
	TAILQ_INIT(&src->waiting);
	STAILQ_INIT(&src->owing);
	ipc_channel_init(&src->zygote, fd, ROLE_LOGREADER, ROLE_ZYGOTE, ST_UP);
	if (fd_set_nonblock(fd, 1) != 0 ||
	    source_watch(src, EPOLL_CTL_ADD) != 0) {
		ipc_channel_close(&src->zygote);
		return (ERR_SYSTEM);
	}
	return (0);
}

void
source_close(struct source *src)
{
	for (uint32_t i = 0; i < src->size; i++) {
		if (src->conns[i] != NULL)
			logconn_free(src->conns[i]);
	}
	free(src->conns);
	src->conns = NULL;
	src->size = 0;
	ipc_channel_close(&src->zygote);
}

bool
source_is_over(const struct source *src)
{
	return (src->zygote.fd < 0 && src->count == 0);
}

/* --- what the zygote says --------------------------------------------------
 */

/* One that cannot be taken stays the zygote's, whose program may write on. */
static void
source_tell_unread(const struct source *src, const struct source_out *out,
    uint64_t session, int err)
{
	struct event_builder b;
	char text[128];

	snprintf(text, sizeof(text), "the log of session %llu is not read: %s",
	    (unsigned long long)session, err_text(err));
	event_begin(&b, EV_WARNING);
	event_text(&b, FIELD_SERVICE, src->service);
	event_text(&b, FIELD_REASON, text);
	event_emit(out->events, &b);
}

static int
source_take_connection(
    struct source *src, const struct source_out *out, struct ipc_in *in)
{
	int err = logconn_open(src, &in->msg.log_connection, in->fds[0]);

	if (err == ERR_VALUE)
		return (err);
	if (err == 0)
		in->nfds = 0; /* kept */
	else
		source_tell_unread(
		    src, out, in->msg.log_connection.session, err);
	return (0);
}

static int
source_take_ended(struct source *src, const struct source_out *out,
    const struct msg_log_ended *m, uint64_t now)
{
	struct logconn *c =
	    m->number < src->size ? src->conns[m->number] : NULL;

	if (!source_is_ssh(src))
		return (ERR_TYPE);
	if (c == NULL)
		return (logconn_end_unread(src, m));
	if (c->session != m->session || c->ended)
		return (ERR_VALUE);
	logconn_end(c, out, m, now);
	return (0);
}

/* The zygote is gone; what its programs write is read to the end. */
static void
source_lose_zygote(
    struct source *src, const struct source_out *out, uint64_t now)
{
	struct logconn *c;

	epoll_ctl(src->epoll, EPOLL_CTL_DEL, src->zygote.fd, NULL);
	ipc_channel_close(&src->zygote);
	while ((c = STAILQ_FIRST(&src->owing)) != NULL) {
		STAILQ_REMOVE_HEAD(&src->owing, owes);
		c->owing = false;
	}
	for (uint32_t i = 0; i < src->size; i++) {
		if (src->conns[i] != NULL)
			logconn_orphan(src->conns[i], out, now);
	}
}

static int
source_hear(struct source *src, const struct source_out *out, uint64_t now)
{
	int err = 0;

	for (int i = 0; err == 0 && i < MESSAGES_AT_A_TIME; i++) {
		struct ipc_in in;

		err = ipc_recv(&src->zygote, &in);
		if (err == ERR_SHORT && in.type == MSG_LOG_CONNECTION) {
			source_tell_unread(
			    src, out, in.msg.log_connection.session, err);
			err = 0;
			continue;
		}
		if (err == ERR_SHORT) {
			time_rest(REST_MS);
			err = ERR_AGAIN;
		}
		if (err != 0)
			break;
		if (in.type == MSG_LOG_CONNECTION)
			err = source_take_connection(src, out, &in);
		else if (in.type == MSG_LOG_ENDED)
			err =
			    source_take_ended(src, out, &in.msg.log_ended, now);
		else
			err = ERR_TYPE;
		ipc_in_close(&in);
	}
	return (err == ERR_AGAIN ? 0 : err);
}

void
source_owe(struct source *src, struct logconn *c)
{
	bool first = STAILQ_EMPTY(&src->owing);

	STAILQ_INSERT_TAIL(&src->owing, c, owes);
	c->owing = true;
	if (first)
		(void)source_watch(src, EPOLL_CTL_MOD);
}

static void
source_pay(struct source *src)
{
	struct logconn *c;

	if (STAILQ_EMPTY(&src->owing))
		return;
	while ((c = STAILQ_FIRST(&src->owing)) != NULL) {
		if (logconn_pay(c) != 0) {
			/* There was room, or out of memory: no spinning. */
			time_rest(REST_MS);
			return;
		}
		STAILQ_REMOVE_HEAD(&src->owing, owes);
		c->owing = false;
		if (c->fd < 0 && (c->ended || !source_is_ssh(src)))
			logconn_free(c);
	}
	(void)source_watch(src, EPOLL_CTL_MOD);
}

int
source_serve(struct source *src, const struct source_out *out, uint64_t now)
{
	int err;

	if (src->zygote.fd < 0)
		return (ERR_CLOSED);
	source_pay(src);
	err = source_hear(src, out, now);
	if (err == ERR_CLOSED)
		source_lose_zygote(src, out, now);
	return (err);
}

void
source_tick(struct source *src, const struct source_out *out, uint64_t now)
{
	struct logconn *c, *next;

	for (c = TAILQ_FIRST(&src->waiting); c != NULL; c = next) {
		next = TAILQ_NEXT(c, waits);
		logconn_tick(c, out, now);
	}
}
