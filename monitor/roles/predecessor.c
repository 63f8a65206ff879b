/*
 * What a daemon that was killed may leave: a role that hung, or was taken over
 * and gave up its bond to the monitor (root's zygotes could). Monitor (root).
 * The file is the monitor's own; yet a number in it may be another process's
 * by now, and is compared with the time when that began.
 */
#include <sys/syscall.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/report.h"
#include "monitor/roles/predecessor.h"
#include "lib/ptable.h"

#define ROLES_MAX 512
#define END_NS (2ull * SECOND)

struct role_record {
	int32_t pid;
	uint32_t role;
	uint64_t start; /* as struct ptable_row has it */
};

static int roles_fd = -1;

/* Whether it is there still. */
static bool
predecessor_lives(const struct role_record *r)
{
	struct ptable_row row;

	return (r->pid > 1 && r->pid != getpid() &&
		ptable_read_one(r->pid, &row) == 0 && row.start == r->start &&
		!row.zombie);
}

static void
predecessor_end(
    struct monitor *mon, const struct role_record *r, uint64_t deadline)
{
	char reason[128];
	int fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	struct pollfd end = {.fd = fd, .events = POLLIN};
	struct ptable_row row = {.pid = r->pid, .start = r->start};
	uint64_t now = time_boot_ns();

	(void)ptable_signal(&row, SIGKILL);
	if (fd >= 0 && now < deadline)
		poll(&end, 1, (int)((deadline - now) / MILLISECOND));
	fd_close(&fd);
	snprintf(reason, sizeof(reason),
	    "the %s of the previous daemon (process %d) was still running, and "
	    "was %s",
	    role_name((enum role)r->role), (int)r->pid,
	    predecessor_lives(r) ? "killed, but does not end" : "ended");
	report_warning(mon, NULL, reason);
	log_info("%s", reason);
}

int
predecessor_end_roles(struct monitor *mon)
{
	static struct role_record before[ROLES_MAX];
	uint64_t deadline = time_boot_ns() + END_NS;
	char path[PATH_MAX + 32];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/state/roles", mon->run_dir);
	roles_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (roles_fd < 0 ||
	    (n = pread(roles_fd, before, sizeof(before), 0)) < 0) {
		log_errno("cannot use %s", path);
		return (ERR_SYSTEM);
	}
	for (size_t i = 0; i < (size_t)n / sizeof(before[0]); i++) {
		if (predecessor_lives(&before[i]))
			predecessor_end(mon, &before[i], deadline);
	}
	/* Room for all from now on: the file system may be full later. */
	if (posix_fallocate(roles_fd, 0, sizeof(before)) != 0)
		log_warn("no room for %s", path);
	return (0);
}

void
predecessor_note(struct monitor *mon)
{
	static struct role_record now[ROLES_MAX];
	struct proc *p;
	size_t n = 0;

	memset(now, 0, sizeof(now));
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (n == ROLES_MAX)
			break;
		if (p->pid <= 0 || p->state == PROC_ENDED ||
		    (p->job != NULL && p->job->outlives))
			continue;
		now[n].pid = p->pid;
		now[n].role = (uint32_t)p->role;
		now[n++].start = p->pid_start;
	}
	if (roles_fd >= 0 &&
	    pwrite(roles_fd, now, sizeof(now), 0) != (ssize_t)sizeof(now))
		log_errno("the roles cannot be written down");
}
