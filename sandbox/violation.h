/*
 * What happens at a system call that no row allows. Installed while a process
 * seals itself, before its filter.
 */
#ifndef PORTREEVE_SANDBOX_VIOLATION_H
#define PORTREEVE_SANDBOX_VIOLATION_H

/* The handler of SIGSYS. 0, or ERR_SYSTEM with errno. */
int violation_install_handler(void);

#endif
