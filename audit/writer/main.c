/*
 * Audit: the only writer of the journal, syslog and a foreground daemon's
 * stderr. Its own uid, no capabilities, seccomp, Landlock; not chrooted, so
 * that libsystemd reaches the journal's socket. Reads typed events from the
 * channels that the monitor gives it, and distrusts all but the monitor's own
 * channel: a source that breaks the catalogues is reported in an event and to
 * the monitor, and read no more. Never makes another process wait: what cannot
 * be written stays with its sender, which drops and counts.
 */
#include <sys/prctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/writer/output.h"
#include "audit/writer/source.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "role/role.h"

/*
 * At the end: what is on its way is still written, for so long at the most, and
 * then for so long the number of those that were not.
 */
#define LAST_NS 1500000000u
#define LAST_SAY_NS 300000000u

#define POLLS_MOST 100 /* that fail, in a row */
#define REST_MS 50     /* out of memory: before the next try */

static struct role_self self;

/* Be told how, choose where to write, seal, say so. */
static void
audit_start(char **argv)
{
	role_receive(&self, ROLE_AUDIT, argv);
	prctl(PR_SET_NAME, "portreeve-audit");
	if (output_open(self.seal.foreground) != 0)
		role_fail(&self, "events cannot be written to standard error: "
				 "open it, or run portreeved without -d");
	role_seal(&self);
	fd_set_nonblock(self.monitor.fd, 1);
}

enum audit_next {
	AUDIT_ON,
	AUDIT_STOPPED,	/* the monitor said so */
	AUDIT_ORPHANED, /* the monitor died */
	AUDIT_BROKEN	/* a channel failed: another audit gets new ones */
};

static bool rests;  /* out of memory, sources are not read for a moment */
static bool broken; /* a source's channel failed */
static bool going;  /* no more commands */

/* One message of the monitor's, and what follows from it. */
static enum audit_next
audit_command(void)
{
	struct ipc_in in;
	int err = ipc_recv(&self.monitor, &in);

	if (err == ERR_AGAIN)
		return (AUDIT_ON);
	if (err == ERR_SHORT && in.type == MSG_COUNT) {
		rests = true;
		return (AUDIT_ON);
	}
	if (err == ERR_SHORT)
		return (AUDIT_BROKEN);
	if (ipc_error_is_breach(err))
		die("the monitor broke the message catalogue: %s (%s)",
		    err_text(err), msg_name(in.type));
	if (err != 0)
		return (AUDIT_ORPHANED);
	if (in.type == MSG_STOP)
		return (AUDIT_STOPPED);
	if (in.type == MSG_PING) {
		role_pong(&self.monitor, &in.msg.ping);
		return (AUDIT_ON);
	}
	if (in.type != MSG_AUDIT_SOURCE)
		die("the monitor sent %s, which is not for audit",
		    msg_name(in.type));
	err = source_add(in.fds[0], (enum role)in.msg.audit_source.role,
	    in.msg.audit_source.number);
	if (err != 0)
		log_warn("more than %d sources of events: one is ignored",
		    SOURCES_MAX);
	return (AUDIT_ON);
}

/* A source that breaks the catalogues: say so and read it no more. */
static void
audit_breach(struct source *s, int err)
{
	struct msg_audit_breach breach = {
	    .role = (uint8_t)s->ch.peer, .number = s->number};
	struct event_builder b;
	char reason[128];

	snprintf(reason, sizeof(reason),
	    "the %s sent audit a message that is not allowed (%s): its events "
	    "are no longer read",
	    role_name(s->ch.peer), err_text(err));
	event_begin(&b, EV_WARNING);
	event_text(&b, FIELD_REASON, reason);
	output_own_event(&b);
	err = ipc_send(&self.monitor, MSG_AUDIT_BREACH, &breach, NULL, 0);
	if (err != 0)
		log_info("cannot report the %s's breach to the monitor: %s",
		    role_name(s->ch.peer), err_text(err));
	source_close(s);
}

/*
 * A sender that ended is none of audit's affairs. One whose channel failed
 * lives, and would report to nobody: a new audit is given all channels anew,
 * and the senders keep what they have for it.
 */
