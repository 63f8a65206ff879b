/*
 * Files, TCP ports and foreign processes out of reach, by Landlock. Linux; by
 * system call. Called while a process seals itself.
 */
#ifndef PORTREEVE_SANDBOX_LANDLOCK_H
#define PORTREEVE_SANDBOX_LANDLOCK_H

#include "sandbox/profile.h"
#include "sandbox/sandbox.h"

/* Below this level, renaming and linking escape (no LANDLOCK_ACCESS_FS_REFER).
 */
#define LANDLOCK_ABI_LEAST 2

/* The kernel's level; 0 where it has none or it is turned off. */
int landlock_get_abi(void);

/*
 * Deny every right that level abi knows, but for what the profile names: to
 * read (files), to execute them and to write below the paths of params
 * (programs), to reach TCP port 53, those of params, or to connect at all
 * (network). NoNewPrivs
 * must be set. 0, ERR_SYSTEM with errno.
 */
int landlock_restrict(const struct profile *profile, int abi,
    const struct sandbox_params *params);

#endif
