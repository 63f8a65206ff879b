/*
 * The table of login processes. Monitor (root): by session and by process,
 * those that live apart from those that have ended and had their tries.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/map.h"
#include "lib/ptable.h"
#include "monitor/logins/loginproc_private.h"
#include "monitor/sessions/slots.h"

/* So many that had their tries are looked at for each that comes. */
#define PRUNE_MOST 4

TAILQ_HEAD(loginproc_list, loginproc);

/* With a process, and without. */
static struct loginproc_list logins = TAILQ_HEAD_INITIALIZER(logins);
static struct loginproc_list spent = TAILQ_HEAD_INITIALIZER(spent);
static struct map by_session, by_pid;
static unsigned nspent, nmaking;

/* State and what it does: the next state. */
static const uint8_t loginproc_table[LOGINPROC_STATES][LOGINPROC_EVENTS] = {
    [LOGINPROC_NEW] = {[LOGINPROC_STARTS] = LOGINPROC_WAITING,
	/* No process: its peer has had its time. */
	[LOGINPROC_FAILS] = LOGINPROC_OVER,
	/* Adopted. */
	[LOGINPROC_OPENS] = LOGINPROC_OPEN,
	[LOGINPROC_ENDS] = LOGINPROC_OVER},
    [LOGINPROC_WAITING] = {[LOGINPROC_TRIES] = LOGINPROC_TRYING,
	[LOGINPROC_FAILS] = LOGINPROC_WAITING,
	[LOGINPROC_ENDS] = LOGINPROC_OVER},
    [LOGINPROC_TRYING] = {[LOGINPROC_TRIES] = LOGINPROC_TRYING,
	[LOGINPROC_FAILS] = LOGINPROC_WAITING,
	[LOGINPROC_MAY] = LOGINPROC_ALLOWED,
	[LOGINPROC_ENDS] = LOGINPROC_OVER},
    [LOGINPROC_ALLOWED] = {[LOGINPROC_FAILS] = LOGINPROC_WAITING,
	[LOGINPROC_OPENS] = LOGINPROC_OPEN,
	[LOGINPROC_ENDS] = LOGINPROC_OVER},
    [LOGINPROC_OPEN] = {[LOGINPROC_ENDS] = LOGINPROC_OVER},
    [LOGINPROC_OVER] = {[LOGINPROC_ENDS] = LOGINPROC_OVER},
};

/* Whether login-limit counts it. */
static bool
loginproc_is_made(enum loginproc_state state)
{
	return (state > LOGINPROC_NEW && state < LOGINPROC_OPEN);
}

bool
loginproc_step(struct loginproc *p, enum loginproc_does does)
{
	static const char *const names[LOGINPROC_STATES] = {
	    "new", "waiting", "trying", "allowed", "open", "over"};
	enum loginproc_state next =
	    (enum loginproc_state)loginproc_table[p->state][does];

	/* Nothing leads back to the first. */
	if (next == LOGINPROC_NEW)
		return (false);
	if (next != p->state)
		log_info("login of session %llu (pid %d): %s -> %s",
		    (unsigned long long)p->session, (int)p->pid,
		    names[p->state], names[next]);
	nmaking -= loginproc_is_made(p->state);
	nmaking += loginproc_is_made(next);
	p->state = next;
	return (true);
}

bool
loginproc_tries(const struct loginproc *p)
{
	return (p->state == LOGINPROC_TRYING || p->state == LOGINPROC_ALLOWED);
}

struct loginproc *
loginproc_new(struct monitor *mon, uint64_t session)
{
	struct loginproc *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return (NULL);
	p->mon = mon;
	p->session = session;
	p->slot = SLOTS_MAX;
	p->pidfd = p->ch.fd = -1;
	p->method = POLICY_METHOD_COUNT;
	if (map_put(&by_session, session, p) != 0) {
		free(p);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&spent, p, next);
	nspent++;
	return (p);
}

