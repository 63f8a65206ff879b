/*
 * Binding, keeping and retrying listeners. Monitor (root). Addresses come from
 * the configuration or from the service manager, and from nothing else.
 */
#include <sys/socket.h>
#include <sys/syscall.h>

#include <netinet/in.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "ipc/busy.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/listeners/bind.h"
#include "monitor/listeners/left.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/table.h"

#define BACKLOG 4096
#define RETRY_NS (1ull * SECOND)
#define BROKE_SPELL_NS (60ull * SECOND) /* one word for so long */

/*
 * A socket that was closed to make room is the master's as well, until it has
 * read so: a busy port is tried for again soon, and not reported as long as
 * that.
 */
#define SOON_NS (10ull * MILLISECOND)
#define SOON_TRIES 50

static uint32_t round_now; /* of bind_configure() */
static unsigned soon;	   /* such tries that are left */

static struct listener *
listener_new(
    struct monitor *mon, const struct addr *address, bool datagram, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		log_warn("out of memory for a listener");
		return (NULL);
	}
	l->id = mon->next_listener++;
	l->address = *address;
	l->datagram = datagram;
	l->fd = fd;
	TAILQ_INSERT_TAIL(&mon->listeners, l, next);
	return (l);
}

static void
listener_free(struct monitor *mon, struct listener *l)
{
	if (l->told)
		wire_listener_gone(mon, l);
	TAILQ_REMOVE(&mon->listeners, l, next);
	fd_close(&l->fd);
	free(l);
}

/* A socket of inet6 on every address takes inet's peers, unless told not to. */
static bool
bind_serves_both(const struct addr *address, int fd)
{
	static const uint8_t any[sizeof(address->bytes)];
	int only = 1;
	socklen_t len = sizeof(only);

	return (address->family == FAMILY_INET6 &&
		memcmp(address->bytes, any, sizeof(any)) == 0 &&
		getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 &&
		!only);
}

/* One from the service manager: what it is, the kernel says. */
static void
bind_take_one(struct monitor *mon, int fd, const char *name)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);
	struct listener *l;
	struct addr address;
	int type, listening = 0;
	socklen_t tlen = sizeof(type);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
	    addr_from_sockaddr(&address, (struct sockaddr *)&ss, len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &tlen) < 0) {
		log_warn("descriptor %d (%s) from the service manager is not "
			 "an internet socket: closed",
		    fd, name);
		close(fd);
		return;
	}
	/* A dual-stack socket says ::, and counts as inet6's. */
	if (ss.ss_family == AF_INET6)
		address.family = FAMILY_INET6;
	tlen = sizeof(listening);
	if (type == SOCK_STREAM &&
	    (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &tlen) < 0 ||
		!listening)) {
		log_warn("descriptor %d (%s) from the service manager does "
			 "not listen (Accept=yes?): closed",
		    fd, name);
		close(fd);
		return;
	}
	fd_set_cloexec(fd, 1);
	fd_set_nonblock(fd, 1);
	l = listener_new(mon, &address, type == SOCK_DGRAM, fd);
	if (l == NULL)
		return;
	l->origin =
	    bind_serves_both(&address, fd) ? LISTENER_DUAL : LISTENER_HANDED;
	snprintf(l->name, sizeof(l->name), "%s", name);
}

void
bind_take_handed_over(struct monitor *mon)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++)
		bind_take_one(mon, SD_LISTEN_FDS_START + i, names[i]);
	for (int i = 0; names != NULL && names[i] != NULL; i++)
		free(names[i]);
	free(names);
}

/* A bound, listening, non-blocking socket; -1 with errno. */
static int
bind_socket(const struct listener *l)
{
	int family = l->address.family == FAMILY_INET ? AF_INET : AF_INET6;
	int type = l->datagram ? SOCK_DGRAM : SOCK_STREAM;
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, on = 1;

	fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return (-1);
	addr_to_sockaddr(&l->address, &ss, &len);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
				       &on, sizeof(on)) < 0) ||
	    bind(fd, (struct sockaddr *)&ss, len) < 0 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)) {
		fd_close(&fd);
		return (-1);
	}
	return (fd);
}

static void
listener_failed(struct monitor *mon, struct listener *l, int error)
{
	char reason[192], who[96] = "";
	bool again = l->failed && l->error == error;

	l->error = error;
	l->failed = true;
	if (again)
		return;
	if (error == EACCES && mon->rootless && l->address.port < 1024)
		snprintf(who, sizeof(who),
		    "only root can use ports below 1024: set another `port`");
	snprintf(l->why, sizeof(l->why), "%s%s%s%s",
	    error != EADDRINUSE ? strerror(error)
	    : l->datagram	? BUSY_DATAGRAM
				: BUSY_STREAM,
	    who[0] != '\0' ? " (" : "", who, who[0] != '\0' ? ")" : "");
	snprintf(reason, sizeof(reason), "%s; trying again", l->why);
	report_listener_failed(mon, l, reason);
}

