/* Warnings that need a look at the host. Monitor (root); reads files only. */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "conf/sshd/sshd.h"
#include "monitor/hostcheck.h"
#include "monitor/logins.h"

static void
warn_not_built(const struct conf *conf, struct conf_report *report)
{
	for (unsigned i = 0; i < conf->service_count; i++) {
		const struct conf_service *s = &conf->services[i];

		if (s->kind == SERVICE_FTP || s->kind == SERVICE_NETCONF)
			conf_report_add(report, CONF_WARNING, s->pos,
			    "%s is not served by this version: nothing "
			    "listens on its port",
			    s->name);
	}
	for (unsigned i = 0; i < conf->client_count; i++)
		conf_report_add(report, CONF_WARNING, conf->clients[i].pos,
		    "outbound-ssh is not served by this version: no "
		    "connection is made");
}

static void
warn_no_pam(struct monitor *mon, const struct conf *conf,
    struct conf_report *report)
{
	const struct conf_service *ssh = conf_find_service(conf, "ssh");

	if (ssh == NULL || mon->rootless || logins_by_pam(mon))
		return;
	conf_report_add(report, CONF_WARNING, ssh->pos,
	    "/etc/pam.d/" LOGINS_PAM_SERVICE " is missing: who logs in is "
	    "read from sshd's log, and user-limit's sessions are held a moment "
	    "late; `make install` installs the file");
}

/* Of the services whose logins are our own; PAM has two folders for files. */
static void
warn_no_service_file(const struct conf *conf, struct conf_report *report)
{
	const struct conf_service *telnet = conf_find_service(conf, "telnet");

	if (telnet == NULL || access("/etc/pam.d/portreeve-telnet", R_OK) == 0 ||
	    access("/usr/lib/pam.d/portreeve-telnet", R_OK) == 0)
		return;
	conf_report_add(report, CONF_WARNING, telnet->pos,
	    "/etc/pam.d/portreeve-telnet is missing: PAM's `other' says who "
	    "logs in; `make install` installs the file");
}

static void
warn_other_name(const struct conf *conf, const struct conf_service *s,
    const char *statement, const char *wanted, const char *own,
    struct conf_report *report)
{
	struct conf_pos pos = conf_statement_pos(conf, s, statement);

	/* Unsaid, it is nobody's wish. */
	if (wanted == NULL ||
	    (pos.line == s->pos.line && pos.col == s->pos.col) ||
	    (own != NULL && strcmp(wanted, own) == 0))
		return;
	conf_report_add(report, CONF_WARNING, pos,
	    "%s %s is not in force: started by an ordinary user, portreeved "
	    "runs the program with that user's own rights",
	    statement, wanted);
}

/* An ordinary user's programs run as that user, whatever is said. */
static void
warn_other_user(const struct conf *conf, struct conf_report *report)
{
	const struct passwd *user = getpwuid(geteuid());
	const struct group *group = getgrgid(getegid());

	for (unsigned i = 0; i < conf->service_count; i++) {
		const struct conf_service *s = &conf->services[i];

		if (s->kind != SERVICE_EXEC)
			continue;
		warn_other_name(conf, s, "user", s->exec.user,
		    user != NULL ? user->pw_name : NULL, report);
		warn_other_name(conf, s, "group", s->exec.group,
		    group != NULL ? group->gr_name : NULL, report);
	}
}

void
hostcheck_warn(struct monitor *mon, const struct conf *conf,
    struct conf_report *report)
{
	warn_not_built(conf, report);
	warn_no_pam(mon, conf, report);
	warn_no_service_file(conf, report);
	if (mon->rootless)
		warn_other_user(conf, report);
	sshd_scan(conf, &sshd_system_paths, report);
}
