/*
 * One program for one connection: clone, become its user, exec. In program
 * zygotes. The child holds the zygote's privileges until it has become the
 * program's user; it reads nothing of the peer's. Never returns to the zygote's
 * code in the child, never runs a shell.
 */
#ifndef PORTREEVE_WORKERS_COMMON_PROGRAM_SPAWN_H
#define PORTREEVE_WORKERS_COMMON_PROGRAM_SPAWN_H

#include <sys/types.h>

#include "ipc/state.h"
#include "workers/common/program_spec.h"

/*
 * execve() by sandbox/raw.h; given by the zygote's main, because only some
 * folders may exec. Returns a negative errno, and touches errno never.
 */
typedef int program_exec(
    const char *path, char *const argv[], char *const envp[]);

/* What one child needs until its exec. */
struct program_room;

/* Once, before the zygote is sealed: -1 with errno. */
int program_spawn_prepare(void);

/* A room for the next child, or NULL: out of memory; its environment. */
struct program_room *program_spawn_room(void);
struct program_env *program_spawn_env(struct program_room *r);

/*
 * Start spec's program, with r's environment and with `connection` as its
 * descriptors 0 and 1 (a listener is made blocking, a connection comes so) and
 * `log` as 2, everything else closed, in a session and process group of its
 * own. The kernel stores its process id in *slot_pid before it runs. Returns
 * the process id, or -1 when there is no process. It does not wait for the
 * exec.
 */
pid_t program_spawn(struct program_room *r, const struct program_spec *spec,
    int connection, int log, program_exec *exec, uint32_t slot,
    int32_t *slot_pid);

/* What failed, and its errno; 0 when nothing did. */
struct program_failure {
	enum step step;
	int error;
};

/*
 * Why the program of a child that has been waited for, or that could not be
 * made, has not run.
 */
struct program_failure program_spawn_failure(uint32_t slot);

#endif
