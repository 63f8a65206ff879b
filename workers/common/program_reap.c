/*
 * waitid() for program zygotes. Each ended child is looked at first (WNOWAIT),
 * because a zombie still holds its process group's number: only then may the
 * group be looked up or killed. kill(-pgid, 0) would be no proof that a group
 * is empty; that waitid(P_PGID) finds no child is, as every orphan of the
 * group is ours.
 */
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "ipc/state.h"
#include "workers/common/program_reap.h"

static void
reap_result(struct program_run *run, const siginfo_t *si)
{
	run->leader_gone = true;
	run->how = si->si_code == CLD_EXITED ? ENDED_EXITED : ENDED_SIGNAL;
	run->value = (uint8_t)si->si_status;
}

static bool
reap_group_empty(int32_t pgid)
{
	siginfo_t si;

	return (
	    waitid(P_PGID, (id_t)pgid, &si, WEXITED | WNOHANG | WNOWAIT) < 0 &&
	    errno == ECHILD);
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

/* One that was killed for its leader's end. */
static void
reap_count(struct program_run *group, const siginfo_t *si)
{
	if (si->si_code == CLD_KILLED && si->si_status == SIGKILL)
		group->killed++;
}

static bool
reap_is_over(struct program_run *group, enum reap_mode mode)
{
	if (group == NULL || !group->leader_gone)
		return (false);
	return (mode == REAP_WHOLE_GROUP ? reap_group_empty(group->pid)
					 : !reap_group_lives(group->pid));
}

bool
program_reap(struct program_table *t, enum reap_mode mode,
    struct program_run **ended, struct program_run **over)
{
	struct program_run *run, *group;
	siginfo_t si = {.si_pid = 0};

	*ended = *over = NULL;
	if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    si.si_pid == 0)
		return (false);
	run = group = program_table_find(t, si.si_pid);
	if (run == NULL)
		group = program_table_find(t, getpgid(si.si_pid));
	else if (mode != REAP_LEADER_ONLY)
		kill(-run->pid, SIGKILL);
	if (waitid(P_PID, (id_t)si.si_pid, &si, WEXITED | WNOHANG) < 0)
		return (false);

	*ended = run;
	if (run != NULL)
		reap_result(run, &si);
	else if (group != NULL && group->leader_gone)
		reap_count(group, &si);
	if (mode == REAP_LEADER_ONLY)
		*over = run;
	else if (reap_is_over(group, mode))
		*over = group;
	return (true);
}
