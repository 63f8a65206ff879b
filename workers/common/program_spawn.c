/*
 * Fork and exec. In program zygotes. From the moment when it has become the
 * program's user, that user can stop the child, or end it: the zygote waits for
 * nothing that comes after it. So the child has its own memory (no vfork), and
 * what keeps it from its exec it says in a page that it shares with the zygote,
 * which reads that when the child has been waited for.
 *
 * The table of descriptors, whose length is that of the zygote's sessions, is
 * not copied: it is shared (CLONE_FILES) until the child takes a copy of the
 * low ones. For that, its first act as uid 0, the zygote does wait.
 *
 * Changing uid makes the child's memory non-dumpable, so that the program's
 * user cannot trace it before exec.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/futex.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/user.h"
#include "workers/common/program_log.h"
#include "workers/common/program_spawn.h"

#define LOOK_NS 100000000 /* so often whether a silent child is dead */

/* A child's words, by its slot. */
struct spawn_report {
	_Atomic uint32_t apart; /* 1: its descriptors are its own */
	_Atomic int32_t err;	/* errno of the step that failed */
};

static struct spawn_report *reports;

struct spawn {
	const struct program_spec *spec;
	char *const *envp;
	int connection, log;
	program_exec *exec;
	struct spawn_report *report;
};

int
program_spawn_prepare(void)
{
	void *p = mmap(NULL, SLOTS_MAX * sizeof(*reports),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return (-1);
	reports = p;
	return (0);
}

int
program_spawn_error(uint32_t slot)
{
	return (atomic_load(&reports[slot].err));
}

static int
spawn_limits(const struct program_spec *spec)
{
	if (spec->files.rlim_max != 0 &&
	    setrlimit(RLIMIT_NOFILE, &spec->files) < 0)
		return (-1);
	for (size_t i = 0; i < spec->rlimit_count; i++) {
		const struct program_rlimit *from = &spec->rlimits[i];
		struct rlimit limit = {.rlim_cur = (rlim_t)from->soft,
		    .rlim_max = (rlim_t)from->hard};

		if (setrlimit((__rlimit_resource_t)from->resource, &limit) < 0)
			return (-1);
	}
	if (spec->msg.nice != 0 &&
	    setpriority(PRIO_PROCESS, 0, spec->msg.nice) < 0)
		return (-1);
	return (0);
}

/* In the child: what the zygote waits for. */
static int
spawn_apart(const struct spawn *s)
{
	if (close_range(PROGRAM_LOG_FDS, ~0u, CLOSE_RANGE_UNSHARE) < 0)
		return (-1);
	atomic_store(&s->report->apart, 1);
	syscall(SYS_futex, &s->report->apart, FUTEX_WAKE, 1, NULL, NULL, 0);
	return (0);
}

static int
spawn_prepare(const struct spawn *s)
{
	const struct program_spec *spec = s->spec;
	sigset_t none;

	if (spawn_apart(s) < 0)
		return (-1);
	if (dup2(s->connection, 0) < 0 || dup2(s->connection, 1) < 0 ||
	    dup2(spec->msg.error_to_peer ? s->connection : s->log, 2) < 0)
		return (-1);
	if (close_range(3, ~0u, 0) < 0)
		return (-1);
	if (setsid() < 0)
		return (-1);
	umask((mode_t)spec->msg.umask);
	if (spawn_limits(spec) < 0)
		return (-1);
	if (sandbox_become_user((uid_t)spec->msg.uid, (gid_t)spec->msg.gid,
		spec->groups, spec->group_count) != 0)
		return (-1);
	sigemptyset(&none);
	return (sigprocmask(SIG_SETMASK, &none, NULL));
}

static void __attribute__((noreturn))
spawn_child(const struct spawn *s)
{
	if (spawn_prepare(s) == 0)
		s->exec(s->spec->msg.path, s->spec->argv, s->envp);
	atomic_store(&s->report->err, errno != 0 ? errno : EIO);
	_exit(127);
}

/* Ended, and to be waited for. */
static bool
spawn_is_dead(pid_t pid)
{
	siginfo_t si = {.si_pid = 0};

	return (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) <
		    0 ||
		si.si_pid != 0);
}

/* A few microseconds, unless somebody who is root ends the child first. */
static void
spawn_await_apart(const struct spawn_report *r, pid_t pid)
{
	const struct timespec look = {.tv_nsec = LOOK_NS};

	while (atomic_load(&r->apart) == 0) {
		if (syscall(SYS_futex, &r->apart, FUTEX_WAIT, 0, &look, NULL,
			0) < 0 &&
		    errno == ETIMEDOUT && spawn_is_dead(pid))
			return;
	}
}

/*
 * fork() without the C library's part, as in workers/common/spawn.c; the
 * kernel stores the child's number before the child runs.
 */
static pid_t
fork_sharing_files(int32_t *pid)
{
	return ((pid_t)syscall(SYS_clone,
	    (unsigned long)(CLONE_FILES | CLONE_PARENT_SETTID | SIGCHLD), 0ul,
	    pid, 0ul, 0ul));
}

pid_t
program_spawn(const struct program_spec *spec, char *const envp[],
    int connection, int log, program_exec *exec, uint32_t slot,
    int32_t *slot_pid)
{
	struct spawn s = {.spec = spec,
	    .envp = envp,
	    .connection = connection,
	    .log = log,
	    .exec = exec,
	    .report = &reports[slot]};
	bool listener = spec->msg.wait != 0 || spec->msg.datagram != 0;
	int off = 0, on = 1;
	pid_t pid;

	/* The master accepts programs' connections blocking, but listens not.
	 */
	if (listener && ioctl(connection, FIONBIO, &off) < 0)
		return (-1);
	/* A listener's connections have it from there. */
	if (spec->msg.keepalive)
		setsockopt(connection, SOL_SOCKET, SO_KEEPALIVE, &on,
		    sizeof(on));
	atomic_store(&s.report->apart, 0);
	atomic_store(&s.report->err, 0);
	pid = fork_sharing_files(slot_pid);
	if (pid == 0)
		spawn_child(&s);
	if (pid > 0)
		spawn_await_apart(s.report, pid);
	return (pid);
}
