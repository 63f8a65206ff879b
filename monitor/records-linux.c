/*
 * utmp and wtmp. Monitor (root). What sshd wrote about a user is copied from
 * its own record; nothing of a peer's choice is added.
 */
#include <sys/time.h>

#include <string.h>
#include <utmpx.h>

#include "monitor/records.h"

void
records_close(pid_t pid)
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
