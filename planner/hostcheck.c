/*
 * Warnings that need a look at the host. Planner: sealed, with root's uid and
 * CAP_DAC_READ_SEARCH (in a check, whoever asked for it). Reads root's files
 * (PAM's, nsswitch.conf, sshd_config) and writes none; what it finds there is
 * never more than a warning.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/sshd/sshd.h"
#include "lib/pamstack.h"
#include "planner/hostcheck.h"
#include "planner/nss.h"

/* The stack that telnet once had of its own. */
#define TELNET_FORMER "portreeve-telnet"

static void
hostcheck_warn_not_built(const struct conf *conf, struct conf_report *report)
{
	for (unsigned i = 0; i < conf->service_count; i++) {
		const struct conf_service *s = &conf->services[i];

		if (!service_traits(s->kind)->served)
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
hostcheck_warn_no_pam(const struct planner *p, const struct conf *conf,
    struct conf_report *report)
{
	const struct conf_service *ssh = conf_find_service(conf, "ssh");
	char why[CONF_MESSAGE_MAX];

	if (ssh == NULL || p->rootless ||
	    pamstack_has_ours(ssh->login.pam_service, why, sizeof(why)))
		return;
	conf_report_add(report, CONF_WARNING, ssh->pos,
	    "%.120s: logins are taken from sshd's log, and user-limit's "
	    "sessions are enforced a moment late; portreeved(8), PAM, says "
	    "which lines to add",
	    why);
}

/* PAM has two folders for a service's file. */
static bool
hostcheck_has_service_file(const char *service)
{
	char path[CONF_PAM_SERVICE_MAX + sizeof("/usr/lib/pam.d/")];

	snprintf(path, sizeof(path), "/etc/pam.d/%s", service);
	if (access(path, R_OK) == 0)
		return (true);
	snprintf(path, sizeof(path), "/usr/lib/pam.d/%s", service);
	return (access(path, R_OK) == 0);
}

/*
 * Of telnet, whose logins are our own. Its stack once was a file of ours: what
 * an administrator has written there binds nobody any more, and that is said.
 */
static void
hostcheck_warn_no_service_file(
    const struct conf *conf, struct conf_report *report)
{
	const struct conf_service *telnet = conf_find_service(conf, "telnet");
	const char *service = telnet != NULL ? telnet->login.pam_service : NULL;

	if (service == NULL)
		return;
	if (!hostcheck_has_service_file(service))
		conf_report_add(report, CONF_WARNING,
		    conf_statement_pos(conf, telnet, "pam-service"),
		    "/etc/pam.d/%s is missing: PAM's `other' decides who logs "
		    "in by telnet; name a file that is there with pam-service",
		    service);
	if (strcmp(service, "login") == 0 &&
	    hostcheck_has_service_file(TELNET_FORMER))
		conf_report_add(report, CONF_WARNING,
		    conf_statement_pos(conf, telnet, "pam-service"),
		    "/etc/pam.d/" TELNET_FORMER " is not used any more: telnet "
		    "logs in by /etc/pam.d/login; remove the file, or write "
		    "`pam-service " TELNET_FORMER "' to keep what it says");
}

static void
hostcheck_warn_other_name(const struct conf *conf, const struct conf_service *s,
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
hostcheck_warn_other_user(const struct conf *conf, struct conf_report *report)
{
	const struct passwd *user = getpwuid(geteuid());
	const struct group *group = getgrgid(getegid());

	for (unsigned i = 0; i < conf->service_count; i++) {
		const struct conf_service *s = &conf->services[i];

		if (service_traits(s->kind)->by != BY_PROGRAM)
			continue;
		hostcheck_warn_other_name(conf, s, "user", s->exec.user,
		    user != NULL ? user->pw_name : NULL, report);
		hostcheck_warn_other_name(conf, s, "group", s->exec.group,
		    group != NULL ? group->gr_name : NULL, report);
	}
}

static void
hostcheck_warn_name_services(struct conf_report *report)
{
	char module[NSS_MODULE_MAX];

	if (!nss_is_unknown(module))
		return;
	conf_report_add(report, CONF_WARNING, (struct conf_pos){0, 0},
	    "the planner may use the network, because %s of /etc/nsswitch.conf "
	    "may need it: it is not known here",
	    module[0] != '\0' ? module : "a line");
}

void
hostcheck_warn(const struct planner *p, const struct conf *conf,
    struct conf_report *report)
{
	hostcheck_warn_not_built(conf, report);
	hostcheck_warn_no_pam(p, conf, report);
	hostcheck_warn_no_service_file(conf, report);
	if (p->rootless)
		hostcheck_warn_other_user(conf, report);
	hostcheck_warn_name_services(report);
	sshd_scan(conf, &sshd_system_paths, report);
}
