/*
 * The state of each service and family, from the monitor's own tables. Monitor
 * (root); every word is ours, the configuration's or the host's.
 */
#include <stdio.h>
#include <string.h>

#include "monitor/plan.h"
#include "monitor/sessions/table.h"
#include "monitor/states.h"

/* A zygote that ends so often when it is started is no start in progress. */
#define FAILS 3

static const char *
states_listener_why(const struct listener *l)
{
	return (l->why[0] != '\0' ? l->why : strerror(l->error));
}

static bool
states_zygote_fails(const struct mon_service *s)
{
	return (s->backoff.fails >= FAILS &&
		(s->zygote == NULL || s->zygote->state != PROC_UP));
}

/* What keeps all of a service from being served; NULL when nothing does. */
static const char *
states_service_why(const struct mon_service *s)
{
	if (s->waiting[0] != '\0')
		return (s->waiting);
	if (states_zygote_fails(s))
		return ("its process ends when it is started: see the log");
	return (NULL);
}

static bool
states_listener_serves(const struct listener *l, int family)
{
	return (l->address.family == family ||
		(l->origin == LISTENER_DUAL && family == FAMILY_INET));
}

/* The first listener of a family, one that is not bound before the others. */
static const struct listener *
states_find_listener(
    struct monitor *mon, const struct mon_service *s, int family)
{
	const struct listener *l, *found = NULL;

	TAILQ_FOREACH (l, &mon->listeners, next) {
		if (l->service != s || !states_listener_serves(l, family))
			continue;
		if (l->fd < 0)
			return (l);
		if (found == NULL)
			found = l;
	}
	return (found);
}

/* Where it would listen. */
static const struct addr *
states_find_address(const struct mon_service *s, int family)
{
	for (unsigned i = 0; i < s->plan->address_count; i++) {
		if (s->plan->addresses[i].family == family)
			return (&s->plan->addresses[i]);
	}
	return (NULL);
}

void
states_of(struct monitor *mon, const struct mon_service *s, int family,
    struct mon_state *out)
{
	const struct listener *l = states_find_listener(mon, s, family);
	const struct addr *address = l != NULL ? &l->address : NULL;
	const char *why = states_service_why(s);

	memset(out, 0, sizeof(*out));
	if (address == NULL && !table_service_runs(s))
		address = states_find_address(s, family);
	if (address == NULL)
		return;
	/* One of both families is :: itself, which is 0.0.0.0 to inet. */
	out->address = *address;
	out->address.family = (uint8_t)family;
	if (s->stopped != NULL)
		snprintf(
		    out->text, sizeof(out->text), "stopped: %s", s->stopped);
	else if (why != NULL)
		snprintf(out->text, sizeof(out->text), "waiting: %.240s", why);
	else if (l != NULL && l->fd < 0)
		snprintf(out->text, sizeof(out->text), "waiting: %s",
		    states_listener_why(l));
	else
		snprintf(out->text, sizeof(out->text), "listening");
}

bool
states_listens(struct monitor *mon, const struct mon_service *s)
{
	const struct listener *l;

	if (!table_service_runs(s))
		return (false);
	TAILQ_FOREACH (l, &mon->listeners, next) {
		if (l->service == s && l->fd >= 0)
			return (true);
	}
	return (false);
}

/* Whether a listener is worth a word: it was told, or cannot be bound soon. */
static bool
states_listener_waits(const struct listener *l)
{
	return (l->fd < 0 && l->service != NULL && l->why[0] != '\0');
}

const char *
states_waiting(struct monitor *mon, char *buf, size_t size)
{
	const char *before = "waiting for ", *why;
	char text[ADDR_TEXT_MAX];
	struct listener *l;
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < SERVICES_MAX && n < size; i++) {
		struct mon_service *s = &mon->services[i];

		if (!s->used || !s->configured || s->stopped != NULL ||
		    (why = states_service_why(s)) == NULL)
			continue;
		n += (size_t)snprintf(
		    buf + n, size - n, "%s%s: %s", before, s->name, why);
		before = "; ";
	}
	TAILQ_FOREACH (l, &mon->listeners, next) {
		if (!states_listener_waits(l) || n >= size)
			continue;
		n += (size_t)snprintf(buf + n, size - n,
		    "%s%s %s port %u: "
		    "%s",
		    before, l->name, addr_text(&l->address, text),
		    l->address.port, l->why);
		before = "; ";
	}
	return (buf);
}
