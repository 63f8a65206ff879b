/*
 * A worker's copy of its zygote, made small: what a fork need not copy, and
 * what no worker needs. A worker lives for less time than the kernel takes to
 * copy, fault in and drop what it has, so each page and mapping counts; and
 * what is not there cannot be used by who takes a worker over. Runs in the
 * zygote before it is sealed; believes only its own program file. One file a
 * system: lean-linux.c.
 */
#ifndef PORTREEVE_WORKERS_LEAN_H
#define PORTREEVE_WORKERS_LEAN_H

/* Once, in a process of one thread. What the system does not let it, it does
 * without. */
void lean_begin(void);

#endif
