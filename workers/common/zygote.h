/*
 * The zygote of a built-in service (finger; telnet and ftp alike): sealed once,
 * then one worker forked for each connection on the master's order, and a few
 * ahead of time while idle. Runs as the service's own user in an empty root;
 * reads the monitor's and the master's messages, never a stranger's byte: the
 * connection's descriptor passes through unread. Holds no secret, since every
 * worker begins as its copy. Forks no more once a worker died by a signal.
 */
#ifndef PORTREEVE_WORKERS_ZYGOTE_H
#define PORTREEVE_WORKERS_ZYGOTE_H

#include "ipc/channel.h"
#include "role/role.h"
#include "workers/common/worker.h"

struct zygote_ops {
	/* Before sealing: read what the filter forbids later. May be NULL. */
	void (*prepare)(void);
	/*
	 * A message of the monitor's that is the service's own. 0, or
	 * ERR_TYPE when it is none, which ends the zygote. May be NULL.
	 */
	int (*option)(const struct ipc_in *in);
	/*
	 * In the worker: serve this one peer; the return is the exit status.
	 * STATS and the end of the process are the engine's.
	 */
	int (*serve)(struct worker *w);
};

/* Start, seal and serve; for main(). Returns the exit status. */
int zygote_run(const struct zygote_ops *ops, char **argv);

/*
 * The same from behind READY on, for tests: s->monitor is a channel in
 * ST_UP. zygote_open() makes what the filter forbids later; 0 or ERR_SYSTEM.
 */
int zygote_open(const struct zygote_ops *ops);
int zygote_serve(struct role_self *s);

#endif
