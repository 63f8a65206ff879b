/*
 * Clone and exec. In program zygotes. From the moment when it has become the
 * program's user, that user can stop the child, or end it: the zygote waits for
 * nothing that comes after it. Until then it waits; so the child may borrow the
 * zygote's memory (CLONE_VM), and no page table is copied, and its table of
 * descriptors (CLONE_FILES), whose length is that of the zygote's sessions,
 * until it takes a copy of the low ones, its first act.
 *
 * From then on both run in one memory. The child has a stack of its own, with
 * all that it reads, which is free again when the kernel says that the child
 * has left this memory (CLONE_CHILD_CLEARTID). What it does there are two
 * system calls, by sandbox/raw.h: errno is the zygote's. Changing uid
 * makes the memory non-dumpable, so that the program's user cannot trace the
 * child before exec.
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
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/raw.h"
#include "sandbox/user.h"
#include "workers/common/program_log.h"
#include "workers/common/program_spawn.h"

#define LOOK_NS 100000000 /* so often whether a silent child is dead */
#define STACK_SIZE 16384
#define LOOKS 8 /* at stacks, before another is made */

struct spawn {
	const struct program_spec *spec;
	int connection, log;
	program_exec *exec;
	_Atomic int32_t *failure;
};

/* What a child runs on, and reads, until its exec. */
struct program_room {
	_Alignas(64) char stack[STACK_SIZE];
	struct program_env env;
	struct spawn spawn;
	_Atomic uint32_t ready; /* 1: it has done what is waited for */
	_Atomic int32_t child;	/* 0: it is not in this memory any more */
	struct program_room *next;
};

/*
 * The child leaves its frames on its stack without returning from them, and
 * the next one uses it again: AddressSanitizer would take them for alive.
 */
#define ON_SPAWN_STACK __attribute__((no_sanitize("address")))

/* A ring: the one that was used last is looked at last. */
static struct program_room *rooms;

/* By the child's slot: the step that failed, above STEP_SHIFT, and its errno.
 */
static _Atomic int32_t *failures;

#define STEP_SHIFT 16

