/*
 * System call filters. Linux: libseccomp. Called while a process seals itself;
 * afterwards nothing here may be called but seccomp_close_network(), by the
 * planner, whose filter lets it add another.
 */
#ifndef PORTREEVE_SANDBOX_SECCOMP_H
#define PORTREEVE_SANDBOX_SECCOMP_H

#include "sandbox/profile.h"

/*
 * Install the allow-list of a sealed profile: what has no row traps, which
 * ends the process (sandbox/violation.c). NoNewPrivs must be set. 0,
 * ERR_NO_MEMORY, ERR_UNSUPPORTED with errno.
 */
int seccomp_install_profile(enum sandbox_profile profile);

/*
 * Install the LOCAL rows of a profile that starts programs, as a filter beside
 * the first. Returns as above.
 */
int seccomp_close_network(enum sandbox_profile profile);

/*
 * Install what sessions may not call, on this process and all that descend
 * from it, 32-bit programs too: EPERM. Needs CAP_SYS_ADMIN, and sets no
 * NoNewPrivs, so that setuid programs work in sessions. Level NONE installs
 * nothing. Returns as above.
 */
int seccomp_install_session(enum sandbox_session level);

#endif
