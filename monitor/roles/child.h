/* What every child of the monitor's does before it execs. */
#ifndef PORTREEVE_MONITOR_ROLES_CHILD_H
#define PORTREEVE_MONITOR_ROLES_CHILD_H

/* Put fd at descriptor number `to` and keep it over the exec; or exit. */
void child_place(int fd, int to);

/* Signals as a program expects them. */
void child_signals(void);

/*
 * The monitor holds some descriptors for each service and one for each adopted
 * session: it takes as many as it may have. Whom it starts, and so a login,
 * has the limit that the daemon was started with; call it last before exec.
 */
void child_files_raise(void);
void child_files_restore(void);

#endif
