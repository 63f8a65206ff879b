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

/* execve(); given by the zygote's main, because only some folders may exec. */
typedef int program_exec(
    const char *path, char *const argv[], char *const envp[]);

/*
 * Start spec's program with `connection` as its descriptors 0 and 1 (a
 * listener is made blocking, a connection comes so) and `log` as 2, everything
 * else closed, in a session and process group of its own. The kernel stores its
 * process id in *slot_pid before it runs. Returns the process id, or -1 with
 * errno when there is no process, or 0 with errno when exec or a step before it
 * failed: then there is a child that has exited, *slot_pid, and that the caller
 * has to wait for.
 */
pid_t program_spawn(const struct program_spec *spec, char *const envp[],
    int connection, int log, program_exec *exec, int32_t *slot_pid);

#endif
