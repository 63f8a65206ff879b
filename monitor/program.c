/*
 * MSG_PROGRAM, as the plan says and as whom the service has its own uid for.
 * Monitor (root). sshd's command line is a constant but for paths of ours. No
 * file is opened here: its disk could be slow, or a user's.
 */
#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "monitor/authentication.h"
#include "monitor/logins/logins.h"
#include "monitor/plan.h"
#include "monitor/program.h"
#include "monitor/roles/proc.h"
#include "monitor/sshd.h"

#define PAM_SOCKET "PORTREEVE_PAM_SOCKET=" /* what pam_portreeve.so reads */
#define PAM_COUNT "PORTREEVE_PAM_COUNT=1"  /* likewise */

#define PUT(field, word)                                                       \
	msg_put_text(m->field.b, &m->field.n, sizeof(m->field.b), (word))

static void
program_fill_exec(const struct monitor *mon, const struct mon_service *s,
    struct msg_program *m)
{
	*m = *s->plan->program;
	if (!mon->rootless && m->uid == UINT32_MAX) {
		m->uid = s->plan->is.own_uid;
		if (m->gid == UINT32_MAX)
			m->gid = m->uid;
		memcpy(m->groups.b, &m->gid, sizeof(m->gid));
		m->groups.n = sizeof(m->gid);
	}
}

/*
 * user-limit's processes, as a resource limit that sshd hands on to the user's
 * shell. It does not bind root, and so not sshd itself.
 */
static int
program_put_user_limit(struct monitor *mon, struct msg_program *m)
{
	uint32_t n = mon->plan->is.user_processes;
	struct program_rlimit r = {
	    .soft = n, .hard = n, .resource = RLIMIT_NPROC};

	if (n == 0 || mon->rootless)
		return (0);
	memcpy(m->rlimits.b, &r, sizeof(r));
	m->rlimits.n = sizeof(r);
	return (0);
}

/*
 * sshd's name is its own path: other software's rules for sshd (libwrap, PAM)
 * go by the last part. Before 9.8 another PAM service is told by that part;
 * from there on the rendered configuration names it.
 */
static int
program_put_sshd_name(const struct msg_plan_service *ssh, struct msg_program *m)
{
	char name[sizeof(ssh->pam_service) + 16];

	if (strcmp(ssh->pam_service, "sshd") == 0 || ssh->pam_keyword)
		return (PUT(argv, ssh->sshd));
	snprintf(name, sizeof(name), "/usr/sbin/%s", ssh->pam_service);
	return (PUT(argv, name));
}

static int
program_fill_ssh(struct monitor *mon, const struct msg_plan_service *ssh,
    struct msg_program *m)
{
	char config[PATH_MAX + 32], pam_socket[PATH_MAX + 64] = PAM_SOCKET;
	char order[PATH_MAX + 96];
	int err;

	sshd_config_path(mon, config, sizeof(config));
	snprintf(m->path, sizeof(m->path), "%s", ssh->sshd);
	err = program_put_sshd_name(ssh, m);
	if (err == 0)
		err = PUT(argv, "-i");
	if (err == 0)
		err = PUT(argv, "-e");
	if (err == 0)
		err = PUT(argv, "-f");
	if (err == 0)
		err = PUT(argv, config);
	if (err == 0)
		err = PUT(environment, "PATH=/usr/local/sbin:/usr/local/bin:"
				       "/usr/sbin:/usr/bin:/sbin:/bin");
	/* Only for our PAM module: sshd gives its environment to no session.
	 */
	logins_socket_path(mon, pam_socket + strlen(pam_socket),
	    sizeof(pam_socket) - strlen(pam_socket));
	if (err == 0 && sshd_by_pam())
		err = PUT(environment, pam_socket);
	if (err == 0 && mon->plan->is.user_processes > 0)
		err = PUT(environment, PAM_COUNT);
	authentication_variable(mon, ssh->order, order, sizeof(order));
	if (err == 0 && ssh->order[0] != '\0')
		err = PUT(environment, order);
	m->umask = 022;
	if (err == 0)
		err = program_put_user_limit(mon, m);
	return (err);
}

int
program_send(struct monitor *mon, struct proc *zygote)
{
	const struct mon_service *s = zygote->service;
	struct msg_program *m = calloc(1, sizeof(*m));
	int err = 0;

	if (m == NULL)
		return (ERR_NO_MEMORY);
	m->uid = m->gid = UINT32_MAX;
	if (service_traits(zygote->kind)->by == BY_SSHD)
		err = program_fill_ssh(mon, &s->plan->is, m);
	else
		program_fill_exec(mon, s, m);
	if (err == 0)
		err = proc_send(mon, zygote, MSG_PROGRAM, m, NULL, 0);
	else
		log_warn("service %s: its program cannot be set up: %s",
		    s->name, err_text(err));
	free(m);
	return (err);
}