/* Whether it is bound now. */
static bool
listener_try(struct monitor *mon, struct listener *l, bool quiet)
{
	int error;

	l->fd = bind_socket(l);
	if (l->fd >= 0) {
		l->failed = false;
		l->why[0] = '\0';
		return (true);
	}
	error = errno;
	if (!quiet)
		listener_failed(mon, l, error);
	else
		l->error = error;
	return (false);
}

/* No IPv6 in this kernel: the default addresses are then inet's only. */
static bool
bind_family_is_missing(const struct mon_service *s, const struct listener *l)
{
	return (l->error == EAFNOSUPPORT && s->plan->is.listen_default);
}

static void bind_retry_due(void *arg);

/* Try for all that are not bound; whether one is to be told to the master. */
static bool
bind_retry_all(struct monitor *mon)
{
	bool some = false, waiting = false;
	struct listener *l;

	TAILQ_FOREACH (l, &mon->listeners, next) {
		if (l->fd >= 0) {
			some = some || !l->told;
			continue;
		}
		if (listener_try(mon, l, soon > 0))
			some = true;
		else
			waiting = true;
	}
	if (waiting)
		loop_timer_in(&mon->retry, soon > 0 ? SOON_NS : RETRY_NS,
		    bind_retry_due, mon);
	if (soon > 0)
		soon--;
	return (some);
}

static void
bind_retry_due(void *arg)
{
	struct monitor *mon = arg;

	if (bind_retry_all(mon))
		wire_tell_listeners(mon);
	else
		wire_states(mon);
}

/* ---- sockets that somebody shut ------------------------------------------ */

/*
 * A datagram socket that is shut for sending says EPIPE before it reads what
 * is to be sent, and one that is not finds that there is nothing to be read.
 */
static bool
listener_datagrams_are_shut(const struct listener *l)
{
	struct pollfd p = {.fd = l->fd, .events = POLLRDHUP};
	struct sockaddr_storage ss;
	socklen_t len;

	if (poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP)) != 0)
		return (true);
	addr_to_sockaddr(&l->address, &ss, &len);
	return (syscall(SYS_sendto, l->fd, 1L, 1L, MSG_DONTWAIT | MSG_NOSIGNAL,
		    &ss, len) < 0 &&
		errno == EPIPE);
}

static bool
listener_is_shut(const struct listener *l)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	if (l->datagram)
		return (listener_datagrams_are_shut(l));
	return (getsockopt(
		    l->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 &&
		!listening);
}

/* One of the service manager's is its to bind; it can listen again. */
static bool
listener_listen_again(const struct listener *l)
{
	return (!l->datagram && listen(l->fd, BACKLOG) == 0);
}

static void
listener_rebind(struct monitor *mon, struct listener *l)
{
	const char *reason =
	    "a process that shares the socket shut it down; it is bound again";
	int error = ESHUTDOWN;

	l->rebound = time_boot_ns();
	if (l->told)
		wire_listener_gone(mon, l);
	if (l->origin == LISTENER_OURS) {
		fd_close(&l->fd);
		if (!listener_try(mon, l, true)) {
			error = l->error;
			l->failed = true;
			snprintf(l->why, sizeof(l->why), "%s",
			    "it was shut down by a process that shares it");
			reason = "a process that shares the socket shut it "
				 "down, and it cannot be bound; trying again";
		}
	} else if (!listener_listen_again(l)) {
		reason = "a process that shares the socket shut it down: "
			 "restart the service manager's socket unit";
	}
	l->error = error;
	report_listener_failed(mon, l, reason);
}

static bool
listener_rebind_if_shut(struct monitor *mon, struct listener *l)
{
	if (l->fd < 0 || !listener_is_shut(l))
		return (false);
	/* Told once, where nothing can be done about it. */
	if (l->origin != LISTENER_OURS && l->datagram && l->rebound != 0)
		return (false);
	listener_rebind(mon, l);
	return (true);
}

static void
bind_tell_rebound(struct monitor *mon)
{
	struct listener *l;

	wire_tell_listeners(mon);
	TAILQ_FOREACH (l, &mon->listeners, next) {
		if (l->fd < 0)
			loop_timer_in(
			    &mon->retry, RETRY_NS, bind_retry_due, mon);
	}
}

static bool
bind_look_at_all(struct monitor *mon)
{
	struct listener *l;
	bool some = false;

	TAILQ_FOREACH (l, &mon->listeners, next)
		some = listener_rebind_if_shut(mon, l) || some;
	return (some);
}

void
bind_look(struct monitor *mon)
{
	if (bind_look_at_all(mon))
		bind_tell_rebound(mon);
}

