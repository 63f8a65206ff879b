/*
 * Namespaces: an empty network, and what an ordinary user may have. Linux.
 * Called while a process seals itself, with one thread.
 */
#ifndef PORTREEVE_SANDBOX_NAMESPACES_H
#define PORTREEVE_SANDBOX_NAMESPACES_H

#include <stdbool.h>

/* A network with nothing in it: lo is down. Needs CAP_SYS_ADMIN. 0, or
 * ERR_UNSUPPORTED with errno. */
int namespaces_leave_network(void);

/*
 * As an ordinary user: a user namespace in which nobody but the own uid and
 * gid exists, and, with network, an empty network as well; until
 * caps_drop_all() the process has every capability in it, and none outside. 0;
 * ERR_UNSUPPORTED with errno when the kernel does not let ordinary users, and
 * then nothing has changed; ERR_SYSTEM with errno when it stopped half way.
 */
int namespaces_enter_user(bool network);

/* The number of threads of this process; ERR_SYSTEM when /proc is missing. */
int namespaces_count_threads(void);

#endif
