/* What the monitor and the reader of keys agree on besides their messages. */
#ifndef PORTREEVE_IPC_KEYS_H
#define PORTREEVE_IPC_KEYS_H

/* The reader's exit status where the host has no such user. */
#define KEYS_EXIT_NOBODY 3

#endif
