/*
 * The reserve is a socket pair, not a copy of a descriptor: it holds two
 * places in the process's table and two in the system's, and can be had again
 * inside the sandbox, which knows no open(). Master only, unprivileged.
 */
#include "master/resource.h"

#include <sys/resource.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/role.h"
#include "master/listener.h"
#include "master/report.h"

#define REST_FIRST_MS 100
#define REST_LAST_MS 1600
#define TELL_EVERY_MS 10000
#define KEEP_MOST 64 /* descriptors kept; a quarter where there are few */

struct resource {
	int reserve[2];
	int last; /* descriptors from here on are kept */
	uv_timer_t rest;
	bool resting;
	unsigned rest_ms;
	uv_timer_t tell; /* runs while a further event would be too soon */
	uint64_t count;	 /* since the last event */
	int error;	 /* the latest, and whose */
	enum role role;
	char service[SERVICE_NAME_MAX];
};

bool
resource_is_short(int error)
{
	return (error == EMFILE || error == ENFILE || error == ENOMEM ||
		error == ENOBUFS || error == ETOOMANYREFS || error == ENOSPC ||
		error == EAGAIN);
}

static void
resource_tell(uv_timer_t *timer)
{
	struct master *m = timer->data;
	struct resource *r = m->resource;

	if (r->count == 0)
		return;
	report_short(m, r->role, r->service[0] != '\0' ? r->service : NULL,
	    r->error, r->count);
	r->count = 0;
	uv_timer_start(&r->tell, resource_tell, TELL_EVERY_MS, 0);
}

void
resource_short(struct master *m, const char *service, int error)
{
	resource_short_of(m, ROLE_MASTER, service, error);
}

void
resource_short_of(
    struct master *m, enum role role, const char *service, int error)
{
	struct resource *r = m->resource;

	r->count++;
	r->error = error;
	r->role = role;
	r->service[0] = '\0';
	if (service != NULL)
		strncat(r->service, service, sizeof(r->service) - 1);
	if (!uv_is_active((uv_handle_t *)&r->tell))
		resource_tell(&r->tell);
}

bool
resource_is_last(struct master *m, int fd)
{
	return (fd >= m->resource->last);
}

bool
resource_reserve_open(struct master *m)
{
	struct resource *r = m->resource;

	if (r->reserve[0] < 0)
		return (false);
	fd_close(&r->reserve[0]);
	fd_close(&r->reserve[1]);
	return (true);
}

void
resource_reserve_take(struct master *m)
{
	struct resource *r = m->resource;

	if (r->reserve[0] < 0 && fd_seqpacket_pair(r->reserve) != 0)
		resource_rest(m);
}

static void
resource_try(uv_timer_t *timer)
{
	struct master *m = timer->data;
	struct resource *r = m->resource;

	r->resting = false;
	if (r->reserve[0] < 0 && fd_seqpacket_pair(r->reserve) != 0) {
		resource_rest(m);
		return;
	}
	listener_rest(m, false);
}

void
resource_rest(struct master *m)
{
	struct resource *r = m->resource;

	if (r->resting)
		return;
	r->resting = true;
	listener_rest(m, true);
	uv_timer_start(&r->rest, resource_try, r->rest_ms, 0);
	if (r->rest_ms < REST_LAST_MS)
		r->rest_ms *= 2;
}

void
resource_recovered(struct master *m)
{
	m->resource->rest_ms = REST_FIRST_MS;
}

static void
resource_keep(struct resource *r)
{
	struct rlimit limit;
	rlim_t keep = KEEP_MOST;

	r->last = INT_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
		return;
	if (keep > limit.rlim_cur / 4)
		keep = limit.rlim_cur / 4;
	r->last = (int)(limit.rlim_cur - keep);
}

int
resource_init(struct master *m)
{
	struct resource *r = calloc(1, sizeof(*r));
	struct rlimit limit;

	if (r == NULL)
		return (ERR_NO_MEMORY);
	m->resource = r;
	r->rest_ms = REST_FIRST_MS;
	r->rest.data = r->tell.data = m;
	uv_timer_init(&m->loop, &r->rest);
	uv_timer_init(&m->loop, &r->tell);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	resource_keep(r);
	return (fd_seqpacket_pair(r->reserve));
}
