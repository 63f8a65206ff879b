/*
 * What a sanitizer's run-time has to know of a sealed process. Nothing in
 * other builds.
 */
#ifndef PORTREEVE_SANDBOX_SANITIZER_H
#define PORTREEVE_SANDBOX_SANITIZER_H

/*
 * This process is sealed: no search for leaks at its end, which takes ptrace,
 * a thread and /proc. Leaks are searched for in everything that is not sealed,
 * the unit tests foremost; memory errors are found everywhere.
 */
void sanitizer_note_sealed(void);

#endif
