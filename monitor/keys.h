/*
 * The statement log-key-changes: readers of users' keys are started, and what
 * they find is told to audit. Monitor (root), which opens no file of a user's
 * and waits for no reader: each is a process of its own with that user's uid
 * and a deadline, a few at a time.
 */
#ifndef PORTREEVE_MONITOR_KEYS_H
#define PORTREEVE_MONITOR_KEYS_H

#include "monitor/monitor.h"

/*
 * Have that user's keys looked at, soon: at a login and a logout by ssh.
 * Nothing, where no statement asks for it.
 */
void keys_look(struct monitor *mon, const char *user);

/* The same for every user whose keys were looked at before; at a reload. */
void keys_look_all(struct monitor *mon);

#endif
