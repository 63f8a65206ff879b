/*
 * MSG_PROGRAM, from the configuration and the password database alone. Monitor
 * (root). sshd's command line is a constant but for paths of ours.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/safe.h"
#include "monitor/logins/logins.h"
#include "monitor/program.h"
#include "monitor/roles/proc.h"
#include "monitor/sshd.h"

/* Append one NUL-ended text to a list of a message. */
static int
put_word(uint8_t *list, uint16_t *n, size_t room, const char *word)
{
	size_t len = strlen(word) + 1;

	if (*n + len > room)
		return (ERR_TOO_LONG);
	memcpy(list + *n, word, len);
	*n = (uint16_t)(*n + len);
	return (0);
}

#define PAM_SOCKET "PORTREEVE_PAM_SOCKET=" /* what pam_portreeve.so reads */

#define PUT(field, word)                                                       \
	put_word(m->field.b, &m->field.n, sizeof(m->field.b), (word))

static int
put_group(const struct conf_exec *x, struct msg_program *m)
{
	struct group *gr;

	if (x->group == NULL)
		return (0);
	gr = getgrnam(x->group);
	if (gr == NULL)
		return (ERR_NOT_FOUND);
	m->gid = gr->gr_gid;
	return (0);
}

/* Without `user`: the service's own number, which is in no other group. */
static int
put_user(const struct mon_service *s, struct msg_program *m)
{
	const struct conf_exec *x = &s->conf->exec;
	struct passwd *pw = x->user != NULL ? getpwnam(x->user) : NULL;
	gid_t groups[256];
	int count = 256;

	if (x->user != NULL && pw == NULL)
		return (ERR_NOT_FOUND);
	m->uid = pw != NULL ? pw->pw_uid : s->uid;
	m->gid = pw != NULL ? pw->pw_gid : s->uid;
	if (put_group(x, m) < 0)
		return (ERR_NOT_FOUND);
	if (pw == NULL) {
		groups[0] = m->gid;
		count = 1;
	} else if (getgrouplist(pw->pw_name, m->gid, groups, &count) < 0)
		return (ERR_TOO_LONG);
	m->groups.n = (uint16_t)((size_t)count * sizeof(groups[0]));
	memcpy(m->groups.b, groups, m->groups.n);
	return (0);
}

static int
put_limits(const struct conf_exec *x, struct msg_program *m)
{
	struct program_rlimit r;

	for (unsigned i = 0; i < x->rlimit_count; i++) {
		r = (struct program_rlimit){.soft = x->rlimits[i].soft,
		    .hard = x->rlimits[i].hard,
		    .resource = (uint32_t)x->rlimits[i].resource};
		if (m->rlimits.n + sizeof(r) > sizeof(m->rlimits.b))
			return (ERR_TOO_LONG);
		memcpy(m->rlimits.b + m->rlimits.n, &r, sizeof(r));
		m->rlimits.n = (uint16_t)(m->rlimits.n + sizeof(r));
	}
	return (0);
}

/*
 * A folder on the way may have been given to a user since it was judged. What
 * is not there is each connection's to tell.
 */
static int
put_path(struct monitor *mon, const struct conf_exec *x, struct msg_program *m,
    char reason[CONF_MESSAGE_MAX])
{
	char why[SAFE_REASON_MAX];
	int fd = safe_open_program(x->path,
	    mon->rootless ? geteuid() : (uid_t)m->uid, why, sizeof(why));

	snprintf(m->path, sizeof(m->path), "%s", x->path);
	if (fd < 0 && errno == EPERM) {
		snprintf(reason, CONF_MESSAGE_MAX, "exec: %.80s: %.220s",
		    x->path, why);
		return (ERR_REFUSED);
	}
	fd_close(&fd);
	return (0);
}

static int
fill_exec(struct monitor *mon, const struct mon_service *s,
    struct msg_program *m, char reason[CONF_MESSAGE_MAX])
{
	const struct conf_exec *x = &s->conf->exec;
	int err = mon->rootless ? 0 : put_user(s, m);

	if (err == 0)
		err = put_path(mon, x, m, reason);
	for (unsigned i = 0; err == 0 && i < x->argc; i++)
		err = PUT(argv, x->argv[i]);
	if (err == 0)
		err = PUT(environment, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	for (unsigned i = 0; err == 0 && i < x->env_count; i++)
		err = PUT(environment, x->env[i]);
	if (err == 0)
		err = put_limits(x, m);
	m->nice = x->nice;
	m->umask = x->umask;
	m->detach = x->detach;
	m->wait = x->wait;
	m->datagram = x->protocol == CONF_UDP;
	m->keepalive = x->keepalive && x->protocol == CONF_TCP;
	m->error_to_peer = x->error == CONF_ERROR_CONNECTION;
	m->timeout = x->session_timeout;
	return (err);
}

/*
 * user-limit's processes, as a resource limit that sshd hands on to the user's
 * shell. It does not bind root, and so not sshd itself.
 */
static int
put_user_limit(struct monitor *mon, struct msg_program *m)
{
	uint32_t n = mon->conf->user_limit_processes;
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
put_ssh_name(
    struct monitor *mon, const struct conf_service *ssh, struct msg_program *m)
{
	char name[CONF_PAM_SERVICE_MAX + 16];

	if (strcmp(ssh->login.pam_service, "sshd") == 0 ||
	    sshd_has_pam_keyword(mon->sshd))
		return (PUT(argv, mon->sshd->path));
	snprintf(name, sizeof(name), "/usr/sbin/%s", ssh->login.pam_service);
	return (PUT(argv, name));
}

static int
fill_ssh(
    struct monitor *mon, const struct conf_service *ssh, struct msg_program *m)
{
	char config[PATH_MAX + 32], pam_socket[PATH_MAX + 64] = PAM_SOCKET;
	int err;

	if (mon->sshd == NULL)
		return (ERR_NOT_FOUND);
	sshd_config_path(mon, config, sizeof(config));
	snprintf(m->path, sizeof(m->path), "%s", mon->sshd->path);
	err = put_ssh_name(mon, ssh, m);
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
	/* For our PAM module alone: sshd gives its environment to no session.
	 */
	logins_socket_path(mon, pam_socket + strlen(pam_socket),
	    sizeof(pam_socket) - strlen(pam_socket));
	if (err == 0 && logins_by_pam(mon))
		err = PUT(environment, pam_socket);
	m->umask = 022;
	if (err == 0)
		err = put_user_limit(mon, m);
	return (err);
}

int
program_send(
    struct monitor *mon, struct proc *zygote, char reason[CONF_MESSAGE_MAX])
{
	const struct conf_service *c = zygote->service->conf;
	struct msg_program *m = calloc(1, sizeof(*m));
	int err;

	reason[0] = '\0';
	if (m == NULL)
		return (ERR_NO_MEMORY);
	m->uid = m->gid = UINT32_MAX;
	err = service_traits(zygote->kind)->sshd
		  ? fill_ssh(mon, c, m)
		  : fill_exec(mon, zygote->service, m, reason);
	if (err == ERR_NOT_FOUND)
		snprintf(reason, CONF_MESSAGE_MAX,
		    "its program, user or group has gone from this host");
	if (err == 0)
		err = proc_send(mon, zygote, MSG_PROGRAM, m, NULL, 0);
	else
		log_warn("service %s: its program cannot be set up: %s",
		    c->name, reason[0] != '\0' ? reason : err_text(err));
	free(m);
	return (err);
}
