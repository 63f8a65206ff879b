/*
 * Clone and exec. In program zygotes, one child at a time: the child borrows
 * the zygote's memory (CLONE_VM) and the zygote stands still until it has
 * exec'd or exited (CLONE_VFORK), so that a failed exec tells its errno without
 * a pipe, and no page table is copied. Nor is the table of descriptors, whose
 * length is that of the zygote's sessions: it is shared (CLONE_FILES) until the
 * child takes a copy of the low ones, its first act. It runs on a stack of its
 * own and touches nothing but its own variables. Changing uid makes the shared memory
 * non-dumpable, so that the program's user cannot trace the child before exec.
 */
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/user.h"
#include "workers/common/program_log.h"
#include "workers/common/program_spawn.h"

#define SPAWN_STACK 65536

struct spawn {
	const struct program_spec *spec;
	char *const *envp;
	int connection, log;
	program_exec *exec;
	volatile int err; /* errno of the step that failed */
};

/*
 * The child leaves its frames on this stack without returning from them, and
 * the next one uses it again: AddressSanitizer would take them for alive.
 */
#define ON_SPAWN_STACK __attribute__((no_sanitize("address")))

static char spawn_stack[SPAWN_STACK] __attribute__((aligned(64)));

ON_SPAWN_STACK static int
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

ON_SPAWN_STACK static int
spawn_prepare(const struct spawn *s)
{
	const struct program_spec *spec = s->spec;
	sigset_t none;

	if (close_range(PROGRAM_LOG_FDS, ~0u, CLOSE_RANGE_UNSHARE) < 0)
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

ON_SPAWN_STACK static int
spawn_child(void *arg)
{
	struct spawn *s = arg;

	if (spawn_prepare(s) == 0)
		s->exec(s->spec->msg.path, s->spec->argv, s->envp);
	s->err = errno;
	_exit(127);
}

pid_t
program_spawn(const struct program_spec *spec, char *const envp[],
    int connection, int log, program_exec *exec, int32_t *slot_pid)
{
	struct spawn s = {.spec = spec,
	    .envp = envp,
	    .connection = connection,
	    .log = log,
	    .exec = exec,
	    .err = 0};
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
	pid = clone(spawn_child, spawn_stack + sizeof(spawn_stack),
	    CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PARENT_SETTID |
		SIGCHLD,
	    &s, slot_pid);
	if (pid < 0)
		return (-1);
	if (s.err != 0) {
		errno = s.err;
		return (0);
	}
	return (pid);
}
