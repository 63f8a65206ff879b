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
	struct policy_prefixes exempt;
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
service_early(struct policy_limiter *l, const struct msg_protection *msg)
{
	uint32_t open = l->connection_limit > l->reserved_slots
			    ? l->connection_limit - l->reserved_slots
			    : 0;

	l->early = (struct policy_early){.start = msg->early_start,
	    .rate = msg->early_rate,
	    .full = msg->early_full};
	if (msg->early_full == 0)
		l->early = (struct policy_early){.start = open / 2,
		    .rate = EARLY_RATE,
		    .full = open < POLICY_SHARED_MIN ? 0 : open};
	if ((msg->off & SERVICE_NO_EARLY_DROP) != 0)
		l->early.full = 0;
}

static void
service_protect_family(struct service *sv, struct policy_limiter *l,
    const struct msg_protection *msg)
{
	l->logins = service_traits(sv->kind)->logins != 0;
	l->shares_slots = (msg->off & SERVICE_NO_SOURCE_LIMIT) == 0;
	l->shares_rate = (msg->off & SERVICE_NO_SOURCE_RATE) == 0;
	l->source_connections = msg->source_connections;
	l->source_attempts = msg->source_attempts;
	l->reserved_slots = msg->reserved_slots;
	service_early(l, msg);
}

/* An empty table of sources for all. False: without memory, the old one. */
static bool
services_renew(struct services *t, const struct msg_protection *msg)
{
	struct policy_sources *fresh =
	    calloc(1, policy_sources_size(POLICY_SOURCE_SETS));
	struct service *sv;

	if (fresh == NULL) {
		log_warn("no memory to count the sources anew");
		return (false);
	}
	policy_sources_init(fresh, POLICY_SOURCE_SETS, t->sources->secret);
	fresh->prefix[FAMILY_INET] = msg->inet_prefix;
	fresh->prefix[FAMILY_INET6] = msg->inet6_prefix;
	free(t->sources);
	t->sources = fresh;
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		sv = t->by_index[i];
		for (int f = 0; sv != NULL && f < FAMILY_COUNT; f++) {
			sv->limiter[f].sources = fresh;
			sv->limiter[f].pressure = 0;
		}
	}
	return (true);
}

/* What is the same for all services, which each of them brings. */
static int
services_protect(
    struct services *t, const struct msg_protection *msg, bool *changed)
{
	struct policy_prefixes exempt = {.count = 0};

	if (policy_prefixes_read(&exempt, msg->exempt.b, msg->exempt.n) != 0)
		return (ERR_VALUE);
	*changed = t->sources->prefix[FAMILY_INET] != msg->inet_prefix ||
		   t->sources->prefix[FAMILY_INET6] != msg->inet6_prefix ||
		   memcmp(&t->exempt, &exempt, sizeof(exempt)) != 0;
	t->exempt = exempt;
	*changed = *changed && services_renew(t, msg);
	return (0);
}

int
service_protect(
    struct master *m, const struct msg_protection *msg, bool *changed)
{
	struct service *sv = service_by_number(m, msg->number);

	if (sv == NULL)
		return (ERR_NOT_FOUND);
	if (policy_prefixes_read(
		&sv->access.allow, msg->allow.b, msg->allow.n) != 0 ||
	    policy_prefixes_read(&sv->access.deny, msg->deny.b, msg->deny.n) !=
		0 ||
	    policy_prefixes_read(
		&sv->reserved, msg->reserved.b, msg->reserved.n) != 0)
		return (ERR_VALUE);
	sv->penalties = (msg->off & SERVICE_NO_PENALTIES) == 0;
	for (int f = 0; f < FAMILY_COUNT; f++)
		service_protect_family(sv, &sv->limiter[f], msg);
	return (services_protect(m->services, msg, changed));
}

const struct policy_prefixes *
services_exempt(const struct master *m)
{
	return (&m->services->exempt);
}

unsigned
services_prefix(const struct master *m, enum family family)
{
	return (m->services->sources->prefix[family]);
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
