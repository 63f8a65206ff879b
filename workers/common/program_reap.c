/*
 * waitid() for program zygotes. Each ended child is looked at first (WNOWAIT),
 * because a zombie still holds its process group's number: only then may the
 * group be looked up or killed. A signal to a group that arrives is no proof
 * that it is ours still; that there is no such group (ESRCH) is one that it is
 * empty, and so is that waitid(P_PGID) finds no child, as every orphan of the
 * group is ours. The first costs what the group is large, the second what the
 * zygote has children, as every waitid() does that names no single process.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "ipc/state.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "workers/common/program_log.h"
#include "workers/common/program_reap.h"

#define MS UINT64_C(1000000)
#define HURRY_NS (10 * MS)
#define LEISURE_NS (1000 * MS)
#define SHARE 10 /* of the time that looks may take: one in so many */

/* --- what has ended --------------------------------------------------------
 */

int
program_reaper_open(struct program_reaper *r)
{
	struct rlimit limit = {.rlim_cur = 0};

	*r = (struct program_reaper){
	    .epoll = epoll_create1(EPOLL_CLOEXEC), .last = INT_MAX};
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < INT_MAX)
		r->last = (int)(limit.rlim_cur - limit.rlim_cur / 4);
	return (r->epoll < 0 ? -1 : 0);
}

/* A pidfd out of the way of what a child copies; -1: there is none. */
static int
reap_pidfd(int32_t pid)
{
	int low = (int)syscall(SYS_pidfd_open, pid, 0), fd = -1;

	if (low >= 0)
		fd = fcntl(low, F_DUPFD_CLOEXEC, PROGRAM_LOG_FDS);
	fd_close(&low);
	return (fd);
}

void
program_reaper_hold(struct program_reaper *r, struct program_run *run)
{
	struct epoll_event ev = {
	    .events = EPOLLIN, .data.u64 = (uint32_t)run->pid};

	run->pidfd = reap_pidfd(run->pid);
	if (run->pidfd >= r->last ||
	    (run->pidfd >= 0 &&
		epoll_ctl(r->epoll, EPOLL_CTL_ADD, run->pidfd, &ev) < 0))
		fd_close(&run->pidfd);
	if (run->pidfd >= 0)
		return;
	run->unheld = true;
	r->unheld++;
	r->due = true; /* its end may have been told already */
}

void
program_reaper_drop(struct program_reaper *r, struct program_run *run)
{
	if (run->unheld)
		r->unheld--;
	run->unheld = false;
	fd_close(&run->pidfd);
}

int32_t
program_reaper_next(const struct program_reaper *r)
{
	struct epoll_event ev;

	if (epoll_wait(r->epoll, &ev, 1, 0) != 1)
		return (0);
	return ((int32_t)ev.data.u64);
}

static uint64_t
reap_due(const struct program_reaper *r, bool hurry)
{
	return (hurry || r->unheld > 0 ? r->again
				       : r->again + LEISURE_NS - HURRY_NS);
}

bool
program_reaper_may_look(
    const struct program_reaper *r, bool hurry, uint64_t now)
{
	return (r->due && now >= reap_due(r, hurry));
}

void
program_reaper_looked(struct program_reaper *r, uint64_t spent, uint64_t now)
{
	uint64_t rest = spent * SHARE;

	r->due = false;
	r->again = now + (rest > HURRY_NS ? rest : HURRY_NS);
}

int
program_reaper_timeout(const struct program_reaper *r, bool hurry, uint64_t now)
{
	uint64_t due = reap_due(r, hurry);

	if (!r->due)
		return (-1);
	return (due <= now ? 0 : (int)((due - now) / MS) + 1);
}

/* --- taking it -------------------------------------------------------------
 */

static void
reap_result(struct program_run *run, const siginfo_t *si)
{
	run->leader_gone = true;
	run->how = si->si_code == CLD_EXITED ? ENDED_EXITED : ENDED_SIGNAL;
	run->value = (uint8_t)si->si_status;
}

/*
 * Whether anything of a group is left, once its leader has been waited for:
 * its number is nobody else's as long as that is so.
 */
static bool
reap_group_lives(int32_t pgid)
{
	return (kill(-pgid, 0) == 0 || errno == EPERM);
}

bool
program_group_is_over(const struct program_run *run)
{
	siginfo_t si;

	return (run->leader_gone &&
		waitid(P_PGID, (id_t)run->pid, &si,
		    WEXITED | WNOHANG | WNOWAIT) < 0 &&
		errno == ECHILD);
}

/* One that was killed for its leader's end. */
static void
reap_count(struct program_run *group, const siginfo_t *si)
{
	if (si->si_code == CLD_KILLED && si->si_status == SIGKILL)
		group->killed++;
}

/* No child is left: no failure. */
static int
reap_failed(void)
{
	if (errno == ECHILD)
		return (0);
	log_errno("a program that ended cannot be waited for");
	return (ERR_SYSTEM);
}

int
program_reap(struct program_table *t, enum reap_mode mode, int32_t pid,
    struct program_run **ended, struct program_run **over)
{
	struct program_run *run, *group;
	siginfo_t si = {.si_pid = 0};

	*ended = *over = NULL;
	if (waitid(pid != 0 ? P_PID : P_ALL, (id_t)pid, &si,
		WEXITED | WNOHANG | WNOWAIT) < 0)
		return (reap_failed());
	if (si.si_pid == 0)
		return (0);
	run = group = program_table_find(t, si.si_pid);
	if (run == NULL)
		group = program_table_find(t, getpgid(si.si_pid));
	else if (mode != REAP_LEADER_ONLY)
		kill(-run->pid, SIGKILL);
	if (waitid(P_PID, (id_t)si.si_pid, &si, WEXITED | WNOHANG) < 0)
		return (reap_failed());

	*ended = run;
	if (run != NULL)
		reap_result(run, &si);
	else if (group != NULL && group->leader_gone)
		reap_count(group, &si);
	if (mode == REAP_LEADER_ONLY)
		*over = run;
	else if (group != NULL && group->leader_gone &&
		 !reap_group_lives(group->pid))
		*over = group;
	return (1);
}
