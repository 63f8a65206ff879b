/*
 * The master: accepts connections, asks policy, hands them to zygotes, keeps
 * the session table and serves the control socket. Started by the monitor
 * with descriptor 3 as the channel to it; sealed before it reads anything but
 * SEAL: own uid, no capability, empty root, system call filter, Landlock. It
 * never reads a byte that a stranger sent, and never waits for anybody.
 */
#include <signal.h>

#include "master/accept.h"
#include "master/ask.h"
#include "master/control.h"
#include "master/dispatch.h"
#include "master/ending.h"
#include "master/hear.h"
#include "master/listener.h"
#include "master/lookup.h"
#include "master/penalty.h"
#include "master/refuse.h"
#include "master/report.h"
#include "master/resource.h"
#include "master/service.h"
#include "master/session.h"
#include "master/worker.h"
#include "master/workers.h"
#include "master/zygotes.h"
#include "role/role.h"

static struct master master;
static struct role_self self;

/* All that the sandbox would not let us make: the loop's own descriptors. */
static void
master_prepare(struct master *m)
{
	/* Nobody but the monitor tells the master to end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (uv_loop_init(&m->loop) != 0 ||
	    watcher_init(&m->watcher, &m->loop) != 0 ||
	    uv_poll_init(&m->loop, &m->monitor_poll, ROLE_MONITOR_FD) != 0)
		role_fail(&self, "the master's event loop cannot be made");
	ending_init(worker_drain);
	if (report_init(m) != 0 || resource_init(m) != 0 ||
	    services_init(m) != 0 || penalties_init(m) != 0 ||
	    sessions_init(m) != 0 ||
	    listener_init(m, accept_ready, ask_listener) != 0 ||
	    zygotes_init(m) != 0 || lookup_init(m) != 0 ||
	    control_init(m) != 0 || refuse_init(m) != 0 ||
	    dispatch_init(m) != 0 || workers_init(m, worker_ready) != 0)
		role_fail(&self, "out of memory or descriptors at the start of "
				 "the master");
}

int
main(int argc, char **argv)
{
	struct master *m = &master;

	(void)argc;
	role_receive(&self, ROLE_MASTER, argv);
	master_prepare(m);
	role_seal(&self);
	m->monitor = self.monitor;
	if (hear_init(m) != 0)
		role_fail(&self, "cannot read from the monitor");
	uv_run(&m->loop, UV_RUN_DEFAULT);
	return (0);
}
