/*
 * Logins of a daemon that is gone. Monitor (root): each process named in the
 * records is verified by its start time, and held by a pidfd.
 */
#include <sys/syscall.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/logins/loginproc_private.h"
#include "monitor/logins/logins_private.h"
#include "monitor/logins/records.h"
#include "lib/ptable.h"
#include "monitor/sessions/end.h"

/* How it ended is not ours to know: a session that still runs tells. */
static void
loginproc_adopted_ended(void *arg, int revents)
{
	struct loginproc *p = arg;
	struct ptable_row row;
	bool left;

	(void)revents;
	left = ptable_read_one(p->leader, &row) == 0 &&
	       row.start == p->leader_start && !row.zombie;
	if (!left && !p->mon->rootless)
		/* Nothing, if it did so itself. */
		records_close(p->mon, p->pid, p->user);
	loginproc_gone(p, left ? SIGKILL : 0);
}

static bool
loginproc_is_alive(pid_t pid, uint64_t start)
{
	struct ptable_row row;

	return (pid > 1 && ptable_read_one(pid, &row) == 0 &&
		row.start == start && !row.zombie);
}

static bool
loginproc_adopt_one(struct monitor *mon, const struct login *l)
{
	struct loginproc *p;

	if (!loginproc_is_alive(l->pid, l->pid_start))
		return (false);
	p = loginproc_new(mon, l->session);
	if (p == NULL) {
		log_warn("out of memory: a login is not adopted");
		return (true);
	}
	(void)loginproc_step(p, LOGINPROC_OPENS);
	if (loginproc_set_pid(p, l->pid) != 0) {
		log_warn("out of memory: a login is not adopted");
		loginproc_free(p);
		return (true);
	}
	p->pid_start = l->pid_start;
	p->leader = l->leader;
	p->leader_start = l->leader_start;
	p->peer = l->peer;
	memcpy(p->user, l->user, sizeof(p->user));
	memcpy(p->service, l->service, sizeof(p->service));
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pidfd >= 0) {
		fd_set_cloexec(p->pidfd, 1);
		p->watch =
		    loop_watch(p->pidfd, POLLIN, loginproc_adopted_ended, p);
	}
	/* The pidfd is of the verified process only if that still lives. */
	if (p->watch == NULL || !loginproc_is_alive(p->pid, p->pid_start))
		loginproc_adopted_ended(p, 0);
	return (true);
}

void
loginproc_adopt_all(struct monitor *mon)
{
	struct login *l;

	for (unsigned i = 0; (l = logins_at(i)) != NULL; i++) {
		if (l->session == 0 || l->pid == 0)
			continue;
		if (loginproc_adopt_one(mon, l))
			continue;
		/* It died while nobody watched. */
		if (loginproc_is_alive(l->leader, l->leader_start))
			end_tree_now(mon, l->leader, l->leader_start);
		if (!mon->rootless)
			records_close(mon, l->pid, l->user);
		logins_remove(l->session);
	}
}