static void
audit_source_ended(struct source *s, int err)
{
	if (err != ERR_CLOSED) {
		log_errno("the channel of the %s failed: another audit takes "
			  "over",
		    role_name(s->ch.peer));
		broken = true;
	}
	source_close(s);
}

/* What ended, broke the catalogues or could not be read. */
static void
audit_look_at_errors(void)
{
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *s = source_at(i);
		int err;

		if (s == NULL)
			continue;
		err = source_error(s);
		if (err == ERR_SHORT)
			rests = true;
		else if (ipc_error_is_breach(err))
			audit_breach(s, err);
		else if (err != 0)
			audit_source_ended(s, err);
	}
}

/* Returns how many events were written. */
static int
audit_read_sources(void)
{
	int n = 0;

	if (output_has_room())
		n = sources_turn(output_event, output_has_room);
	audit_look_at_errors();
	output_flush();
	return (n);
}

/* Wait until something can be done; timeout in ms or -1. */
static int
audit_wait(int timeout)
{
	static unsigned failures;
	struct pollfd p[2 + SOURCES_MAX];
	nfds_t n = 0;

	p[n++] = (struct pollfd){
	    .fd = going ? -1 : self.monitor.fd, .events = POLLIN};
	p[n++] = (struct pollfd){.fd = output_pending_fd(), .events = POLLOUT};
	for (size_t i = 0; i < SOURCES_MAX && output_has_room() && !rests;
	     i++) {
		struct source *s = source_at(i);

		if (s != NULL)
			p[n++] =
			    (struct pollfd){.fd = s->ch.fd, .events = POLLIN};
	}
	if (sources_held() && output_has_room())
		timeout = 0;
	else if (rests && (timeout < 0 || timeout > REST_MS))
		timeout = REST_MS;
	rests = false;
	if (poll(p, n, timeout) < 0 && errno != EINTR) {
		if (++failures > POLLS_MOST)
			die("poll: %s", strerror(errno));
		time_rest(REST_MS);
		return (0);
	}
	failures = 0;
	return (p[0].revents != 0);
}

static int
audit_always(void)
{
	return (1);
}

/* Nobody takes it: what is left is counted, and the number said if it can be.
 */
static void
audit_give_up(void)
{
	uint64_t until = time_boot_ns() + LAST_SAY_NS;

	while (
	    sources_turn(output_lose_event, audit_always) > 0 || sources_held())
		continue;
	output_give_up();
	while (output_pending_fd() >= 0 && time_boot_ns() < until) {
		struct pollfd p = {
		    .fd = output_pending_fd(), .events = POLLOUT};

		(void)poll(&p, 1, 50);
		output_flush();
	}
}

/*
 * Write what is on its way. Told to go, that is what has been sent: who sends
 * now is refused, and keeps it for the next audit. When the monitor died, every
 * other role is ending too and may still speak: then until the last source has
 * closed. The monitor's channel stays open, because its end would be taken for
 * audit's own.
 */
static void
audit_finish(int told)
{
	uint64_t until = time_boot_ns() + LAST_NS;

	going = true;
	for (size_t i = 0; i < SOURCES_MAX && told; i++) {
		struct source *s = source_at(i);

		if (s != NULL && shutdown(s->ch.fd, SHUT_RD) != 0)
			log_errno("cannot close the channel of the %s",
			    role_name(s->ch.peer));
	}
	for (;;) {
		int any = audit_read_sources(), open = 0;

		for (size_t i = 0; i < SOURCES_MAX; i++)
			open |= source_at(i) != NULL;
		if (time_boot_ns() >= until)
			break;
		if (any)
			continue;
		if (output_pending_fd() < 0 && !open && !sources_held())
			return;
		audit_wait(100);
	}
	audit_give_up();
}

int
main(int argc, char **argv)
{
	static const int ignored[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
	enum audit_next next = AUDIT_ON;

	(void)argc;
	/* A terminal's ^C and a service manager's SIGTERM are for the monitor;
	 * it says when the last event is out. */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	audit_start(argv);
	while (next == AUDIT_ON) {
		if (audit_wait(-1))
			next = audit_command();
		audit_read_sources();
		if (broken && next == AUDIT_ON)
			next = AUDIT_BROKEN;
	}
	audit_finish(next != AUDIT_ORPHANED);
	return (next == AUDIT_BROKEN);
}
