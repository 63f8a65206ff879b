/*
 * Between fork and exec. The monitor's child (root), with nothing done yet
 * but the fork; what fails ends it.
 */
#include <signal.h>
#include <unistd.h>

#include "lib/fd.h"
#include "monitor/child.h"

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
