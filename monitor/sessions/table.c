/*
 * Services by number and their zygotes' slot files. Monitor (root). Slot files
 * lie in DIR/state, mode 0600, and outlive the monitor: the next one finds in
 * them which sessions to adopt.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/adopt.h"
#include "monitor/sessions/table.h"
#include "monitor/stop.h"
#include "policy/rate.h"

static struct monitor the_monitor;

struct monitor *
table_monitor(void)
{
	return (&the_monitor);
}

static struct mon_service *
find_service(struct monitor *mon, enum service_kind kind, const char *name)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (s->used && s->kind == kind && strcmp(s->name, name) == 0)
			return (s);
	}
	return (NULL);
}

static struct mon_service *
new_service(struct monitor *mon, const struct conf_service *c)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (s->used)
			continue;
		memset(s, 0, sizeof(*s));
		s->used = true;
		s->number = (uint16_t)i;
		s->kind = c->kind;
		snprintf(s->name, sizeof(s->name), "%s", c->name);
		return (s);
	}
	return (NULL);
}

static bool
same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a == b);
	return (strcmp(a, b) == 0);
}

static bool
same_list(const char *const *a, const char *const *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!same_text(a[i], b[i]))
			return (false);
	}
	return (true);
}

static bool
same_exec(const struct conf_exec *a, const struct conf_exec *b)
{
	return (a->protocol == b->protocol && a->wait == b->wait &&
		a->detach == b->detach && a->keepalive == b->keepalive &&
		a->error == b->error &&
		a->session_timeout == b->session_timeout &&
		same_text(a->user, b->user) && same_text(a->group, b->group) &&
		same_text(a->path, b->path) && a->argc == b->argc &&
		a->env_count == b->env_count &&
		a->rlimit_count == b->rlimit_count && a->nice == b->nice &&
		a->umask == b->umask && same_list(a->argv, b->argv, a->argc) &&
		same_list(a->env, b->env, a->env_count) &&
		memcmp(a->rlimits, b->rlimits,
		    a->rlimit_count * sizeof(a->rlimits[0])) == 0);
}

/*
 * Whether a zygote would serve otherwise than before. Limits and listeners are
 * the master's; ssh's statements live in sshd's own file, read by each sshd.
 * A banner's file may hold another text by now.
 */
static bool
same_zygote(const struct conf_service *a, const struct conf_service *b)
{
	const struct service_traits *traits = service_traits(a->kind);

	if (traits->named)
		return (same_exec(&a->exec, &b->exec));
	if (traits->sshd)
		return (
		    a->ssh.max_pre_packets == b->ssh.max_pre_packets &&
		    a->login.root_login == b->login.root_login &&
		    a->login.log_unknown_users == b->login.log_unknown_users);
	return (a->finger.list_users == b->finger.list_users &&
		a->finger.show_details == b->finger.show_details &&
		a->login.login_grace_time == b->login.login_grace_time &&
		a->login.idle_timeout == b->login.idle_timeout &&
		a->login.banner == NULL && b->login.banner == NULL);
}

bool
table_has_room(struct monitor *mon, const struct conf *conf)
{
	unsigned room = 0;

	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		table_service_release(mon, &mon->services[i]);
		room += !mon->services[i].used;
	}
	for (unsigned i = 0; i < conf->service_count; i++) {
		const struct conf_service *c = &conf->services[i];

		if (find_service(mon, c->kind, c->name) != NULL)
			continue;
		if (room-- == 0)
			return (false);
	}
	return (true);
}

/* What is over may wait for audit, and what a reload took away goes on. */
#define SLOTS_SPARE 1024
#define SLOTS_LEAST 2048 /* few reloads need more */

static uint32_t
slots_needed(struct monitor *mon)
{
	uint32_t slots = adopt_slots() + SLOTS_SPARE;

	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (!s->used)
			continue;
		if (s->conf != NULL)
			s->slots = 2 * FAMILY_COUNT * s->conf->connection_limit;
		slots += s->slots;
	}
	return (slots);
}

/* True: zygotes have slot tables by now that are too short. */
static bool
fit_slots(struct monitor *mon)
{
	uint32_t need = slots_needed(mon), before = mon->slots;

	if (before == 0)
		mon->slots = SLOTS_LEAST;
	while (mon->slots < need && mon->slots < SLOTS_MAX)
		mon->slots *= 2;
	return (before != 0 && mon->slots > before);
}

