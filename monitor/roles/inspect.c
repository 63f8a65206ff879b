/*
 * Whether a role is sealed as it was told. Monitor, as root; reads /proc of a
 * process that it started, and believes nothing that the process says of
 * itself but that it may have a user namespace, which loosens nothing.
 */
#include <stdio.h>

#include "lib/log.h"
#include "monitor/roles/inspect.h"
#include "monitor/roles/proc.h"
#include "sandbox/inspect.h"

bool
inspect_role(struct monitor *mon, struct proc *p, bool user_namespace)
{
	const struct msg_seal *told = &p->seal;
	struct sandbox_params params = {
	    .level = (enum sandbox_level)told->level,
	    .uid = told->uid,
	    .gid = told->gid,
	    .root = told->root[0] == '\0' ? NULL : told->root,
	    .session = (enum sandbox_session)told->session_sandbox,
	    .program_is_root = told->program_root != 0,
	};
	gid_t group = told->group;
	char why[320];

	params.groups = &group;
	params.ngroups = told->group != UINT32_MAX;
	if (sandbox_inspect(p->pid, (enum sandbox_profile)told->profile,
		&params, user_namespace, why, sizeof(why)) == 0)
		return (true);
	log_warn("%s", why);
	if (!mon->announced)
		fprintf(stderr, "portreeved: %s\n", why);
	proc_kill(mon, p, "not sealed as ordered");
	return (false);
}
