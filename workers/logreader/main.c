/*
 * The logreader: reads what sshd, or what inetd-style programs, write to their
 * standard error, and turns it into typed events. Runs as a uid of its own,
 * sealed, with an empty root; reads strangers' bytes, because logs hold them,
 * and holds nothing but its channels: to the monitor (who logged in, for
 * listings; a connection past its packets), to audit (the events of its role
 * alone). Decides nothing about a login, and never blocks a program: it always
 * drains.
 */
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
#include "workers/common/start.h"
#include "workers/logreader/source.h"

/* Each service's zygote, and the one before it. */
#define SOURCES_MAX (2 * (size_t)SERVICES_MAX)
#define EVENTS_HELD 1024
#define TICK_MS 250
#define ROOTS_MAX 16
#define ROOT_NAME_MAX 64
#define FDS_FIRST 2 /* monitor, audit */

struct logreader {
	struct start start;
	struct event_sink *events;
	struct source *sources[SOURCES_MAX];
	size_t count;
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
	struct source *src;

	if (l->count == SOURCES_MAX) {
		log_warn(
		    "more than %zu log sources: one is not read", SOURCES_MAX);
		return;
	}
	src = malloc(sizeof(*src));
	if (src == NULL)
		die("out of memory for a log source");
	if (source_open(src, &in->msg.log_source, in->fds[0], in->fds[1],
		l->privileged, logreader_is_root, time_boot_ns()) != 0)
		start_fail(&l->start, "cannot read the log of %s: %s",
		    in->msg.log_source.service, strerror(errno));
	in->nfds = 0; /* kept */
	l->sources[l->count++] = src;
}

static void
logreader_drop(struct logreader *l, size_t i)
{
	source_close(l->sources[i]);
	free(l->sources[i]);
	l->sources[i] = l->sources[--l->count];
}

/* false: there is no monitor to go on with. */
static bool
logreader_serve_monitor(struct logreader *l)
{
	struct ipc_in in;
	int err = start_hear(&l->start.monitor, &in);

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
		log_warn("%s is not for the logreader", msg_name(in.type));
		ipc_in_close(&in);
		return (false);
	}
	ipc_in_close(&in);
	return (true);
}

/* Every source once, in turn. Returns whether one may have more. */
static bool
logreader_read(struct logreader *l, uint64_t now)
{
	const struct source_out out = {
	    .events = l->events, .monitor = &l->start.monitor};
	bool more = false;

	for (size_t i = l->count; i-- > 0;) {
		int err = source_read(l->sources[i], &out, now);

		if (err == ERR_CLOSED)
			logreader_drop(l, i);
		else if (err == 0)
			more = true;
	}
	return (more);
}

/* Returns whether a source wants another. */
static bool
logreader_tick(struct logreader *l, uint64_t now, bool due)
{
	const struct source_out out = {
	    .events = l->events, .monitor = &l->start.monitor};
	bool waiting = false;

	for (size_t i = 0; i < l->count; i++) {
		if (due && l->sources[i]->waiting)
			source_tick(l->sources[i], &out, now);
		if (l->sources[i]->waiting)
			waiting = true;
	}
	return (waiting);
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
	for (size_t i = 0; i < l->count; i++)
		p[FDS_FIRST + i] =
		    (struct pollfd){.fd = l->sources[i]->fd, .events = POLLIN};
	return (poll(p, (nfds_t)(FDS_FIRST + l->count), timeout));
}

static int
logreader_serve(struct logreader *l)
{
	static struct pollfd p[FDS_FIRST + SOURCES_MAX];
	uint64_t ticked = time_boot_ns();
	bool more = false, waiting = false;

	while (more || !l->stopping) {
		uint64_t now;
		bool due;

		if (logreader_poll(l, p,
			more	  ? 0
			: waiting ? TICK_MS
				  : -1) < 0 &&
		    errno != EINTR)
			return (1);
		if (p[0].revents != 0 && !logreader_serve_monitor(l))
			return (1);
		if ((p[1].revents & POLLOUT) != 0)
			event_sink_flush(l->events);
		now = time_boot_ns();
		more = logreader_read(l, now);
		due = !more && now - ticked >= TICK_MS * UINT64_C(1000000);
		if (due)
			ticked = now;
		waiting = logreader_tick(l, now, due);
	}
	event_sink_flush(l->events);
	return (0);
}

int
main(int argc, char **argv)
{
	static struct logreader l;

	(void)argc;
	start_receive(&l.start, ROLE_LOGREADER, argv);
	l.privileged = getuid();
	logreader_read_roots();
	l.events = event_sink_new(ROLE_LOGREADER, EVENTS_HELD);
	if (l.events == NULL)
		start_fail(&l.start, "out of memory for events");
	start_seal(&l.start);
	if (fd_set_nonblock(l.start.monitor.fd, 1) != 0)
		return (1);
	return (logreader_serve(&l));
}
