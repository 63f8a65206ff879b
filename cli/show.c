/*
 * `portreeve show services` and `show sessions`: rows from the daemon, as a
 * table or as JSON. As the calling user.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/holder.h"
#include "cli/print.h"
#include "ipc/busy.h"

#define SHOW_SECONDS 10

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Who has a port that is busy, where the calling user may see it. */
static void
show_state(struct rows *r, const struct msg_row_service *m)
{
	static const char waiting[] = "waiting: ";
	const char *why = m->state + sizeof(waiting) - 1;
	bool datagram, waits;
	char who[256] = "", text[sizeof(m->state) + sizeof(who) + 4];

	waits = strncmp(m->state, waiting, sizeof(waiting) - 1) == 0;
	datagram = waits && strcmp(why, BUSY_DATAGRAM) == 0;
	if (datagram || (waits && strcmp(why, BUSY_STREAM) == 0))
		holder_of_port(&m->address, datagram, who, sizeof(who));
	snprintf(text, sizeof(text), "%s%s%s%s", m->state,
	    who[0] != '\0' ? " (" : "", who, who[0] != '\0' ? ")" : "");
	rows_text(r, text);
}

static void
show_service(const struct ipc_in *in, void *arg)
{
	const struct msg_row_service *m = &in->msg.row_service;
	struct rows *r = arg;

	if (in->type != MSG_ROW_SERVICE)
		return;
	rows_text(r, m->service);
	rows_text(r, family_name((enum family)m->family));
	rows_addr(r, &m->address);
	rows_number(r, m->sessions);
	rows_number(r, m->connection_limit);
	rows_number(r, m->rate_limit);
	rows_number(r, m->accepted);
	rows_number(r, m->refused);
	show_state(r, m);
}

static void
show_bytes(struct rows *r, uint64_t n)
{
	if (n == UINT64_MAX)
		rows_unknown(r);
	else
		rows_number(r, n);
}

static void
show_session(const struct ipc_in *in, void *arg)
{
	const struct msg_row_session *m = &in->msg.row_session;
	struct rows *r = arg;

	if (in->type != MSG_ROW_SESSION)
		return;
	rows_number(r, m->id);
	rows_text(r, m->service);
	rows_text(r, family_name((enum family)m->source.family));
	rows_addr(r, &m->source);
	rows_text(r, m->user);
	rows_text(r, m->tty);
	rows_time(r, m->since);
	if (m->pid == 0)
		rows_unknown(r);
	else
		rows_number(r, (uint64_t)m->pid);
	show_bytes(r, m->bytes_in);
	show_bytes(r, m->bytes_out);
	rows_text(r, m->doing);
}

int
command_show_services(const struct request *rq)
{
	static const char *const names[] = {"service", "family", "address",
	    "port", "sessions", "connection-limit", "rate-limit", "accepted",
	    "refused", "state"};
	struct msg_show_services m = {0};
	struct rows r;
	int status;

	rows_init(&r, names, COUNT(names));
	status = client_ask(
	    rq->dir, MSG_SHOW_SERVICES, &m, SHOW_SECONDS, show_service, &r);
	if (status == 0)
		status = rows_show(&r, rq->json);
	rows_free(&r);
	return (status);
}

int
command_show_sessions(const struct request *rq)
{
	static const char *const names[] = {"id", "service", "family", "source",
	    "source-port", "user", "tty", "since", "pid", "bytes-in",
	    "bytes-out", "doing"};
	struct msg_show_sessions m = {0};
	struct rows r;
	int status;

	rows_init(&r, names, COUNT(names));
	status = client_ask(
	    rq->dir, MSG_SHOW_SESSIONS, &m, SHOW_SECONDS, show_session, &r);
	rows_sort(&r);
	if (status == 0)
		status = rows_show(&r, rq->json);
	rows_free(&r);
	return (status);
}