/*
 * The kernel says that it listens, and accept() failed all the same. The master
 * lets it rest until it is handed over anew.
 */
static void
listener_hand_again(struct monitor *mon, struct listener *l, int error)
{
	uint64_t now = time_boot_ns();

	wire_listener_gone(mon, l);
	if (l->broke == 0 || now - l->broke > BROKE_SPELL_NS) {
		l->error = error;
		report_listener_failed(
		    mon, l, "no connection can be accepted; trying again");
	}
	l->broke = now;
	loop_timer_in(&mon->retry, RETRY_NS, bind_retry_due, mon);
}

void
bind_broken(struct monitor *mon, uint32_t id, int error)
{
	struct listener *l;

	TAILQ_FOREACH (l, &mon->listeners, next) {
		if (l->id != id)
			continue;
		if (l->fd < 0 || !l->told)
			return; /* tried again already */
		if ((l->rebound == 0 ||
			time_boot_ns() - l->rebound >= RETRY_NS) &&
		    listener_rebind_if_shut(mon, l))
			bind_tell_rebound(mon);
		else
			listener_hand_again(mon, l, error);
		return;
	}
}

/* ---- the configuration's ---------------------------------------------------
 */

static bool
listener_is_at(const struct listener *l, const struct addr *a, bool datagram)
{
	return (addr_equal(&l->address, a) && l->datagram == datagram);
}

/* Give a listener to a service; the master hears of it again if that changed.
 */
static void
listener_assign(struct monitor *mon, struct listener *l, struct mon_service *s)
{
	bool wait = s->plan->is.wait;

	l->wanted = round_now;
	if (l->service == s && l->wait == wait)
		return;
	left_report(mon, l);
	if (l->told)
		wire_listener_gone(mon, l);
	l->service = s;
	l->wait = wait;
	snprintf(l->name, sizeof(l->name), "%s", s->name);
}

/*
 * What the service manager gave for this service and family, if anything;
 * *dual: and for inet with it.
 */
static bool
bind_assign_foreign(struct monitor *mon, struct mon_service *s,
    enum family family, bool datagram, bool *dual)
{
	struct listener *l;
	bool found = false;

	TAILQ_FOREACH (l, &mon->listeners, next) {
		if (l->origin == LISTENER_OURS ||
		    strcmp(l->name, s->name) != 0 ||
		    l->address.family != family || l->datagram != datagram)
			continue;
		listener_assign(mon, l, s);
		*dual = *dual || l->origin == LISTENER_DUAL;
		found = true;
	}
	return (found);
}

static void
bind_configure_address(struct monitor *mon, struct mon_service *s,
    const struct addr *a, bool datagram)
{
	struct listener *l;

	TAILQ_FOREACH (l, &mon->listeners, next) {
		if (l->origin == LISTENER_OURS &&
		    listener_is_at(l, a, datagram)) {
			listener_assign(mon, l, s);
			return;
		}
	}
	l = listener_new(mon, a, datagram, -1);
	if (l == NULL)
		return;
	listener_assign(mon, l, s);
	listener_try(mon, l, true);
	if (l->fd < 0 && bind_family_is_missing(s, l))
		l->wanted = 0;
}

static void
bind_configure_service(struct monitor *mon, struct mon_service *s)
{
	bool datagram = s->plan->is.datagram;
	bool taken[FAMILY_COUNT], dual = false;

	for (int f = 0; f < FAMILY_COUNT; f++)
		taken[f] = (s->plan->is.without >> f & 1) == 0 &&
			   bind_assign_foreign(
			       mon, s, (enum family)f, datagram, &dual);
	if (dual)
		taken[FAMILY_INET] = true;
	/* What was handed over rests meanwhile; nothing of ours is bound. */
	for (unsigned i = 0;
	     i < s->plan->address_count && table_service_runs(s); i++) {
		const struct addr *a = &s->plan->addresses[i];

		if (!taken[a->family])
			bind_configure_address(mon, s, a, datagram);
	}
}

void
bind_configure(struct monitor *mon)
{
	struct listener *l, *after;

	soon = 0;
	bind_look_at_all(mon);
	round_now++;
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		if (mon->services[i].used && mon->services[i].configured &&
		    mon->services[i].stopped == NULL)
			bind_configure_service(mon, &mon->services[i]);
	}
	for (l = TAILQ_FIRST(&mon->listeners); l != NULL; l = after) {
		after = TAILQ_NEXT(l, next);
		if (l->wanted == round_now)
			continue;
		left_report(mon, l);
		if (l->origin == LISTENER_OURS) {
			if (l->told)
				soon = SOON_TRIES;
			listener_free(mon, l);
			continue;
		}
		if (l->service != NULL && l->told)
			wire_listener_gone(mon, l);
		l->service = NULL;
	}
	bind_retry_all(mon);
}
