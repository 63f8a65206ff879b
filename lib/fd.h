/*
 * Descriptors: the few things that every process does with them, EINTR and
 * short writes handled. Any process.
 */
#ifndef PORTREEVE_LIB_FD_H
#define PORTREEVE_LIB_FD_H

#include <stddef.h>
#include <stdint.h>

/* Close *fd unless it is -1, and set it to -1. errno is kept. */
void fd_close(int *fd);

int fd_set_nonblock(int fd, int on);
int fd_set_cloexec(int fd, int on);

/* All n bytes, or ERR_SYSTEM with errno. For blocking descriptors. */
int fd_write_all(int fd, const void *buf, size_t n);

/*
 * A SOCK_SEQPACKET pair, close-on-exec. ERR_SYSTEM with errno, and both -1,
 * when it cannot be had.
 */
int fd_seqpacket_pair(int pair[2]);

/* Nanoseconds of CLOCK_BOOTTIME (all windows and durations) and of the wall. */
uint64_t time_boot_ns(void);
uint64_t time_wall_ns(void);

/*
 * Let ms milliseconds pass, at the most: a signal may end it. For who must not
 * try again at once, poll(2) included, whose call it does not use.
 */
void time_rest(unsigned ms);

#endif
