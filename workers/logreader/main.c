/*
 * The logreader: reads what sshd, or what inetd-style programs, write to their
 * standard error, and turns it into typed events. Runs as a uid of its own,
 * sealed, with an empty root; reads strangers' bytes, because logs hold them,
 * and holds nothing but its channels: to the monitor (who logged in, for
 * listings; a connection past its packets), to audit (the events of its role
 * alone). Decides nothing about a login, and never blocks a program: it always
 * drains.
 */
#include <sys/epoll.h>

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "role/role.h"
#include "workers/logreader/source.h"

#define EVENTS_HELD 1024
#define EVENTS_A_TURN 64
#define TICK_MS 250
#define ROOTS_MAX 16
#define ROOT_NAME_MAX 64

struct logreader {
	struct role_self start;
	struct event_sink *events;
	int epoll; /* the sources and their connections */
	TAILQ_HEAD(, source) sources;
	uid_t privileged;
	bool stopping;
};

/* The names of uid 0, read before sealing. */
static char roots[ROOTS_MAX][ROOT_NAME_MAX];
static size_t roots_count;

static bool
logreader_is_root(const char *name)
{
	for (size_t i = 0; i < roots_count; i++) {
		if (strcmp(roots[i], name) == 0)
			return (true);
	}
	return (false);
}

/* Root is uid 0, whatever its name; without the file, at least the usual one.
 */
static void
logreader_read_roots(void)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *pw;

	while (f != NULL && (pw = fgetpwent(f)) != NULL) {
		if (pw->pw_uid == 0 && roots_count < ROOTS_MAX)
			snprintf(roots[roots_count++], ROOT_NAME_MAX, "%s",
			    pw->pw_name);
	}
	if (f != NULL)
		fclose(f);
	if (roots_count == 0)
		snprintf(roots[roots_count++], ROOT_NAME_MAX, "root");
}

static void
logreader_add(struct logreader *l, struct ipc_in *in)
{
	struct source *src = malloc(sizeof(*src));

	if (src == NULL)
		die("out of memory for a log source");
	if (source_open(src, &in->msg.log_source, in->fds[0], l->epoll,
		l->privileged, logreader_is_root) != 0)
		role_fail(&l->start, "cannot read the log of %s: %s",
		    in->msg.log_source.service, strerror(errno));
	in->nfds = 0; /* kept */
	TAILQ_INSERT_TAIL(&l->sources, src, next);
}

/* false: there is no monitor to go on with. */
static bool
logreader_serve_monitor(struct logreader *l)
{
	struct ipc_in in;
	int err = role_hear(&l->start.monitor, &in);

	if (err != 0)
		return (err == ERR_AGAIN);
	switch (in.type) {
	case MSG_AUDIT_CHANNEL:
		event_sink_attach(l->events, in.fds[0]);
		in.nfds = 0; /* kept */
		break;
	case MSG_LOG_SOURCE:
		logreader_add(l, &in);
		break;
	case MSG_STOP:
		l->stopping = true;
		break;
	default:
		log_info("%s is not for the logreader", msg_name(in.type));
		ipc_in_close(&in);
		return (false);
	}
	ipc_in_close(&in);
	return (true);
}

static int
logreader_poll(struct logreader *l, struct pollfd *p, int timeout)
{
	p[0] = (struct pollfd){.fd = l->start.monitor.fd, .events = POLLIN};
	p[1] = (struct pollfd){.fd = event_sink_fd(l->events)};
	if (event_sink_wants_write(l->events))
		p[1].events = POLLOUT;
	else
		p[1].fd = -1; /* a dead audit is the monitor's to replace */
	p[2] = (struct pollfd){.fd = l->epoll, .events = POLLIN};
	return (poll(p, 3, timeout));
}

/* Some of every one that has something, in turn. false: a zygote's breach. */
static bool
logreader_read(
    struct logreader *l, const struct source_out *out, int *n, uint64_t now)
{
	struct epoll_event events[EVENTS_A_TURN];

	*n = epoll_wait(l->epoll, events, EVENTS_A_TURN, 0);
	for (int i = 0; i < *n; i++) {
		enum watched *what = events[i].data.ptr;

		if (*what == WATCHED_CONN) {
			struct logconn *c = events[i].data.ptr;

			if (c->src != NULL && c->fd >= 0)
				logconn_read(c, out, now);
		} else {
			struct source *src = events[i].data.ptr;
			int err = source_serve(src, out, now);

			if (err != 0 && err != ERR_CLOSED) {
				log_info("the zygote of %s: %s", src->service,
				    err_text(err));
				return (false);
			}
		}
	}
	logconn_bury();
	return (true);
}

/*
 * What waits for time, and what is over. Returns whether there is something
 * that waits for the next tick.
 */
static bool
logreader_look(
    struct logreader *l, const struct source_out *out, bool due, uint64_t now)
{
	struct source *src, *next;
	bool waiting = false;

	for (src = TAILQ_FIRST(&l->sources); src != NULL; src = next) {
		next = TAILQ_NEXT(src, next);
		if (due)
			source_tick(src, out, now);
		waiting |= !TAILQ_EMPTY(&src->waiting);
		if (source_is_over(src)) {
			TAILQ_REMOVE(&l->sources, src, next);
			source_close(src);
			free(src);
		}
	}
	return (waiting);
}

static int
logreader_serve(struct logreader *l)
{
	const struct source_out out = {
	    .events = l->events, .monitor = &l->start.monitor};
	uint64_t ticked = time_boot_ns();
	bool waiting = false;
	int n = 0;

	while (n > 0 || !l->stopping) {
		struct pollfd p[3];
		uint64_t now;
		bool due;

		int got = logreader_poll(l, p,
		    n > 0     ? 0
		    : waiting ? TICK_MS
			      : -1);

		role_poll_failed(got);
		if (got < 0)
			continue;
		if (p[0].revents != 0 && !logreader_serve_monitor(l))
			return (1);
		if ((p[1].revents & POLLOUT) != 0)
			event_sink_flush(l->events);
		now = time_boot_ns();
		if (!logreader_read(l, &out, &n, now))
			return (1);
		due = now - ticked >= TICK_MS * UINT64_C(1000000);
		if (due)
			ticked = now;
		waiting = logreader_look(l, &out, due, now);
	}
	event_sink_flush(l->events);
	return (0);
}

int
main(int argc, char **argv)
{
	static struct logreader l;

	(void)argc;
	role_receive(&l.start, ROLE_LOGREADER, argv);
	l.privileged = getuid();
	logreader_read_roots();
	TAILQ_INIT(&l.sources);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l.epoll < 0)
		role_fail(
		    &l.start, "cannot watch for logs: %s", strerror(errno));
	l.events = event_sink_new(ROLE_LOGREADER, EVENTS_HELD);
	if (l.events == NULL)
		role_fail(&l.start, "out of memory for events");
	role_seal(&l.start);
	if (fd_set_nonblock(l.start.monitor.fd, 1) != 0)
		return (1);
	return (logreader_serve(&l));
}