void
table_configure(struct monitor *mon, const struct conf *old,
    const struct conf *conf, bool changed[SERVICES_MAX])
{
	bool all =
	    old != NULL &&
	    (old->session_sandbox != conf->session_sandbox ||
		old->user_limit_processes != conf->user_limit_processes ||
		old->sandbox_level != conf->sandbox_level);

	memset(changed, 0, SERVICES_MAX * sizeof(changed[0]));
	for (unsigned i = 0; i < SERVICES_MAX; i++)
		mon->services[i].configured = false;
	for (unsigned i = 0; i < conf->service_count; i++) {
		const struct conf_service *c = &conf->services[i];
		struct mon_service *s;

		s = find_service(mon, c->kind, c->name);
		if (s == NULL)
			s = new_service(mon, c);
		if (s == NULL)
			bug("no room for service %s", c->name);
		changed[s->number] =
		    all || s->conf == NULL || !same_zygote(s->conf, c);
		s->configured = true;
		s->conf = c;
		s->stopped = service_traits(c->kind)->served
				 ? NULL
				 : "this version does not serve it";
	}
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		if (!mon->services[i].configured)
			mon->services[i].conf = NULL;
	}
	if (fit_slots(mon))
		memset(changed, true, SERVICES_MAX * sizeof(changed[0]));
}

bool
table_service_runs(const struct mon_service *s)
{
	return (s->used && s->configured && s->stopped == NULL &&
		s->waiting[0] == '\0');
}

void
table_service_release(struct monitor *mon, struct mon_service *s)
{
	struct proc *p;

	if (s == NULL || !s->used || s->configured)
		return;
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->service == s)
			return;
	}
	loop_timer_clear(&s->backoff.timer);
	loop_timer_clear(&s->retry);
	s->used = false;
}

bool
table_program_is_root(struct monitor *mon, const struct mon_service *s)
{
	struct passwd *pw;

	(void)mon;
	if (s->conf == NULL || s->conf->exec.user == NULL)
		return (false);
	pw = getpwnam(s->conf->exec.user);
	return (pw != NULL && pw->pw_uid == 0);
}

void
table_fit_state(struct monitor *mon)
{
	unsigned services = 0;
	bool long_rates = false;
	uint64_t length, before;
	struct stat st;

	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		const struct mon_service *s = &mon->services[i];

		if (!s->used)
			continue;
		services++;
		long_rates =
		    long_rates ||
		    (s->conf != NULL &&
			policy_rate_size(s->conf->rate_limit) > STATE_HISTORY);
	}
	/* A name that goes leaves its history behind. */
	length =
	    state_size(slots_needed(mon), long_rates ? 2 * services + 8 : 0);
	before = fstat(mon->state_fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	/* What ended between two daemons stands in it, whatever its slot. */
	if (length <= before && before <= state_size(SLOTS_MAX, SERVICES_MAX))
		return;
	if (ftruncate(mon->state_fd, (off_t)length) < 0)
		log_errno("the state file cannot be made %llu bytes long",
		    (unsigned long long)length);
}

void
table_slots_path(struct monitor *mon, uint32_t instance, char *buf, size_t size)
{
	snprintf(buf, size, "%s/state/slots.%u", mon->run_dir, instance);
}

int
table_slots_make(struct monitor *mon, struct proc *p)
{
	char path[PATH_MAX + 64];

	table_slots_path(mon, p->instance, path, sizeof(path));
	p->slots_fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	p->slots_read_fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (p->slots_fd < 0 || p->slots_read_fd < 0 ||
	    ftruncate(
		p->slots_fd, (off_t)SLOT_TABLE_BYTES((size_t)mon->slots)) < 0 ||
	    (p->slots = slot_table_map(p->slots_fd, 1)) == NULL) {
		log_errno("cannot make %s", path);
		return (ERR_SYSTEM);
	}
	p->slots->count = mon->slots;
	p->slots->instance = p->instance;
	p->slots->kind = (uint32_t)p->kind;
	snprintf(p->slots->service, sizeof(p->slots->service), "%s",
	    p->service != NULL ? p->service->name : "");
	p->slots->magic = SLOT_TABLE_MAGIC;
	return (0);
}

void
table_slots_drop(struct monitor *mon, struct proc *p)
{
	char path[PATH_MAX + 64];
	bool keep = false;

	fd_close(&p->slots_read_fd);
	if (p->slots_fd < 0)
		return;
	if (mon->stopping && mon->conf != NULL && mon->conf->keep_sessions &&
	    p->slots != NULL) {
		struct slot slot;

		for (uint32_t i = 0;
		     i < p->slots->high && i < SLOTS_MAX && !keep; i++)
			keep = slot_read(p->slots, i, &slot) == 0 &&
			       slot.use == SLOT_RUNNING;
	}
	table_slots_path(mon, p->instance, path, sizeof(path));
	if (!keep)
		unlink(path);
	slot_table_unmap(p->slots);
	p->slots = NULL;
	fd_close(&p->slots_fd);
}

void
table_start_failed(
    struct monitor *mon, enum role role, const struct mon_service *service)
{
	log_warn("%s%s%s could not be started; nothing is served",
	    role_name(role), service != NULL ? " " : "",
	    service != NULL ? service->name : "");
	mon->exit_status = 1;
	stop_begin(mon, "a role could not be started");
}
