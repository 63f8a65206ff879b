/*
 * What only this host can tell about a configuration. Planner and CLI; needs no
 * privilege, and what it says may change before it matters: whoever uses a
 * user, program or file looks again.
 */
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/check_host.h"
#include "conf/script.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/pamstack.h"
#include "lib/safe.h"

/* Where a program of that name is instead; "" and false: nowhere usual. */
static bool
host_find(const char *path, char other[128])
{
	static const char *const folders[] = {"/usr/bin", "/usr/sbin", "/bin",
	    "/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec"};
	const char *name = strrchr(path, '/');
	struct stat st;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int n = snprintf(other, 128, "%s%s", folders[i], name);

		if (n > 0 && n < 128 && stat(other, &st) == 0 &&
		    S_ISREG(st.st_mode) && (st.st_mode & 0111) != 0)
			return (true);
	}
	other[0] = '\0';
	return (false);
}

/*
 * As whom the program is going to run, who may have put it there: rootless,
 * as whoever asks. A number of the service's own owns no file.
 */
static uid_t
host_program_uid(const struct conf_service *s)
{
	struct passwd *pw = NULL;

	if (geteuid() == 0 && s->exec.user != NULL)
		pw = getpwnam(s->exec.user);
	return (pw != NULL ? pw->pw_uid : geteuid());
}

static void
host_check_program(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	struct conf_pos pos = conf_statement_pos(conf, s, "exec");
	char why[SAFE_REASON_MAX], fault[160], other[128];
	int fd;

	if (s->exec.path == NULL) /* was told */
		return;
	fd = safe_open_program(
	    s->exec.path, host_program_uid(s), why, sizeof(why));
	if (fd < 0) {
		bool found = errno == ENOENT && host_find(s->exec.path, other);

		conf_report_add(report, CONF_ERROR, pos, "exec: %.100s: %s%s%s",
		    s->exec.path, why, found ? "; there is " : "",
		    found ? other : "");
	} else if (script_fault(fd, fault, sizeof(fault)))
		conf_report_add(report, CONF_ERROR, pos, "exec: %.100s %s",
		    s->exec.path, fault);
	fd_close(&fd);
}

static void
host_check_account(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	const struct conf_exec *e = &s->exec;

	if (e->user != NULL && getpwnam(e->user) == NULL)
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, s, "user"),
		    "user: there is no user %s on this host%s", e->user,
		    strchr(e->user, '.') != NULL
			? ": set a group with `group`"
			: ": make that account, or name another");
	if (e->group != NULL && getgrnam(e->group) == NULL)
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, s, "group"),
		    "group: there is no group %s on this host: make it, or "
		    "name another",
		    e->group);
}

static void
host_check_file(const struct conf *conf, const struct conf_service *s,
    const char *statement, const char *path, struct conf_report *report)
{
	struct conf_pos pos = conf_statement_pos(conf, s, statement);
	struct stat st;

	if (path == NULL)
		return;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		conf_report_add(report, CONF_ERROR, pos,
		    "%s: %.100s is not a regular file", statement, path);
	else if (eaccess(path, R_OK) != 0)
		conf_report_add(report, CONF_ERROR, pos, "%s: %.100s: %s",
		    statement, path, strerror(errno));
}

/*
 * sshd obeys this file as root (AuthorizedKeysCommand, say), and does not ask
 * who could have written it.
 */
static void
host_check_sshd_config(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	struct stat st;

	host_check_file(conf, s, "sshd-config", s->ssh.sshd_config, report);
	if (s->ssh.sshd_config == NULL || stat(s->ssh.sshd_config, &st) != 0)
		return;
	if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, s, "sshd-config"),
		    "sshd-config: users other than root can write %.100s: "
		    "chown it to root and chmod go-w it",
		    s->ssh.sshd_config);
}

/* What is read of it goes to each peer in one message. */
static void
host_check_banner(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	struct conf_pos pos = conf_statement_pos(conf, s, "banner");
	char why[SAFE_REASON_MAX];
	struct stat st;
	int fd;

	if (s->login.banner == NULL)
		return;
	fd = safe_open_file(s->login.banner, geteuid(), why, sizeof(why));
	if (fd < 0)
		conf_report_add(report, CONF_ERROR, pos, "banner: %.100s: %s",
		    s->login.banner, why);
	else if (fstat(fd, &st) == 0 && st.st_size > CONF_BANNER_MAX)
		conf_report_add(report, CONF_WARNING, pos,
		    "banner: %.100s is longer than %d bytes: the rest is not "
		    "shown",
		    s->login.banner, CONF_BANNER_MAX);
	fd_close(&fd);
}

/*
 * A subsystem is a command; its first word is the program. Root may be among
 * who runs it.
 */
static void
host_check_subsystem(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	const char *text = conf->netconf_subsystem;
	char path[1024], why[SAFE_REASON_MAX];
	size_t n;
	int fd;

	if (text == NULL)
		return;
	n = strcspn(text, " \t");
	if (n >= sizeof(path))
		return;
	memcpy(path, text, n);
	path[n] = '\0';
	fd = safe_open_program(path, geteuid(), why, sizeof(why));
	if (fd < 0)
		conf_report_add(report,
		    errno == EPERM ? CONF_ERROR : CONF_WARNING, s->pos,
		    "subsystem: %.100s: %s", path, why);
	fd_close(&fd);
}

/* Who is to be asked about a password must be asked, or nobody gets in. */
static void
host_check_order(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	const struct conf_words *order = &s->login.authentication_order;
	struct conf_pos pos =
	    conf_statement_pos(conf, s, "authentication-order");

	if (conf_order_has(order, "radius") &&
	    !pamstack_is_installed("pam_radius_auth.so"))
		conf_report_add(report, CONF_ERROR, pos,
		    "authentication-order: PAM has no module "
		    "pam_radius_auth.so: install it (Debian: apt-get install "
		    "libpam-radius-auth)");
	if (order->count == 0)
		return;
	if (geteuid() != 0)
		conf_report_add(report, CONF_ERROR, pos,
		    "authentication-order needs a daemon that root starts");
	if (s->login.pam_service != NULL &&
	    !pamstack_has_order(pamstack_folders, s->login.pam_service))
		conf_report_add(report, CONF_ERROR, pos,
		    "authentication-order: PAM's service %s has no auth line "
		    "for pam_portreeve.so with the word order: `make install` "
		    "puts it there, or says what to write",
		    s->login.pam_service);
}

int
conf_check_host_service(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	size_t errors = report->errors;

	if (service_traits(s->kind)->by == BY_PROGRAM) {
		host_check_program(conf, s, report);
		host_check_account(conf, s, report);
	}
	host_check_sshd_config(conf, s, report);
	host_check_banner(conf, s, report);
	host_check_order(conf, s, report);
	if (service_traits(s->kind)->by == BY_SSHD)
		host_check_ssh(conf, s, report);
	if (service_traits(s->kind)->subsystem)
		host_check_subsystem(conf, s, report);
	return (report->errors > errors ? ERR_VALUE : 0);
}

int
conf_check_host(const struct conf *conf, struct conf_report *report)
{
	size_t errors = report->errors;

	for (unsigned i = 0; i < conf->service_count; i++)
		conf_check_host_service(conf, &conf->services[i], report);
	return (report->errors > errors ? ERR_VALUE : 0);
}
