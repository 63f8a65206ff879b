/*
 * utmp and wtmp. Monitor (root). What sshd wrote about a user is copied from
 * its own record; nothing of a peer's choice is added. Any user of the host
 * can read these files, and so lock them, for as long as it likes: the C
 * library then waits 10 s for each. The monitor never waits for a user: a
 * child of its own writes.
 */
#include <sys/time.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utmpx.h>

#include "lib/err.h"
#include "monitor/logins/records.h"
#include "monitor/report.h"
#include "monitor/roles/child.h"

/* Children at work, and whose record each closes; more are not looked at. */
#define RECORDS_PENDING 64

static struct {
	pid_t child, pid;
} records_pending[RECORDS_PENDING];

static void
records_failed(struct monitor *mon, pid_t pid)
{
	char text[160];

	snprintf(text, sizeof(text),
	    "the login record of process %d stays open in utmp, as if its user "
	    "were logged in",
	    (int)pid);
	report_warning(mon, NULL, text);
}

/* A number may be another process's record by now: the user's name decides. */
static bool
records_match(const struct utmpx *u, const struct record_of *who)
{
	return (u->ut_type == USER_PROCESS && u->ut_pid == who->pid &&
		who->user[0] != '\0' &&
		strncmp(u->ut_user, who->user, sizeof(u->ut_user)) == 0);
}

static int
records_write(const struct record_of *who)
{
	struct utmpx *u, dead;
	struct timeval now;
	int found = 0, err = 0;

	setutxent();
	errno = 0;
	while (!found && (u = getutxent()) != NULL) {
		if (records_match(u, who)) {
			dead = *u;
			found = 1;
		}
	}
	if (!found && errno != 0 && errno != ENOENT && errno != ESRCH)
		err = ERR_SYSTEM;
	if (found) {
		gettimeofday(&now, NULL);
		dead.ut_type = DEAD_PROCESS;
		dead.ut_tv.tv_sec = (int32_t)now.tv_sec;
		dead.ut_tv.tv_usec = (int32_t)now.tv_usec;
		memset(dead.ut_user, 0, sizeof(dead.ut_user));
		memset(dead.ut_host, 0, sizeof(dead.ut_host));
		memset(dead.ut_addr_v6, 0, sizeof(dead.ut_addr_v6));
		setutxent();
		err = pututxline(&dead) == NULL ? ERR_SYSTEM : 0;
		updwtmpx("/var/log/wtmp", &dead);
	}
	endutxent();
	return (err);
}

static void
records_await(pid_t child, pid_t pid)
{
	for (int i = 0; i < RECORDS_PENDING; i++) {
		if (records_pending[i].child != 0)
			continue;
		records_pending[i].child = child;
		records_pending[i].pid = pid;
		return;
	}
}

bool
records_reaped(struct monitor *mon, pid_t child, int status)
{
	for (int i = 0; i < RECORDS_PENDING; i++) {
		if (records_pending[i].child != child)
			continue;
		records_pending[i].child = 0;
		if (status != 0)
			records_failed(mon, records_pending[i].pid);
		return (true);
	}
	return (false);
}

void
records_close_all(struct monitor *mon, const struct record_of *who, size_t n)
{
	pid_t child = fork();
	int status = 0;

	if (child < 0)
		records_failed(mon, who[0].pid);
	if (child > 0)
		records_await(child, who[0].pid);
	if (child != 0)
		return; /* waited for with all the others */
	/* A handler of ours would write to a descriptor that is another's. */
	child_signals();
	/* Nobody is to take this copy of the channels for a living monitor. */
	if (close_range(3, ~0U, 0) != 0)
		_exit(1);
	for (size_t i = 0; i < n; i++)
		status = records_write(&who[i]) == 0 ? status : 1;
	_exit(status);
}

void
records_close(struct monitor *mon, pid_t pid, const char *user)
{
	struct record_of who = {.pid = pid};

	memcpy(who.user, user, strnlen(user, sizeof(who.user) - 1));
	records_close_all(mon, &who, 1);
}
