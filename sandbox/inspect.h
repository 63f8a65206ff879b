/*
 * A role's sandbox seen from outside, from /proc: what the role says of itself
 * proves nothing. Run by the monitor once a role has said READY, and by tests.
 * Distrusts the role, not the kernel.
 */
#ifndef PORTREEVE_SANDBOX_INSPECT_H
#define PORTREEVE_SANDBOX_INSPECT_H

#include <sys/types.h>

#include "sandbox/sandbox.h"

/*
 * Whether process pid is sealed as profile and params say: uids, gids, groups,
 * the five capability sets, NoNewPrivs, Seccomp, threads, network namespace
 * and root. userns: the role says (READY) that it has a user namespace of its
 * own, heard only at level rootless. What an ordinary user cannot see of a
 * process (root, namespaces) is not compared at that level. The caller is the
 * process that started it: what a role keeps is compared with the caller's
 * own. 0; ERR_REFUSED with a sentence in why; ERR_NOT_FOUND when there is no
 * such process.
 */
int sandbox_inspect(pid_t pid, enum sandbox_profile profile,
    const struct sandbox_params *params, bool userns, char *why, size_t size);

#endif
