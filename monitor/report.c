/* The monitor's events. Monitor (root); only typed values, never waits. */
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/report.h"
#include "monitor/states.h"

static void
report_sink_writable(void *arg, int revents)
{
	struct monitor *mon = arg;

	(void)revents;
	event_sink_flush(mon->sink);
	if (!event_sink_wants_write(mon->sink))
		loop_unwatch(&mon->sink_watch);
}

void
report_emit(struct monitor *mon, struct event_builder *b)
{
	int fd;

	event_emit(mon->sink, b);
	fd = event_sink_fd(mon->sink);
	if (fd < 0) /* it was closed in there */
		loop_unwatch(&mon->sink_watch);
	if (mon->sink_watch == NULL && fd >= 0 &&
	    event_sink_wants_write(mon->sink))
		mon->sink_watch =
		    loop_watch(fd, POLLOUT, report_sink_writable, mon);
}

void
report_attach(struct monitor *mon, int fd)
{
	loop_unwatch(&mon->sink_watch);
	event_sink_attach(mon->sink, fd);
	if (fd >= 0)
		event_sink_flush(mon->sink);
}

const char *
report_services(struct monitor *mon, bool listening, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < SERVICES_MAX && n < size; i++) {
		struct mon_service *s = &mon->services[i];

		if (s->used && s->configured &&
		    (!listening || states_listens(mon, s)))
			n += (size_t)snprintf(buf + n, size - n, "%s%s",
			    n > 0 ? "," : "", s->name);
	}
	return (buf);
}

static void
report_with_services(struct monitor *mon, enum event event, const char *reason)
{
	struct event_builder b;
	char services[1024];

	event_begin(&b, event);
	event_text(&b, FIELD_SERVICES,
	    report_services(
		mon, event != EV_STOPPED, services, sizeof(services)));
	if (reason != NULL && reason[0] != '\0')
		event_text(&b, FIELD_REASON, reason);
	report_emit(mon, &b);
}

void
report_ready(struct monitor *mon)
{
	char waiting[512];

	report_with_services(
	    mon, EV_READY, states_waiting(mon, waiting, sizeof(waiting)));
}

void
report_stopped(struct monitor *mon, const char *reason)
{
	report_with_services(mon, EV_STOPPED, reason);
}

void
report_configuration(struct monitor *mon, bool applied, const char *reason)
{
	struct event_builder b;

	if (applied) {
		report_with_services(mon, EV_CONFIGURATION_APPLIED, reason);
		return;
	}
	event_begin(&b, EV_CONFIGURATION_REJECTED);
	event_text(&b, FIELD_REASON, reason);
	report_emit(mon, &b);
}

/*
 * Why a role ended: what the monitor killed it for, its own words, or what its
 * status says. In a sealed process abort() ends by SIGILL (sandbox.h).
 */
static const char *
report_end_reason(const struct proc *p, int status, char *buf, size_t size)
{
	if (p->reason[0] != '\0')
		return (p->reason);
	if (!WIFSIGNALED(status)) {
		snprintf(buf, size, "exit status %d", WEXITSTATUS(status));
		return (buf);
	}
	switch (WTERMSIG(status)) {
	case SIGABRT:
	case SIGILL:
		return ("aborted, the log says why");
	case SIGSYS:
		return ("sandbox, the log says which system call");
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGTRAP:
		return ("crashed");
	default:
		return ("killed");
	}
}

void
report_role_restarted(struct monitor *mon, const struct proc *p, int status)
{
	struct event_builder b;
	char name[32], buf[32];
	const char *reason = report_end_reason(p, status, buf, sizeof(buf));

	event_begin(&b, EV_ROLE_RESTARTED);
	if (p->service != NULL)
		event_text(&b, FIELD_SERVICE, p->service->name);
	else if (p->role == ROLE_LOGREADER)
		event_text(&b, FIELD_SERVICE, service_kind_name(p->kind));
	event_number(&b, FIELD_PID, (uint64_t)p->pid);
	event_text(&b, FIELD_ROLE, role_name(p->role));
	if (WIFSIGNALED(status)) {
		const char *abbrev = sigabbrev_np(WTERMSIG(status));

		snprintf(
		    name, sizeof(name), "SIG%s", abbrev != NULL ? abbrev : "?");
		event_text(&b, FIELD_SIGNAL, name);
	}
	event_text(&b, FIELD_REASON, reason);
	report_emit(mon, &b);
	log_info(
	    "%s (pid %d) ended: %s", role_name(p->role), (int)p->pid, reason);
}

void
report_listener_failed(
    struct monitor *mon, const struct listener *l, const char *reason)
{
	struct event_builder b;
	char text[ADDR_TEXT_MAX];

	event_begin(&b, EV_LISTENER_FAILED);
	event_text(&b, FIELD_SERVICE, l->name);
	event_source(&b, &l->address);
	event_text(&b, FIELD_ERRNO, strerrorname_np(l->error));
	event_text(&b, FIELD_REASON, reason);
	report_emit(mon, &b);
	log_info("%s cannot listen on %s port %u: %s", l->name,
	    addr_text(&l->address, text), l->address.port, reason);
}

void
report_service(struct monitor *mon, const struct mon_service *s, bool failed,
    const char *reason)
{
	struct event_builder b;

	event_begin(&b, failed ? EV_SERVICE_FAILED : EV_SERVICE_RESTORED);
	event_text(&b, FIELD_SERVICE, s->name);
	event_text(&b, FIELD_REASON, reason);
	report_emit(mon, &b);
	log_info(
	    "%s %s: %s", s->name, failed ? "waits" : "serves again", reason);
}

void
report_warning(struct monitor *mon, const char *service, const char *reason)
{
	struct event_builder b;

	event_begin(&b, EV_WARNING);
	if (service != NULL)
		event_text(&b, FIELD_SERVICE, service);
	event_text(&b, FIELD_REASON, reason);
	report_emit(mon, &b);
}

/* What is short with a role, and how often it was since that was reported. */
static struct shortage {
	struct monitor *mon;
	enum role role;
	int error;
	uint64_t count;
	char reason[128];
	struct loop_timer timer; /* until the next event */
} shortages[ROLE_COUNT];

static void
report_short_tell(void *arg)
{
	struct shortage *s = arg;
	struct event_builder b;

	if (s->count == 0)
		return;
	event_begin(&b, EV_RESOURCES_SHORT);
	event_text(&b, FIELD_ROLE, role_name(s->role));
	event_text(&b, FIELD_ERRNO,
	    s->error != 0 ? strerrorname_np(s->error) : "unknown");
	event_number(&b, FIELD_COUNT, s->count);
	event_text(&b, FIELD_REASON, s->reason);
	report_emit(s->mon, &b);
	s->count = 0;
	loop_timer_in(&s->timer, SECOND, report_short_tell, s);
}

void
report_short(struct monitor *mon, enum role role, int error, const char *reason)
{
	struct shortage *s = &shortages[role];

	s->mon = mon;
	s->role = role;
	s->error = error;
	s->count++;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	if (!s->timer.linked)
		report_short_tell(s);
}
