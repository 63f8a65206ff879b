/*
 * The zygote of a service whose connections are programs: sshd, or what an
 * inetd-style `service` names. Clones and execs one program for each START of
 * the master, tells ENDED when its connection is over, and keeps the slot
 * table. Holds what its programs need (ssh: uid 0; exec: the capabilities to
 * become the program's user), reads only the monitor's and the master's typed
 * messages, and never a byte of a stranger's.
 */
#ifndef PORTREEVE_WORKERS_COMMON_PROGRAM_H
#define PORTREEVE_WORKERS_COMMON_PROGRAM_H

#include <stdbool.h>

#include "workers/common/program_spawn.h"
#include "role/role.h"

struct program_ops {
	program_exec *exec;
	/*
	 * When a connection is over: with the last process of its group (ssh),
	 * or with its leader (exec), when the rest of the group is killed
	 * unless the statement `detach` is there.
	 */
	bool whole_group;
	bool peer_environment; /* tell programs their peer's address */
};

/*
 * Before role_seal(): everything that sealing makes impossible later, and the
 * process's own traits (subreaper, SIGCHLD). Exits when it fails.
 */
void program_zygote_prepare(struct role_self *s, const struct program_ops *ops);

/*
 * After role_seal(): serve until the monitor says STOP and the last program
 * has ended (returns 0), or the monitor is gone or breaks the catalogue
 * (returns 1; the programs go on).
 */
int program_zygote_serve(struct role_self *s);

#endif
