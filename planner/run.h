/* Running a helper program to its end. Planner. */
#ifndef PORTREEVE_PLANNER_RUN_H
#define PORTREEVE_PLANNER_RUN_H

#include <stddef.h>

/*
 * Run argv[0] (an absolute path) with descriptors 1 and 2 into out, at most
 * size-1 bytes of it, and a constant environment; wait for its end, at most
 * seconds long. Returns its exit status, or a negative ERR_ (ERR_NOT_FOUND
 * when it cannot be executed, ERR_REFUSED when it was killed or too slow).
 */
int run_program(
    const char *const argv[], unsigned seconds, char *out, size_t size);

#endif
