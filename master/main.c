/*
 * The master: accepts connections, asks policy, hands them to zygotes, keeps
 * the session table and serves the control socket. Started by the monitor
 * with descriptor 3 as the channel to it; sealed before it reads anything but
 * SEAL: own uid, no capability, empty root, system call filter, Landlock. It
 * never reads a byte that a stranger sent, and never waits for anybody.
 */
#include <sys/prctl.h>

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "master/control.h"
#include "master/dispatch.h"
#include "master/listener.h"
#include "master/lookup.h"
#include "master/monitor.h"
#include "master/refuse.h"
#include "master/report.h"
#include "master/resource.h"
#include "master/service.h"
#include "master/session.h"
#include "master/worker.h"
#include "master/zygote.h"
#include "sandbox/sandbox.h"

#define MONITOR_FD 3

static struct master master;

/* Tell the monitor why, and end. */
static void master_fail(struct master *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

static void
master_fail(struct master *m, const char *fmt, ...)
{
	struct msg_failed failed = {.end_ = 0};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(failed.reason, sizeof(failed.reason), fmt, ap);
	va_end(ap);
	(void)ipc_send(&m->monitor, MSG_FAILED, &failed, NULL, 0);
	die("%s", failed.reason);
}

static void
master_receive_seal(struct master *m, struct msg_seal *seal)
{
	struct ipc_in in;
	int err;

	ipc_channel_init(
	    &m->monitor, MONITOR_FD, ROLE_MASTER, ROLE_MONITOR, ST_NEW);
	err = ipc_recv(&m->monitor, &in);
	if (err == ERR_SYSTEM)
		die("descriptor %d is not a channel to the monitor: this "
		    "program is started by portreeved alone",
		    MONITOR_FD);
	if (err != 0)
		die("no SEAL from the monitor: %s", err_text(err));
	*seal = in.msg.seal;
	log_set_verbose(seal->verbose);
	ipc_in_close(&in);
}

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
	    uv_poll_init(&m->loop, &m->monitor_poll, MONITOR_FD) != 0)
		master_fail(m, "the master's event loop cannot be made");
	if (report_init(m) != 0 || resource_init(m) != 0 ||
	    services_init(m) != 0 || sessions_init(m) != 0 ||
	    listener_init(m) != 0 || zygotes_init(m) != 0 ||
	    lookup_init(m) != 0 || control_init(m) != 0 ||
	    refuse_init(m) != 0 || dispatch_init(m) != 0 || worker_init(m) != 0)
		master_fail(m, "out of memory or descriptors at the start of "
			       "the master");
}

static void
master_seal(struct master *m, const struct msg_seal *seal)
{
	struct sandbox_params params = {
	    .level = (enum sandbox_level)seal->level,
	    .uid = seal->uid,
	    .gid = seal->gid,
	    .root = seal->root[0] == '\0' ? NULL : seal->root,
	    .parent = seal->parent,
	};
	struct sandbox_report report;
	struct msg_ready ready = {.end_ = 0};
	int err;

	if (seal->profile != SANDBOX_MASTER)
		master_fail(
		    m, "sandbox profile %u is not the master's", seal->profile);
	err = sandbox_seal(SANDBOX_MASTER, &params, &report);
	if (err != 0)
		master_fail(m, "%s",
		    report.error[0] != '\0' ? report.error : err_text(err));
	if (report.weaker[0] != '\0')
		log_info("%s", report.weaker);
	ready.landlock = (uint8_t)report.landlock_abi;
	ready.user_namespace = report.userns;
	err = ipc_send_wait(&m->monitor, MSG_READY, &ready, NULL, 0);
	if (err != 0)
		die("the monitor is gone: %s", err_text(err));
}

int
main(int argc, char **argv)
{
	struct master *m = &master;
	struct msg_seal seal;

	(void)argc;
	if (argv[0] != NULL)
		log_set_name(argv[0]);
	prctl(PR_SET_NAME, "portreeve");
	master_receive_seal(m, &seal);
	master_prepare(m);
	master_seal(m, &seal);
	if (monitor_init(m) != 0)
		master_fail(m, "the monitor cannot be heard");
	uv_run(&m->loop, UV_RUN_DEFAULT);
	return (0);
}
