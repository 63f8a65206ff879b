/*
 * Between fork and exec. The monitor's child (root), with nothing done yet
 * but the fork; what fails ends it.
 */
#include <sys/resource.h>

#include <signal.h>
#include <unistd.h>

#include "lib/fd.h"
#include "monitor/roles/child.h"

void
child_place(int fd, int to)
{
	if (fd == to) {
		if (fd_set_cloexec(fd, 0) < 0)
			_exit(127);
	} else if (dup2(fd, to) < 0) {
		_exit(127);
	}
}

void
child_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static struct rlimit files_before;
static int files_raised;

void
child_files_raise(void)
{
	struct rlimit all;

	if (getrlimit(RLIMIT_NOFILE, &files_before) < 0)
		return;
	all = files_before;
	all.rlim_cur = all.rlim_max;
	files_raised = setrlimit(RLIMIT_NOFILE, &all) == 0;
}

void
child_files_restore(void)
{
	struct rlimit now, want = files_before;

	if (!files_raised || getrlimit(RLIMIT_NOFILE, &now) < 0)
		return;
	/* Somebody may have lowered it for good in the meantime (prlimit(1)).
	 */
	if (want.rlim_max > now.rlim_max)
		want.rlim_max = now.rlim_max;
	if (want.rlim_cur > want.rlim_max)
		want.rlim_cur = want.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &want) < 0)
		_exit(127);
}
