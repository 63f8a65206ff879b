/*
 * Workers' messages. Master only, unprivileged. Distrusts every one of them.
 */
#include "master/worker.h"

#include "lib/err.h"
#include "lib/log.h"
#include "master/lookup.h"
#include "master/report.h"

/* A worker has few things to say; more in a row is let wait. */
#define WORKER_MESSAGES 8

static void
worker_message(struct master *m, struct session *s, const struct ipc_in *in)
{
	switch (in->type) {
	case MSG_STATS:
		s->bytes_in = in->msg.stats.bytes_in;
		s->bytes_out = in->msg.stats.bytes_out;
		/* The last that it says: its end is the zygote's to tell. */
		watch_remove(&m->watcher, &s->watch);
		break;
	case MSG_VIOLATION:
		s->violation = in->msg.violation.syscall;
		break;
	case MSG_LOOKUP_ASK:
		lookup_ask(m, s, &in->msg.lookup_ask);
		break;
	default:
		break; /* the permit table lets nothing else through */
	}
}

/* 0 when there may be more. */
static int
worker_receive(struct master *m, struct session *s)
{
	struct ipc_in in;
	int err = ipc_recv_now(&s->channel, &in);

	if (err == 0) {
		worker_message(m, s, &in);
		ipc_in_close(&in);
		return (0);
	}
	if (err == ERR_AGAIN)
		return (err);
	if (ipc_error_is_breach(err)) {
		log_warn("the worker of session %llu of %s broke the message "
			 "catalogue: %s",
		    (unsigned long long)s->id, s->service->name,
		    err_text(err));
		report_breach(m, s);
	}
	lookup_cancel(m, s);
	session_close_channel(m, s);
	return (err);
}

static void
worker_ready(struct watch *w, uint32_t events)
{
	struct session *s = CONTAINER_OF(w, struct session, watch);

	if ((events & EPOLLOUT) != 0)
		lookup_writable(s->master, s);
	/* One at a time: what is left makes it ready again. */
	if ((events & ~(uint32_t)EPOLLOUT) != 0)
		worker_receive(s->master, s);
}

void
worker_attach(struct master *m, struct session *s, int fd,
    struct watch *from)
{
	int err;

	session_close_channel(m, s);
	s->channel.fd = fd;
	s->channel.self = ROLE_MASTER;
	s->channel.peer = ROLE_WORKER;
	s->channel.state = ST_UP;
	if (from != NULL)
		err = watch_move(&m->watcher, from, &s->watch, worker_ready);
	else
		err = watch_add(&m->watcher, &s->watch, fd, EPOLLIN,
		    worker_ready);
	if (err != 0)
		log_errno("the worker of session %llu cannot be heard",
		    (unsigned long long)s->id);
}

void
worker_drain(struct master *m, struct session *s)
{
	for (int i = 0; i < WORKER_MESSAGES && s->channel.fd >= 0; i++) {
		/* Traffic is told last. */
		if (s->bytes_in != UINT64_MAX || worker_receive(m, s) != 0)
			return;
	}
}
