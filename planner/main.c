/*
 * The planner: from a configuration to a plan, once, and gone. Started by the
 * monitor, as root; sealed before it opens a file, with root's uid and one
 * capability left. It reads what stands in the configuration and in the files
 * that this names, asks NSS, and runs sshd and ssh-keygen. No stranger's byte
 * comes here but the name of a user whom sshd has let in. What it writes lies
 * below the folders that the monitor names. `portreeved -n' becomes this
 * program too, unsealed, with the rights of whoever asked for it.
 */
#include <sys/stat.h>

#include <locale.h>
#include <stdlib.h>
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

/* As the monitor has ordered, sealed. */
static bool
planner_serve(char **argv)
{
	static struct ipc_in in;
	const struct msg_plan_ask *ask = &in.msg.plan_ask;
	const char *const writable[] = {
	    ask->run_dir, ask->state_dir, "/run/sshd", "/dev/null"};
	struct role_self self;
	struct planner planner;

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
	role_seal(&self);
	nss_close_network();
	if (planner.what == PLAN_START || planner.what == PLAN_USER)
		user_send(&planner);
	return (plan_make(&planner));
}

/*
 * portreeved -n: `check FILE DAEMON v', where DAEMON is the run-time folder of
 * one that may run, or "". It has the rights of whoever asked for it, and no
 * other's; its own folders are none of the daemon's.
 */
static bool
planner_check(char **argv)
{
	char folder[] = "/tmp/portreeve-check-XXXXXX";
	struct planner planner = {.what = PLAN_CHECK,
	    .path = argv[2],
	    .run_dir = folder,
	    .state_dir = folder,
	    .daemon = argv[3],
	    .name = "",
	    .pam_service = "",
	    .number = 1,
	    .fd = -1,
	    .rootless = geteuid() != 0};
	bool good;

	log_set_name("portreeved");
	log_set_verbose(argv[4][0] != '\0');
	if (mkdtemp(folder) == NULL)
		die("no temporary folder can be made below /tmp");
	good = plan_make(&planner);
	rmdir(folder);
	return (good);
}

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "C");
	umask(022);
	if (argc == 5 && strcmp(argv[1], "check") == 0)
		return (planner_check(argv) ? 0 : 1);
	planner_serve(argv);
	return (0);
}
