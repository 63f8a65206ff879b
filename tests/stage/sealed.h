/*
 * For the tests of sandbox/: run a function in a child that sealed itself, and
 * tell how it ended. As root the profiles are tried in full, as an ordinary
 * user at the level rootless.
 */
#ifndef PORTREEVE_TESTS_STAGE_SEALED_H
#define PORTREEVE_TESTS_STAGE_SEALED_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "sandbox/profile.h"
#include "sandbox/sandbox.h"

/* In no account's range and no distribution's. */
#define SEALED_UID 2113929217u
#define SEALED_GID 2113929218u

/* The child's status when it could not be sealed. */
#define SEALED_FAILED 99

struct outcome {
	int signal;	/* that ended it; 0 */
	int status;	/* that it exited with; -1 */
	int32_t number; /* of its violation's message; -1 for none */
};

/* The empty root, and where the children's violations are logged. */
extern char sealed_root[64];
extern int sealed_quiet;

int sealed_setup(void **state);
int sealed_teardown(void **state);
bool sealed_as_root(void);
struct sandbox_params sealed_params(enum sandbox_profile id);

/* In the child: seal, or say why not and end. */
void sealed_or_exit(enum sandbox_profile id,
    const struct sandbox_params *params, struct sandbox_report *report);
struct outcome sealed_wait(pid_t pid, int channel);

/* act's value is the child's exit status. */
struct outcome sealed_run_with(enum sandbox_profile id,
    const struct sandbox_params *params, int (*act)(const void *),
    const void *arg);
struct outcome sealed_run(
    enum sandbox_profile id, int (*act)(const void *), const void *arg);

#endif
