/*
 * The files, programs and users that the statements of ssh name, which sshd -t
 * does not look at: sshd reports a missing one in its log, at a login. Planner
 * and CLI; needs no privilege, opens files and reads none.
 */
#include <sys/stat.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/check_host.h"
#include "conf/schema.h"
#include "lib/fd.h"
#include "lib/safe.h"

struct ssh_look {
	const struct conf *conf;
	const struct conf_service *ssh;
	struct conf_report *report;
};

static void
ssh_fault(const struct ssh_look *l, const char *statement, const char *path,
    const char *why)
{
	conf_report_add(l->report, CONF_ERROR,
	    conf_statement_pos(l->conf, l->ssh, statement), "%s: %.100s: %s",
	    statement, path, why);
}

/* Who could write to it would decide who logs in. */
static void
ssh_look_file(const struct ssh_look *l, const char *statement, const char *path)
{
	char why[SAFE_REASON_MAX];
	int fd;

	if (path == NULL)
		return;
	fd = safe_open_file(path, geteuid(), why, sizeof(why));
	if (fd < 0)
		ssh_fault(l, statement, path, why);
	fd_close(&fd);
}

/* A path of one file; with a token, of a file for each user. */
static void
ssh_look_principals(const struct ssh_look *l)
{
	const char *path = l->ssh->ssh.principals_file;
	char whole[CONF_VALUE_MAX + sizeof(CONF_PRINCIPALS_FOLDER)];

	if (path == NULL || strchr(path, '%') != NULL)
		return;
	snprintf(whole, sizeof(whole), "%s%s",
	    path[0] == '/' ? "" : CONF_PRINCIPALS_FOLDER "/", path);
	ssh_look_file(l, "authorized-principals-file", whole);
}

static void
ssh_look_program(
    const struct ssh_look *l, const char *statement, const char *command)
{
	char path[CONF_VALUE_MAX], why[SAFE_REASON_MAX];
	int fd;

	if (command == NULL)
		return;
	snprintf(
	    path, sizeof(path), "%.*s", (int)strcspn(command, " "), command);
	/* sshd asks whether it is root's, whoever runs it. */
	fd = safe_open_program(path, geteuid(), why, sizeof(why));
	if (fd < 0)
		ssh_fault(l, statement, path, why);
	fd_close(&fd);
}

static void
ssh_look_user(const struct ssh_look *l, const char *statement, const char *name)
{
	if (name != NULL && getpwnam(name) == NULL)
		ssh_fault(l, statement, name,
		    "there is no such user on this "
		    "host: make that account, or name another");
}

void
host_check_ssh(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	struct ssh_look l = {.conf = conf, .ssh = s, .report = report};
	const struct conf_ssh *ssh = &s->ssh;

	ssh_look_program(&l, "authorized-keys-command", ssh->keys_command);
	ssh_look_user(
	    &l, "authorized-keys-command-user", ssh->keys_command_user);
	ssh_look_file(&l, "trusted-user-ca-key-file", ssh->user_ca);
	ssh_look_principals(&l);
	ssh_look_program(
	    &l, "authorized-principals-command", ssh->principals_command);
	if (ssh->principals_command != NULL)
		ssh_look_user(&l, "authorized-principals-command", "nobody");
	ssh_look_file(&l, "host-certificate-file", ssh->host_certificate);
}
