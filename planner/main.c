/*
 * The planner: from a configuration to a plan, once, and gone. Started by the
 * monitor, as root; sealed before it opens a file, with root's uid and one
 * capability left. It reads what stands in the configuration and in the files
 * that this names, asks NSS, and runs sshd and ssh-keygen. No stranger's byte
 * comes here but the name of a user whom sshd has let in. What it writes lies
 * below the folders that the monitor names.
 */
#include <sys/stat.h>

#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "planner/nss.h"
#include "planner/plan.h"
#include "planner/user.h"
#include "role/role.h"

/* What is to be planned; the descriptor that came with it is kept. */
static void
receive_ask(struct role_self *self, struct ipc_in *in)
{
	int err = ipc_recv(&self->monitor, in);

	if (err != 0)
		die("nothing to plan: %s", err_text(err));
	if (in->type != MSG_PLAN_ASK)
		die("the monitor said %s where PLAN_ASK was due",
		    msg_name(in->type));
}

int
main(int argc, char **argv)
{
	static struct ipc_in in;
	const struct msg_plan_ask *ask = &in.msg.plan_ask;
	const char *const writable[] = {
	    ask->run_dir, ask->state_dir, "/run/sshd", "/dev/null"};
	struct msg_ready ready = {.end_ = 0};
	struct role_self self;
	struct planner planner;

	(void)argc;
	setlocale(LC_ALL, "C");
	umask(022);
	role_receive(&self, ROLE_PLANNER, argv);
	receive_ask(&self, &in);
	planner = (struct planner){.monitor = &self.monitor,
	    .what = (enum plan_what)ask->what,
	    .path = ask->path,
	    .run_dir = ask->run_dir,
	    .state_dir = ask->state_dir,
	    .daemon = ask->daemon,
	    .name = ask->name,
	    .pam_service = ask->pam_service,
	    .number = ask->number,
	    .block = ask->block,
	    .fd = in.nfds > 0 ? in.fds[0] : -1,
	    .rootless = geteuid() != 0};
	self.writable = writable;
	self.nwritable = sizeof(writable) / sizeof(writable[0]);
	/* A check has the rights of whoever asked for it, and no other's. */
	if (planner.what != PLAN_CHECK) {
		role_seal(&self);
		nss_close_network();
	} else if (ipc_send_wait(&self.monitor, MSG_READY, &ready, NULL, 0) !=
		   0) {
		die("nobody waits for the plan");
	}
	if (planner.what == PLAN_START || planner.what == PLAN_USER)
		user_send(&planner);
	plan_make(&planner);
	return (0);
}
