/*
 * What a program zygote runs: MSG_PROGRAM taken apart into the vectors that
 * exec wants. In the zygotes of ssh and of inetd-style programs. The message
 * comes from the monitor; the peer's address is the kernel's word. Nothing
 * that a peer sent gets in here.
 */
#ifndef PORTREEVE_WORKERS_COMMON_PROGRAM_SPEC_H
#define PORTREEVE_WORKERS_COMMON_PROGRAM_SPEC_H

#include <sys/resource.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/msg.h"
#include "ipc/state.h"

#define PROGRAM_ARGS_MAX 256
#define PROGRAM_ENV_MAX 256
#define PROGRAM_PEER_VARS 7 /* what program_environment() puts in front */
#define PROGRAM_GROUPS_MAX 256
#define PROGRAM_RLIMITS_MAX 16

struct program_spec {
	struct msg_program msg; /* owns every text below */
	char *argv[PROGRAM_ARGS_MAX + 1];
	size_t env_count;
	char *env[PROGRAM_ENV_MAX];
	uint32_t groups[PROGRAM_GROUPS_MAX];
	size_t group_count;
	struct program_rlimit rlimits[PROGRAM_RLIMITS_MAX];
	size_t rlimit_count;
	struct rlimit files; /* what the zygote raised its own from, or 0 */
};

/* Room for one connection's environment. */
struct program_env {
	char *vector[PROGRAM_PEER_VARS + PROGRAM_ENV_MAX + 1];
	char text[PROGRAM_PEER_VARS][96];
};

/*
 * Take msg over into spec (which points into itself: it must not be moved).
 * ERR_VALUE when a list is not well-formed, ERR_TOO_LONG when it has more
 * than the bounds above, or no argument at all.
 */
int program_spec_set(struct program_spec *spec, const struct msg_program *msg);

/*
 * Fill env->vector, ended by NULL. With `peer`, first what superservers tell
 * their programs of a connection: PROTO and, for TCP, REMOTE_HOST (numeric),
 * REMOTE_PORT, TCPREMOTEIP, TCPREMOTEPORT, TCPLOCALIP, TCPLOCALPORT. A program
 * that gets the listener itself (wait, or datagrams) gets only PROTO: its
 * peers are its own to ask for.
 */
void program_environment(const struct program_spec *spec, bool peer,
    const struct addr *from, const struct addr *local, struct program_env *env);

#endif
