/*
 * Who is logged in through which connection. Monitor (root): asked by our PAM
 * module inside sshd's privileged half, on a root-only socket; where there is
 * no such module, reported by the log reader, as well as a log can tell.
 */
#ifndef PORTREEVE_MONITOR_LOGINS_LOGINS_H
#define PORTREEVE_MONITOR_LOGINS_LOGINS_H

#include "monitor/monitor.h"

/* Map the records of DIR/state/logins. ERR_SYSTEM or ERR_NO_MEMORY, logged. */
int logins_open(struct monitor *mon);

/* The log reader's word (MSG_LOG_LOGIN). */
void logins_from_log(struct monitor *mon, const struct msg_log_login *m);

/* Tell a new master of each login. */
void logins_tell_master(struct monitor *mon);

/* The PAM socket's path. */
void logins_socket_path(struct monitor *mon, char *buf, size_t size);

#endif
