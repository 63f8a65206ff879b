/*
 * How every role starts: channel, SEAL, sandbox, READY; and what the monitor
 * asks all of them. Privileged until sandbox_seal() returns; reads the
 * monitor's channel and argv[0], which the monitor wrote, and nothing else.
 * Never goes on unsealed.
 */
#include <sys/prctl.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "role/role.h"

#define PAUSE_MS 10
#define PAUSES_MOST 1000 /* in a row */

static const char zygote_title[] = "portreeve: zygote ";
static const char worker_title[] = "portreeve: worker ";

_Static_assert(sizeof(zygote_title) == sizeof(worker_title),
    "a worker's title fits where its zygote's was");

static char *title; /* argv[0], which ps shows */
static int title_is_zygotes;

void
role_receive(struct role_self *s, enum role self, char **argv)
{
	struct ipc_in in;
	int err;

	s->writable = NULL;
	s->nwritable = 0;
	s->ports = NULL;
	s->nports = 0;
	title = argv[0];
	if (title != NULL) {
		log_set_name(title);
		title_is_zygotes =
		    strncmp(title, zygote_title, sizeof(zygote_title) - 1) == 0;
	}
	prctl(PR_SET_NAME, "portreeve");
	fd_set_cloexec(ROLE_MONITOR_FD, 1);
	ipc_channel_init(
	    &s->monitor, ROLE_MONITOR_FD, self, ROLE_MONITOR, ST_NEW);
	err = ipc_recv(&s->monitor, &in);
	if (err == ERR_SYSTEM)
		die("descriptor %d is not a channel to the monitor: only "
		    "portreeved starts this program",
		    ROLE_MONITOR_FD);
	if (err != 0)
		die("no SEAL from the monitor: %s", err_text(err));
	if (in.type != MSG_SEAL)
		die("the monitor sent %s instead of SEAL", msg_name(in.type));
	s->seal = in.msg.seal;
	log_set_verbose(s->seal.verbose);
}

void
role_fail(struct role_self *s, const char *fmt, ...)
{
	struct msg_failed failed = {.end_ = 0};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(failed.reason, sizeof(failed.reason), fmt, ap);
	va_end(ap);
	ipc_send(&s->monitor, MSG_FAILED, &failed, NULL, 0);
	die("%s", failed.reason);
}

void
role_seal(struct role_self *s)
{
	struct sandbox_params params = {
	    .level = (enum sandbox_level)s->seal.level,
	    .uid = s->seal.uid,
	    .gid = s->seal.gid,
	    .root = s->seal.root[0] == '\0' ? NULL : s->seal.root,
	    .session = (enum sandbox_session)s->seal.session_sandbox,
	    .program_is_root = s->seal.program_root != 0,
	    .parent = s->seal.parent,
	    .writable = s->writable,
	    .nwritable = s->nwritable,
	    .ports = s->ports,
	    .nports = s->nports,
	};
	int profile = sandbox_profile_for(
	    s->monitor.self, (enum service_kind)s->seal.kind);
	gid_t group = s->seal.group;
	struct sandbox_report report;
	struct msg_ready ready = {.end_ = 0};
	int err;

	params.groups = &group;
	params.ngroups = s->seal.group != UINT32_MAX;
	if (profile < 0 || s->seal.profile != profile)
		role_fail(s, "sandbox profile %u is not that of the %s",
		    s->seal.profile, role_name(s->monitor.self));
	err = sandbox_seal((enum sandbox_profile)profile, &params, &report);
	if (err != 0)
		role_fail(s, "%s",
		    report.error[0] != '\0' ? report.error : err_text(err));
	if (report.weaker[0] != '\0')
		log_info("%s", report.weaker);
	/* What sealing needed is given back: a fork copies what is left. */
	memory_release_heap();
	ready.landlock = (uint8_t)report.landlock_abi;
	ready.user_namespace = report.userns;
	err = ipc_send_wait(&s->monitor, MSG_READY, &ready, NULL, 0);
	if (err != 0)
		die("the monitor is gone: %s", err_text(err));
}

void
role_poll_failed(int n)
{
	static unsigned failures;

	if (n >= 0 || errno == EINTR) {
		failures = 0;
		return;
	}
	if (failures == 0)
		log_errno("poll failed");
	if (++failures > PAUSES_MOST)
		die("poll keeps failing: %s", strerror(errno));
	time_rest(PAUSE_MS);
}

void
role_pong(struct ipc_channel *monitor, const struct msg_ping *ping)
{
	struct msg_pong pong = {.number = ping->number};

	/* Without room the monitor has enough to read; it asks again. */
	(void)ipc_send(monitor, MSG_PONG, &pong, NULL, 0);
}

int
role_hear(struct ipc_channel *monitor, struct ipc_in *in)
{
	static unsigned failures;
	int err = ipc_recv_now(monitor, in);

	/* A master's channel that finds no room is made again; so is memory. */
	if ((err == ERR_SHORT &&
		(in->type == MSG_COUNT || in->type == MSG_MASTER_CHANNEL)) ||
	    (err == ERR_SYSTEM && failures++ < PAUSES_MOST)) {
		log_errno("cannot receive the monitor's message");
		time_rest(PAUSE_MS);
		return (ERR_AGAIN);
	}
	failures = 0;

	if (err == 0 && in->type == MSG_PING) {
		role_pong(monitor, &in->msg.ping);
		return (ERR_AGAIN);
	}
	if (err == 0 || err == ERR_AGAIN)
		return (err);
	if (err != ERR_CLOSED)
		log_warn("from the monitor: %s: %s", msg_name(in->type),
		    err_text(err));
	return (ERR_CLOSED);
}

void
role_start(struct role_self *s, enum role self, char **argv)
{
	role_receive(s, self, argv);
	role_seal(s);
}

void
role_retitle_worker(void)
{
	if (title_is_zygotes)
		memcpy(title, worker_title, sizeof(worker_title) - 1);
}
