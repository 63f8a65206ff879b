/*
 * Rows for clients. Master only, unprivileged. A listing is no snapshot: what
 * changes while a slow client reads may be in it or not.
 */
#include "master/rows.h"

#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "master/penalty.h"
#include "master/session.h"
#include "master/zygotes.h"

/* false: there is no such row. */
static bool
rows_service(struct master *m, const struct service *sv, enum family family,
    struct msg_row_service *row)
{
	if (sv->row[family].state[0] == '\0')
		return (false);
	memset(row, 0, sizeof(*row));
	memcpy(row->service, sv->name, sizeof(row->service));
	row->family = (uint8_t)family;
	row->address = sv->row[family].address;
	memcpy(row->state, sv->row[family].state, sizeof(row->state));
	row->sessions = sv->limiter[family].connections;
	row->connection_limit = sv->limiter[family].connection_limit;
	row->rate_limit = sv->rate_limit;
	row->accepted =
	    state_counter(m->state, sv->index, family, STATE_ACCEPTED);
	row->refused =
	    state_counter(m->state, sv->index, family, STATE_REFUSED);
	return (true);
}

int
rows_send_services(struct client *c)
{
	struct msg_row_service row;
	struct service *sv;
	int err;

	for (; c->at < SERVICES_MAX * FAMILY_COUNT; c->at++) {
		enum family family = (enum family)(c->at % FAMILY_COUNT);

		sv = service_by_number(c->master, c->at / FAMILY_COUNT);
		if (sv == NULL || !rows_service(c->master, sv, family, &row))
			continue;
		err = ipc_send(&c->channel, MSG_ROW_SERVICE, &row, NULL, 0);
		if (err != 0)
			return (err);
	}
	return (0);
}

static const char *
session_doing(const struct session *s, const char *user)
{
	const struct service_traits *traits = service_traits(s->service->kind);

	if (s->state == SESSION_HELD || s->state == SESSION_INHERITED)
		return ("waiting");
	if (traits->logins != 0)
		return (user[0] != '\0' ? "session" : "login");
	return (traits->doing != NULL ? traits->doing : "running");
}

static void
rows_session(
    struct master *m, const struct session *s, struct msg_row_session *row)
{
	struct session_end end = {.pid = s->pid};

	memset(row, 0, sizeof(*row));
	row->id = s->id;
	memcpy(row->service, s->service->name, sizeof(row->service));
	row->source = s->peer;
	snprintf(row->user, sizeof(row->user), "%s",
	    state_login_user(m->state, s->slot));
	snprintf(row->tty, sizeof(row->tty), "%s",
	    state_login_tty(m->state, s->slot));
	row->since = s->since;
	if (s->zygote != NULL)
		session_in_table(s, zygote_table(s->zygote), &end);
	row->pid = end.pid;
	row->bytes_in = s->bytes_in;
	row->bytes_out = s->bytes_out;
	snprintf(
	    row->doing, sizeof(row->doing), "%s", session_doing(s, row->user));
}

int
rows_send_sessions(struct client *c)
{
	struct msg_row_session row;
	struct session *s;
	int err;

	while ((s = session_from(c->master, c->at)) != NULL) {
		rows_session(c->master, s, &row);
		err = ipc_send(&c->channel, MSG_ROW_SESSION, &row, NULL, 0);
		if (err != 0)
			return (err);
		c->at = s->slot + 1;
	}
	c->at = SLOTS_MAX;
	return (0);
}

/* The wall clock's time of a later moment of CLOCK_BOOTTIME. */
static uint64_t
rows_wall(uint64_t boot)
{
	return (time_wall_ns() + (boot - time_boot_ns()));
}

static void
rows_penalty(struct master *m, const struct policy_penalty *p,
    struct msg_row_penalty *row)
{
	const struct service *sv = service_by_index(m, p->service);
	uint64_t now = time_boot_ns();
	uint32_t left = policy_penalty_seconds(p, now);

	memset(row, 0, sizeof(*row));
	row->source.family = p->source.family;
	memcpy(row->source.bytes, p->source.bytes, sizeof(p->source.bytes));
	row->length = p->source.length;
	if (sv != NULL)
		memcpy(row->service, sv->name, sizeof(row->service));
	row->score = left;
	row->deeds = p->deeds;
	row->in_force = policy_penalty_holds(p, now);
	row->until = rows_wall(now + left * UINT64_C(1000000000));
	snprintf(row->reason, sizeof(row->reason), "%s",
	    deed_name((enum deed)p->deed));
}

int
rows_send_penalties(struct client *c)
{
	const struct policy_penalty *p;
	struct msg_row_penalty row;
	int err;

	for (; c->at < PENALTIES_MAX; c->at++) {
		p = penalty_at(c->master, c->at);
		if (p == NULL)
			continue;
		rows_penalty(c->master, p, &row);
		err = ipc_send(&c->channel, MSG_ROW_PENALTY, &row, NULL, 0);
		if (err != 0)
			return (err);
	}
	return (0);
}
