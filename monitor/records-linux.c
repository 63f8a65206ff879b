/*
 * utmp and wtmp. Monitor (root). What sshd wrote about a user is copied from
 * its own record; nothing of a peer's choice is added. Any user of the host
 * can read these files, and so lock them, for as long as it likes: the C
 * library then waits 10 s for each. The monitor never waits for a user: a
 * child of its own writes.
 */
#include <sys/time.h>

#include <string.h>
#include <unistd.h>
#include <utmpx.h>

#include "lib/log.h"
#include "monitor/child.h"
#include "monitor/records.h"

static void
records_write(pid_t pid)
{
	struct utmpx *u, dead;
	struct timeval now;
	int found = 0;

	setutxent();
	while (!found && (u = getutxent()) != NULL) {
		if (u->ut_type == USER_PROCESS && u->ut_pid == pid) {
			dead = *u;
			found = 1;
		}
	}
	if (found) {
		gettimeofday(&now, NULL);
		dead.ut_type = DEAD_PROCESS;
		dead.ut_tv.tv_sec = (int32_t)now.tv_sec;
		dead.ut_tv.tv_usec = (int32_t)now.tv_usec;
		memset(dead.ut_user, 0, sizeof(dead.ut_user));
		memset(dead.ut_host, 0, sizeof(dead.ut_host));
		memset(dead.ut_addr_v6, 0, sizeof(dead.ut_addr_v6));
		setutxent();
		pututxline(&dead);
		updwtmpx("/var/log/wtmp", &dead);
	}
	endutxent();
}

void
records_close(pid_t pid)
{
	pid_t child = fork();

	if (child < 0)
		log_errno("the login record of process %d stays open",
		    (int)pid);
	if (child != 0)
		return; /* waited for with all the others */
	/* A handler of ours would write to a descriptor that is another's. */
	child_signals();
	/* Nobody is to take this copy of the channels for a living monitor. */
	if (close_range(3, ~0U, 0) == 0)
		records_write(pid);
	_exit(0);
}
