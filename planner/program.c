/*
 * Makes MSG_PROGRAM of an inetd-style program from the configuration and the
 * password database. Planner: sealed, with root's uid and CAP_DAC_READ_SEARCH
 * (in a check, whoever asked for it). Trusts the name service for numbers, as
 * every login program does, and bounds how many groups it gives.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ipc/state.h"
#include "lib/err.h"
#include "planner/program.h"

#define PUT(field, word)                                                       \
	msg_put_text(m->field.b, &m->field.n, sizeof(m->field.b), (word))

static int
program_put_group(const struct conf_exec *x, struct msg_program *m)
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

/* Without `user` it has the service's own number, and no other group. */
static int
program_put_user(const struct conf_exec *x, struct msg_program *m)
{
	struct passwd *pw = x->user != NULL ? getpwnam(x->user) : NULL;
	gid_t groups[256];
	int count = 256;

	if (x->user == NULL)
		return (program_put_group(x, m));
	if (pw == NULL)
		return (ERR_NOT_FOUND);
	m->uid = pw->pw_uid;
	m->gid = pw->pw_gid;
	if (program_put_group(x, m) < 0)
		return (ERR_NOT_FOUND);
	if (getgrouplist(pw->pw_name, m->gid, groups, &count) < 0)
		return (ERR_TOO_LONG);
	m->groups.n = (uint16_t)((size_t)count * sizeof(groups[0]));
	memcpy(m->groups.b, groups, m->groups.n);
	return (0);
}

static int
program_put_limits(const struct conf_exec *x, struct msg_program *m)
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

static int
program_put_words(const struct conf_exec *x, struct msg_program *m)
{
	int err = 0;

	snprintf(m->path, sizeof(m->path), "%s", x->path);
	for (unsigned i = 0; err == 0 && i < x->argc; i++)
		err = PUT(argv, x->argv[i]);
	if (err == 0)
		err = PUT(environment, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	for (unsigned i = 0; err == 0 && i < x->env_count; i++)
		err = PUT(environment, x->env[i]);
	return (err);
}

int
program_fill(const struct planner *p, const struct conf_service *s,
    struct msg_program *m, char reason[CONF_MESSAGE_MAX])
{
	const struct conf_exec *x = &s->exec;
	int err;

	m->uid = m->gid = UINT32_MAX;
	err = p->rootless ? 0 : program_put_user(x, m);
	if (err == 0)
		err = program_put_words(x, m);
	if (err == 0)
		err = program_put_limits(x, m);
	m->nice = x->nice;
	m->umask = x->umask;
	m->detach = x->detach;
	m->wait = x->wait;
	m->datagram = x->protocol == CONF_UDP;
	m->keepalive = x->keepalive && x->protocol == CONF_TCP;
	m->error_to_peer = x->error == CONF_ERROR_CONNECTION;
	m->timeout = x->session_timeout;
	if (err == ERR_NOT_FOUND)
		snprintf(reason, CONF_MESSAGE_MAX,
		    "its program, user or group has gone from this host");
	else if (err != 0)
		snprintf(reason, CONF_MESSAGE_MAX,
		    "its words, environment, limits or groups are too many: %s",
		    err_text(err));
	return (err);
}
