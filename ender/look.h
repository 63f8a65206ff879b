/*
 * Looks at the processes that are to end: stops each and finds more. Ender.
 */
#ifndef PORTREEVE_ENDER_LOOK_H
#define PORTREEVE_ENDER_LOOK_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

struct look {
	bool all;	 /* those of END_LAST as well */
	bool last;	 /* who moves still is not waited for */
	bool fresh;	 /* out: somebody new was found */
	bool moving;	 /* out: somebody has not stopped yet */
	int err;	 /* out: some may have been missed */
	pid_t parent;	 /* whose children are being told */
	uint32_t leader; /* and where that belongs to */
};

/* Whoever loses its parent may become this one's. 0 or ERR_NO_MEMORY. */
int look_add_reaper(pid_t reaper);

/* Look through all processes from now on. */
void look_scan(void);
bool look_scans(void);

/* Look through the reapers' children too, from now on. */
void look_for_orphans(void);

/*
 * How many looks in a row must find nobody before nobody is left: the kernel's
 * list of a reaper's children skips one when another ends while it is read.
 */
unsigned look_needed(void);

void look_at_everybody(struct look *l);

#endif