int
program_spawn_prepare(void)
{
	void *p =
	    mmap(NULL, SLOTS_MAX * sizeof(*failures), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return (-1);
	failures = p;
	return (0);
}

/*
 * Stopped children keep theirs; so there are a few more than there ever were
 * such at a time.
 */
struct program_room *
program_spawn_room(void)
{
	struct program_room *r;

	for (int i = 0; rooms != NULL && i < LOOKS; i++) {
		rooms = rooms->next;
		if (atomic_load(&rooms->child) == 0)
			return (rooms);
	}
	r = aligned_alloc(64, (sizeof(*r) + 63) / 64 * 64);
	if (r == NULL)
		return (NULL);
	memset(&r->env, 0, sizeof(*r) - offsetof(struct program_room, env));
	r->next = rooms != NULL ? rooms->next : r;
	if (rooms != NULL)
		rooms->next = r;
	rooms = r;
	return (r);
}

struct program_env *
program_spawn_env(struct program_room *r)
{
	return (&r->env);
}

struct program_failure
program_spawn_failure(uint32_t slot)
{
	int32_t value = atomic_load(&failures[slot]);
	struct program_failure f = {.step = (enum step)(value >> STEP_SHIFT),
	    .error = value & ((1 << STEP_SHIFT) - 1)};

	return (f);
}

/* The step that failed, with errno; STEP_NONE. */
ON_SPAWN_STACK static enum step
spawn_limits(const struct program_spec *spec)
{
	if (spec->files.rlim_max != 0 &&
	    setrlimit(RLIMIT_NOFILE, &spec->files) < 0)
		return (STEP_SETRLIMIT);
	for (size_t i = 0; i < spec->rlimit_count; i++) {
		const struct program_rlimit *from = &spec->rlimits[i];
		struct rlimit limit = {.rlim_cur = (rlim_t)from->soft,
		    .rlim_max = (rlim_t)from->hard};

		if (setrlimit((__rlimit_resource_t)from->resource, &limit) < 0)
			return (STEP_SETRLIMIT);
	}
	if (spec->msg.nice != 0 &&
	    setpriority(PRIO_PROCESS, 0, spec->msg.nice) < 0)
		return (STEP_SETPRIORITY);
	return (STEP_NONE);
}

/* All that needs uid 0, or takes the child apart from the zygote. */
ON_SPAWN_STACK static enum step
spawn_prepare(const struct spawn *s)
{
	const struct program_spec *spec = s->spec;
	enum step step;
	sigset_t none;

	if (close_range(PROGRAM_LOG_FDS, ~0u, CLOSE_RANGE_UNSHARE) < 0 ||
	    dup2(s->connection, 0) < 0 || dup2(s->connection, 1) < 0 ||
	    dup2(spec->msg.error_to_peer ? s->connection : s->log, 2) < 0 ||
	    close_range(3, ~0u, 0) < 0)
		return (STEP_DESCRIPTORS);
	if (setsid() < 0)
		return (STEP_SETSID);
	umask((mode_t)spec->msg.umask);
	step = spawn_limits(spec);
	if (step != STEP_NONE)
		return (step);
	if (sandbox_take_groups((uid_t)spec->msg.uid, (gid_t)spec->msg.gid,
		spec->groups, spec->group_count) != 0)
		return (STEP_SETGROUPS);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return (STEP_SIGPROCMASK);
	return (STEP_NONE);
}

/* error 0: not known. */
ON_SPAWN_STACK static void
spawn_fail(_Atomic int32_t *failure, enum step step, int error)
{
	atomic_store(
	    failure, (int32_t)step << STEP_SHIFT | (error > 0 ? error : EIO));
}

ON_SPAWN_STACK static void
spawn_say_ready(struct program_room *r)
{
	atomic_store(&r->ready, 1);
	raw_syscall3(SYS_futex, (long)&r->ready, FUTEX_WAKE, 1);
}

ON_SPAWN_STACK static int
spawn_child(void *arg)
{
	struct program_room *r = arg;
	struct spawn *s = &r->spawn;
	enum step step = spawn_prepare(s);
	int err;

	if (step != STEP_NONE) {
		spawn_fail(s->failure, step, errno);
		spawn_say_ready(r);
		_exit(127);
	}
	spawn_say_ready(r);
	/* The zygote goes on. */
	step = STEP_SETUID;
	err = sandbox_become_uid((uid_t)s->spec->msg.uid);
	if (err == 0) {
		step = STEP_EXEC;
		err = s->exec(s->spec->msg.path, s->spec->argv, r->env.vector);
	}
	spawn_fail(s->failure, step, -err);
	_exit(127);
}

/* Ended, and to be waited for. */
static bool
spawn_is_dead(pid_t pid)
{
	siginfo_t si = {.si_pid = 0};

	if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
		return (errno == ECHILD);
	return (si.si_pid != 0);
}

/* A few microseconds, unless somebody who is root ends the child first. */
static void
spawn_await_ready(const struct program_room *r, pid_t pid)
{
	const struct timespec look = {.tv_nsec = LOOK_NS};

	while (atomic_load(&r->ready) == 0) {
		if (syscall(SYS_futex, &r->ready, FUTEX_WAIT, 0, &look, NULL,
			0) < 0 &&
		    errno == ETIMEDOUT && spawn_is_dead(pid))
			return;
	}
}

pid_t
program_spawn(struct program_room *r, const struct program_spec *spec,
    int connection, int log, program_exec *exec, uint32_t slot,
    int32_t *slot_pid)
{
	bool listener = spec->msg.wait != 0 || spec->msg.datagram != 0;
	int off = 0, on = 1;
	pid_t pid;

	/* The master accepts programs' connections blocking, but listens not.
	 */
	atomic_store(&failures[slot], 0);
	if (listener && ioctl(connection, FIONBIO, &off) < 0) {
		spawn_fail(&failures[slot], STEP_DESCRIPTORS, errno);
		return (-1);
	}
	/* A listener's connections have it from there. */
	if (spec->msg.keepalive)
		setsockopt(
		    connection, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	r->spawn = (struct spawn){.spec = spec,
	    .connection = connection,
	    .log = log,
	    .exec = exec,
	    .failure = &failures[slot]};
	atomic_store(&r->ready, 0);
	atomic_store(&r->child, 1);
	pid = clone(spawn_child, r->stack + sizeof(r->stack),
	    CLONE_VM | CLONE_FILES | CLONE_PARENT_SETTID |
		CLONE_CHILD_CLEARTID | SIGCHLD,
	    r, slot_pid, NULL, &r->child);
	if (pid < 0) {
		spawn_fail(&failures[slot], STEP_FORK, errno);
		atomic_store(&r->child, 0);
		return (-1);
	}
	spawn_await_ready(r, pid);
	return (pid);
}
