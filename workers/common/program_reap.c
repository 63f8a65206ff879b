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

bool
program_reap(
    struct program_table *t, enum reap_mode mode, struct program_run **over)
{
	struct program_run *run, *group;
	siginfo_t si = {.si_pid = 0};

	*over = NULL;
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

	if (run != NULL)
		reap_result(run, &si);
	if (mode == REAP_WHOLE_GROUP) {
		if (group != NULL && group->leader_gone &&
		    reap_group_empty(group->pid))
			*over = group;
	} else {
		*over = run;
	}
	return (true);
}

void
program_reap_failed(int32_t pid)
{
	while (waitid(P_PID, (id_t)pid, NULL, WEXITED) < 0 && errno == EINTR)
		continue;
}
