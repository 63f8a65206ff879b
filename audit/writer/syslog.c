/*
 * Events as logfmt lines for syslog, on a host without a journal. Only audit.
 * A syslog daemon that does not read makes this process wait, and only it.
 */
#include <syslog.h>

#include "audit/text.h"
#include "audit/writer/output.h"
#include "audit/writer/probe.h"
#include "lib/err.h"

static int
syslog_open(void)
{
	if (probe_socket(_PATH_LOG) != 0)
		return (ERR_NOT_FOUND);
	openlog("portreeved", LOG_NDELAY | LOG_PID, LOG_DAEMON);
	return (0);
}

static int
syslog_write(const struct event_view *v)
{
	static char line[EVENT_LINE_MAX];
	int facility = LOG_DAEMON;

	if (v->event == EV_AUTH_SUCCESS || v->event == EV_AUTH_FAILURE ||
	    v->event == EV_SESSION_OPENED)
		facility = LOG_AUTHPRIV;
	event_logfmt(v, line, sizeof(line));
	syslog(facility | event_infos[v->event].priority, "%s", line);
	return (0);
}

const struct output output_syslog = {
    .name = "syslog",
    .open = syslog_open,
    .write = syslog_write,
};
