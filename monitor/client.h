/* What clients of the control socket wish. Monitor (root). */
#ifndef PORTREEVE_MONITOR_CLIENT_H
#define PORTREEVE_MONITOR_CLIENT_H

#include "monitor/monitor.h"

/*
 * A client's wish (ASK_CLEAR, ASK_RELOAD, ASK_CONFIGURATION). Its connection
 * came along, and on it the wish itself, unread by the master.
 */
void client_ask(struct monitor *mon, struct proc *master, struct ipc_in *in);

/* A client whose uid the master cannot see: it asks us, before it answers. */
void client_judge(struct monitor *mon, struct ipc_in *in);

#endif
