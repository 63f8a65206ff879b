/*
 * The ender: ends sessions, and says what is left of them. Started by the
 * monitor for one ending, of one session or of all; runs as a user of its own
 * with only CAP_KILL, sealed. It hears the monitor and reads /proc; no peer and
 * no other role has a channel to it. It is gone when that is done or after
 * ALARM_S. It outlives the monitor: half an ending would leave processes that
 * are stopped and not killed.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "ender/tree.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "role/role.h"

#define ALARM_S 10
#define SECOND 1000000000ull
#define GRACE_NS SECOND
/* A worker waits 2 s for its peer to close. */
#define LAST_NS (3 * SECOND)
/* A killed process ends at once, but for what its memory or a disk takes. */
#define END_NS (2 * SECOND)

static struct role_self self;
static struct msg_end_left answer;

static void
ender_failed(int err)
{
	if (err != 0 && answer.error == 0)
		answer.error = (uint8_t)-err;
}

/* The leaders, and the order to begin, whose `tell` is the value. */
static bool
ender_hear(void)
{
	static struct ipc_in in;
	int err;

	for (;;) {
		err = ipc_recv(&self.monitor, &in);
		if (err != 0)
			die("the monitor did not say all of an ending: %s",
			    err_text(err));
		if (in.type == MSG_END_BEGIN)
			return (in.msg.end_begin.tell != 0);
		if (in.type != MSG_END_LEADER)
			continue;
		err = tree_add_leader(&in.msg.end_leader);
		answer.found += err == 0;
		if (err != ERR_NOT_FOUND)
			ender_failed(err);
	}
}

static void
ender_tell(uint32_t number, int32_t pid)
{
	struct msg_end_process m = {.number = number, .pid = pid};

	(void)ipc_send_wait(&self.monitor, MSG_END_PROCESS, &m, NULL, 0);
}

static void
ender_run(bool tell)
{
	uint64_t begun;
	uint32_t left;

	ender_failed(tree_freeze(false));
	if (tell)
		tree_tell(ender_tell);
	ender_failed(tree_kill(false));
	begun = time_boot_ns();
	left = tree_wait(begun + GRACE_NS, false);
	if (left == 0)
		left = tree_wait(begun + LAST_NS, true);
	if (left > 0) {
		ender_failed(tree_freeze(true));
		ender_failed(tree_kill(true));
	}
	answer.left = tree_wait(time_boot_ns() + END_NS, true);
	if (tree_has_orphans()) {
		ender_failed(tree_freeze(true));
		ender_failed(tree_kill(true));
		answer.left = tree_wait(time_boot_ns() + END_NS, true);
	}
}

int
main(int argc, char **argv)
{
	bool tell;

	(void)argc;
	signal(SIGALRM, SIG_DFL);
	alarm(ALARM_S);
	role_start(&self, ROLE_ENDER, argv);
	tell = ender_hear();
	if (answer.found > 0)
		ender_run(tell);
	/* Without a monitor nobody asks. */
	(void)ipc_send_wait(&self.monitor, MSG_END_LEFT, &answer, NULL, 0);
	return (0);
}
