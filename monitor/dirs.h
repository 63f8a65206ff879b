/* The run-time and lasting state folders. Monitor (root). */
#ifndef PORTREEVE_MONITOR_DIRS_H
#define PORTREEVE_MONITOR_DIRS_H

#include "monitor/monitor.h"

/* Where they are, from the command line or by default: 0, or an ERR_ with a
 * sentence. */
int dirs_choose(struct monitor *mon, const char *run_dir, const char *state_dir,
    char *reason, size_t size);

/* The same, and made if missing, owned
 * by us and writable by nobody else. 0, or an ERR_ with a sentence. */
int dirs_make(struct monitor *mon, const char *run_dir, const char *state_dir,
    char *reason, size_t size);

/* Take DIR/lock, so that no second daemon uses DIR. */
int dirs_lock(struct monitor *mon, char *reason, size_t size);

/* The control socket, the master's memory, the developers' log. */
int dirs_open_files(struct monitor *mon, char *reason, size_t size);

/* At the end: remove the sockets. */
void dirs_remove_sockets(struct monitor *mon);

/* Where the roles' programs are. */
int dirs_find_libexec(struct monitor *mon, char *reason, size_t size);

#endif
