/*
 * Looks up a user by NSS, and whether PAM asks our module about logins by ssh.
 * Planner: sealed, with root's uid and CAP_DAC_READ_SEARCH. The name comes from
 * sshd's log, so a peer may have chosen it, or from whoever sits at the
 * terminal; it is bounded, and only NSS reads it.
 */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/pamstack.h"
#include "planner/user.h"

void
user_send(const struct planner *p)
{
	const struct passwd *pw = p->name[0] != '\0' ? getpwnam(p->name) : NULL;
	struct msg_plan_user m = {.end_ = 0};
	int err;

	if (pw == NULL && p->what == PLAN_START)
		pw = getpwuid(geteuid());
	if (pw != NULL) {
		m.found = 1;
		m.uid = pw->pw_uid;
		snprintf(m.name, sizeof(m.name), "%s", pw->pw_name);
	}
	m.by_pam = p->what == PLAN_USER && !p->rootless &&
		   pamstack_has_ours(p->pam_service, m.why, sizeof(m.why));
	err = ipc_send_wait(p->monitor, MSG_PLAN_USER, &m, NULL, 0);
	if (err != 0)
		die("cannot send PLAN_USER: %s", err_text(err));
}