int
loginproc_reserve(void)
{
	return (map_reserve(&by_pid));
}

int
loginproc_set_pid(struct loginproc *p, pid_t pid)
{
	if (map_put(&by_pid, (uint64_t)pid, p) != 0)
		return (ERR_NO_MEMORY);
	p->pid = pid;
	TAILQ_REMOVE(&spent, p, next);
	nspent--;
	TAILQ_INSERT_TAIL(&logins, p, next);
	return (0);
}

void
loginproc_clear_pid(struct loginproc *p)
{
	if (p->pid <= 0)
		return;
	map_remove(&by_pid, (uint64_t)p->pid);
	p->pid = 0;
	TAILQ_REMOVE(&logins, p, next);
	TAILQ_INSERT_TAIL(&spent, p, next);
	nspent++;
}

void
loginproc_free(struct loginproc *p)
{
	(void)loginproc_step(p, LOGINPROC_ENDS);
	loginproc_clear_pid(p);
	TAILQ_REMOVE(&spent, p, next);
	nspent--;
	if (map_get(&by_session, p->session) == p)
		map_remove(&by_session, p->session);
	loop_timer_clear(&p->grace);
	loop_unwatch(&p->watch);
	loop_unwatch(&p->words);
	ipc_channel_close(&p->ch);
	fd_close(&p->pidfd);
	free(p);
}

struct loginproc *
loginproc_find(uint64_t session)
{
	return (map_get(&by_session, session));
}

struct loginproc *
loginproc_of(pid_t pid)
{
	return (map_get(&by_pid, (uint64_t)pid));
}

bool
loginproc_runs(uint64_t session)
{
	struct loginproc *p = loginproc_find(session);

	return (p != NULL && p->pid > 0);
}

bool
loginproc_any(void)
{
	return (!TAILQ_EMPTY(&logins));
}

unsigned
loginproc_making(void)
{
	return (nmaking);
}

void
loginproc_prune(void)
{
	unsigned most = nspent < PRUNE_MOST ? nspent : PRUNE_MOST;
	struct slot slot;

	while (most-- > 0) {
		struct loginproc *p = TAILQ_FIRST(&spent);

		if (loginproc_find_zygote(p->mon, p->session, p->slot, &slot) ==
		    NULL) {
			loginproc_free(p);
			continue;
		}
		TAILQ_REMOVE(&spent, p, next);
		TAILQ_INSERT_TAIL(&spent, p, next);
	}
}

struct end_process
loginproc_end(uint64_t session)
{
	struct loginproc *p = loginproc_find(session);

	if (p == NULL || p->pid <= 0 || p->gone)
		return ((struct end_process){0});
	p->ending = LOGINPROC_ON_PURPOSE;
	return ((struct end_process){.pid = p->pid, .start = p->pid_start});
}

void
loginproc_end_all(void (*end)(pid_t leader, uint64_t start))
{
	struct loginproc *p;

	TAILQ_FOREACH (p, &logins, next) {
		p->ending = LOGINPROC_ON_PURPOSE;
		end(p->pid, p->pid_start);
	}
}

void
loginproc_kill_all(void)
{
	struct loginproc *p;

	TAILQ_FOREACH (p, &logins, next)
		kill(p->pid, SIGKILL);
}

struct proc *
loginproc_find_zygote(
    struct monitor *mon, uint64_t session, uint32_t number, struct slot *slot)
{
	struct ptable_row row;
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		int64_t n;

		if (p->slots == NULL ||
		    service_traits(p->kind)->by != BY_WORKER ||
		    service_traits(p->kind)->logins == 0)
			continue;
		n = number < SLOTS_MAX ? (int64_t)number
				       : slot_find_session(p->slots, session);
		if (n >= 0 && slot_read(p->slots, (uint32_t)n, slot) == 0 &&
		    slot->session == session && slot->use == SLOT_RUNNING &&
		    slots_verify(slot, p->pid, &row))
			return (p);
	}
	return (NULL);
}
