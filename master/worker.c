/*
 * Workers' messages. Master only, unprivileged. Distrusts every one of them.
 */
#include "master/worker.h"

#include <sys/socket.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/login.h"
#include "master/lookup.h"
#include "master/report.h"
#include "master/workers.h"

/* A worker has few things to say; more in a row is let wait. */
#define WORKER_MESSAGES 8

static void
worker_message(struct master *m, struct session *s, const struct ipc_in *in)
{
	switch (in->type) {
	case MSG_TRAFFIC:
		s->bytes_in = in->msg.traffic.bytes_in;
		s->bytes_out = in->msg.traffic.bytes_out;
		break;
	case MSG_STATS:
		s->bytes_in = in->msg.stats.bytes_in;
		s->bytes_out = in->msg.stats.bytes_out;
		s->why = in->msg.stats.why;
		s->finished = true;
		fd_close(&s->copy); /* or the peer would wait for ours */
		/* The last that it says: its end is the zygote's to tell. */
		watch_remove(&m->watcher, &s->worker.watch);
		break;
	case MSG_VIOLATION:
		s->violation = in->msg.violation.syscall;
		break;
	case MSG_LOGIN_ASK:
		workers_asked(m);
		login_ask(m, s, in->msg.login_ask.late != 0);
		break;
	case MSG_LOOKUP_ASK:
		workers_asked(m);
		lookup_ask(m, s, &in->msg.lookup_ask);
		break;
	default:
		break; /* the permit table lets nothing else through */
	}
}

/* Not every worker has every question: what its service never asks. */
static int
worker_check(const struct session *s, enum msg_type type)
{
	const struct service_traits *traits = service_traits(s->service->kind);

	if ((type == MSG_LOGIN_ASK && traits->logins == 0) ||
	    (type == MSG_LOOKUP_ASK && !traits->lookup))
		return (ERR_SENDER);
	return (0);
}

/* 0 when there may be more. */
static int
worker_receive(struct master *m, struct session *s)
{
	struct ipc_in in;
	int err = ipc_recv_now(&s->worker.channel, &in);

	if (err == 0) {
		err = worker_check(s, in.type);
		if (err == 0)
			worker_message(m, s, &in);
		ipc_in_close(&in);
	}
	if (err == 0)
		return (0);
	if (err == ERR_AGAIN)
		return (err);
	if (ipc_error_is_breach(err)) {
		log_info("the worker of session %llu of %s broke the message "
			 "catalogue: %s",
		    (unsigned long long)s->id, s->service->name, err_text(err));
		report_breach(m, s);
		/* The zygote has a copy, so that a close is no end to it. */
		(void)shutdown(s->worker.channel.fd, SHUT_WR);
	}
	lookup_cancel(m, s);
	workers_close(m, s);
	return (err);
}

void
worker_ready(struct watch *w, uint32_t events)
{
	struct session *s = CONTAINER_OF(w, struct session, worker.watch);

	if ((events & EPOLLOUT) != 0)
		lookup_writable(s->master, s);
	/* One at a time: what is left makes it ready again. */
	if ((events & ~(uint32_t)EPOLLOUT) != 0)
		worker_receive(s->master, s);
}

void
worker_drain(struct master *m, struct session *s)
{
	for (int i = 0; i < WORKER_MESSAGES && s->worker.channel.fd >= 0; i++) {
		if (s->finished || worker_receive(m, s) != 0)
			return;
	}
}
