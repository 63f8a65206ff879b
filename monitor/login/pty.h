/*
 * The user's terminal: a pseudo-terminal pair. Login process, root. The name
 * and the sizes in it are the kernel's and the catalogue's, none the peer's.
 */
#ifndef PORTREEVE_MONITOR_LOGIN_PTY_H
#define PORTREEVE_MONITOR_LOGIN_PTY_H

#include <sys/types.h>

#include <stdbool.h>

struct pty {
	int master, slave; /* -1: closed */
	char path[40];	   /* /dev/pts/3 */
	const char *line;  /* pts/3, in path */
};

/*
 * Make a pair; rows and columns 0 leave the size unknown. 0 or ERR_SYSTEM with
 * errno, and then nothing is open.
 */
int pty_open(struct pty *pty, unsigned rows, unsigned columns);

/* The terminal becomes the user's: 0620, group tty, as login(1) leaves it. */
int pty_give(struct pty *pty, uid_t uid, gid_t gid);

void pty_close(struct pty *pty);

#endif
