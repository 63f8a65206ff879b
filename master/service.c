/*
 * The table of services. Master only, unprivileged. Told by the monitor only;
 * never forgets a service that a live session counts against.
 */
#include "master/service.h"

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/listener.h"

#define EARLY_RATE 30 /* in a hundred */

struct services {
	struct policy_sources *sources;
	struct service *by_index[SERVICES_MAX];
	struct service *by_number[SERVICES_MAX];
};

int
services_init(struct master *m)
{
	struct services *t = calloc(1, sizeof(*t));
	uint64_t secret[2];

	if (t == NULL)
		return (ERR_NO_MEMORY);
	m->services = t;
	/* Pages of it that are never used never exist. */
	t->sources = calloc(1, policy_sources_size(POLICY_SOURCE_SETS));
	if (t->sources == NULL)
		return (ERR_NO_MEMORY);
	arc4random_buf(secret, sizeof(secret));
	policy_sources_init(t->sources, POLICY_SOURCE_SETS, secret);
	return (0);
}

struct service *
service_by_number(struct master *m, unsigned number)
{
	return (number < SERVICES_MAX ? m->services->by_number[number] : NULL);
}

struct service *
service_by_index(struct master *m, unsigned index)
{
	return (index < SERVICES_MAX ? m->services->by_index[index] : NULL);
}

struct service *
service_recall(struct master *m, unsigned index)
{
	const char *name = state_service_name(m->state, index);
	struct service *sv = service_by_index(m, index);

	if (sv != NULL || name == NULL)
		return (sv);
	sv = calloc(1, sizeof(*sv));
	if (sv == NULL)
		return (NULL);
	memcpy(sv->name, name, strlen(name) + 1);
	sv->number = -1;
	sv->index = (uint16_t)index;
	sv->kind = SERVICE_COUNT; /* nobody has said yet */
	for (int f = 0; f < FAMILY_COUNT; f++) {
		sv->limiter[f].sources = m->services->sources;
		sv->limiter[f].service = sv->index;
	}
	sv->blocked = BLOCK_ZYGOTE;
	TAILQ_INIT(&sv->held);
	m->services->by_index[index] = sv;
	return (sv);
}

/* The state's number for a name: its own, an empty one, or a forgotten one. */
static int
service_place(struct master *m, const char *name)
{
	int index = state_service_find(m->state, name);

	if (index >= 0)
		return (index);
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		if (state_service_name(m->state, i) == NULL) {
			state_service_claim(m->state, i, name);
			return ((int)i);
		}
	}
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		if (m->services->by_index[i] == NULL) {
			state_service_claim(m->state, i, name);
			return ((int)i);
		}
	}
	return (ERR_FULL);
}

/* Of a small limit one source may have all. */
static void
service_protect(struct policy_limiter *l, const struct msg_service *msg)
{
	uint32_t limit = msg->connection_limit;
	bool early = limit >= POLICY_SHARED_MIN &&
		     (msg->unprotected & SERVICE_NO_EARLY_DROP) == 0;

	l->logins = service_traits((enum service_kind)msg->kind)->logins != 0;
	l->shares_slots = (msg->unprotected & SERVICE_NO_SOURCE_LIMIT) == 0;
	l->shares_rate = (msg->unprotected & SERVICE_NO_SOURCE_RATE) == 0;
	l->early = (struct policy_early){
	    .start = limit / 2, .rate = EARLY_RATE, .full = early ? limit : 0};
}

/* No room in the run-time folder: a window that only this master knows. */
static int
service_private_window(
    struct service *sv, int family, uint32_t limit, uint64_t now)
{
	size_t size = policy_rate_size(limit);
	void *memory = calloc(1, size);
	int err;

	if (memory == NULL)
		return (ERR_NO_MEMORY);
	log_warn("no room for the rate window of %s: it will not outlive this "
		 "master",
	    sv->name);
	err = policy_rate_attach(
	    &sv->limiter[family].rate, memory, size, limit, now);
	free(sv->private_window[family]);
	sv->private_window[family] = memory;
	return (err);
}

int
service_configure(struct master *m, const struct msg_service *msg)
{
	uint64_t now = time_boot_ns();
	int index = service_place(m, msg->name);
	struct service *sv, *before;

	if (index < 0)
		return (index);
	sv = service_recall(m, (unsigned)index);
	if (sv == NULL)
		return (ERR_NO_MEMORY);
	before = m->services->by_number[msg->number];
	if (before != NULL && before != sv)
		service_retire(m, msg->number);
	if (sv->number >= 0)
		m->services->by_number[sv->number] = NULL;
	sv->number = msg->number;
	m->services->by_number[msg->number] = sv;
	sv->kind = (enum service_kind)msg->kind;
	sv->builtin = service_traits(sv->kind)->by == BY_WORKER;
	sv->status_means_nothing = service_traits(sv->kind)->by == BY_SSHD;
	sv->rate_limit = msg->rate_limit;
	for (int f = 0; f < FAMILY_COUNT; f++) {
		struct policy_limiter *l = &sv->limiter[f];
		int err = 0;

		l->connection_limit = msg->connection_limit;
		service_protect(l, msg);
		if (state_window(m->state, sv->index, (enum family)f,
			msg->rate_limit, now, &l->rate) != 0)
			err =
			    service_private_window(sv, f, msg->rate_limit, now);
		if (err != 0)
			return (err);
	}
	return (0);
}

int
service_stands(struct master *m, const struct msg_service_state *msg)
{
	struct service *sv = service_by_number(m, msg->number);
	struct service_row *row;

	if (sv == NULL)
		return (ERR_NOT_FOUND);
	row = &sv->row[msg->family];
	row->address = msg->address;
	memcpy(row->state, msg->state, sizeof(row->state));
	return (0);
}

void
service_retire(struct master *m, unsigned number)
{
	struct service *sv = service_by_number(m, number);

	if (sv == NULL)
		return;
	listener_forget_service(m, sv);
	memset(sv->row, 0, sizeof(sv->row));
	m->services->by_number[number] = NULL;
	sv->number = -1;
	service_release(m, sv);
}

void
service_release(struct master *m, struct service *sv)
{
	if (sv->number >= 0 || sv->sessions > 0 || sv->zygote != NULL)
		return;
	m->services->by_index[sv->index] = NULL;
	for (int f = 0; f < FAMILY_COUNT; f++)
		free(sv->private_window[f]);
	free(sv);
}

void
service_block(struct master *m, struct service *sv, enum service_block why)
{
	if ((sv->blocked & why) != 0)
		return;
	sv->blocked |= why;
	listener_update_service(m, sv);
}

void
service_unblock(struct master *m, struct service *sv, enum service_block why)
{
	if ((sv->blocked & why) == 0)
		return;
	sv->blocked &= ~(unsigned)why;
	listener_update_service(m, sv);
}
