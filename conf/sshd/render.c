/*
 * The sshd_config of an ssh service. Every line stands below a comment that
 * names the statement, or says why it is there. A statement that was not
 * written is left to sshd's own default, but for those whose default is ours.
 * Planner (root) and CLI; writes to memory.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/sshd/column.h"
#include "conf/sshd/sshd.h"
#include "lib/err.h"

struct sshd_text {
	const struct conf *conf;
	const struct conf_service *service;
	const struct sshd_params *params;
	FILE *f;
};

/*
 * sshd takes a keyword's first value, and so two statements may say the same
 * one: `no-passwords` and `no-password-authentication`.
 */
static void __attribute__((format(printf, 3, 4)))
sshd_say(const struct sshd_text *t, const char *why, const char *fmt, ...)
{
	va_list ap;

	fprintf(t->f, "# %s\n", why);
	va_start(ap, fmt);
	vfprintf(t->f, fmt, ap);
	va_end(ap);
	fputc('\n', t->f);
}

static bool
sshd_at_least(const struct sshd_params *p, unsigned major, unsigned minor)
{
	return (p->version.major > major ||
		(p->version.major == major && p->version.minor >= minor));
}

static void
sshd_say_host(const struct sshd_text *t)
{
	for (unsigned i = 0; i < t->params->host_key_count; i++)
		sshd_say(t, "this host's keys", "HostKey \"%s\"",
		    t->params->host_keys[i]);
	sshd_say(t, "sshd is started per connection", "PidFile none");
}

/* With PAM, its modules print the message of the day, as on Debian. */
static void
sshd_say_pam(const struct sshd_text *t)
{
	sshd_say(t, "accounts and sessions", "UsePAM %s",
	    t->params->pam ? "yes" : "no");
	if (!t->params->pam)
		return;
	if (t->params->pam_service != NULL && sshd_at_least(t->params, 9, 8))
		sshd_say(t, "accounts and sessions", "PAMServiceName %s",
		    t->params->pam_service);
	sshd_say(t, "PAM prints it", "PrintMotd no");
}

static void
sshd_say_log(const struct sshd_text *t)
{
	sshd_say(
	    t, "refused keys are logged at VERBOSE only", "LogLevel VERBOSE");
	if (sshd_at_least(t->params, 8, 5))
		sshd_say(t, "max-pre-authentication-packets",
		    "LogVerbose packet.c:ssh_packet_read_poll2():*,"
		    "auth2-pubkey.c:userauth_pubkey():*");
}

/* An ordinary user's sshd can check no password. */
static void
sshd_say_no_passwords(const struct sshd_text *t)
{
	static const char user[] = "an ordinary user's sshd can check none";

	if (t->params->pam)
		return;
	sshd_say(t, user, "PasswordAuthentication no");
	sshd_say(t, user, "KbdInteractiveAuthentication no");
}

static void
sshd_say_line(void *arg, const struct column_line *line)
{
	sshd_say(arg, line->statement, "%s %s", line->keyword, line->value);
}

static void
sshd_say_netconf(const struct sshd_text *t)
{
	if (t->conf->netconf_subsystem != NULL)
		sshd_say(t, "netconf subsystem", "Subsystem netconf %s",
		    t->conf->netconf_subsystem);
}

/* First, because sshd takes the first value: what they tighten holds. */
static void
sshd_say_files(const struct sshd_text *t)
{
	if (t->params->option_path != NULL)
		sshd_say(
		    t, "sshd-option", "Include \"%s\"", t->params->option_path);
	if (t->params->file_path != NULL)
		sshd_say(
		    t, "sshd-config", "Include \"%s\"", t->params->file_path);
}

static void
sshd_say_all(struct sshd_text *t)
{
	fputs("# Written by portreeved from its own configuration.\n", t->f);
	sshd_say_files(t);
	sshd_say_host(t);
	sshd_say_pam(t);
	sshd_say_log(t);
	sshd_say_no_passwords(t);
	column_each(t->conf, t->service, sshd_say_line, t);
	sshd_say_netconf(t);
	sshd_say(t, "the user's language", "AcceptEnv LANG LC_*");
}

/* What sshd_config's quotes hold as it is: Include takes wildcards, too. */
static bool
sshd_path_ok(const char *path)
{
	if (path == NULL || path[0] != '/')
		return (false);
	for (const char *p = path; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f ||
		    strchr("\"'\\*?[]%", *p) != NULL)
			return (false);
	}
	return (true);
}

static int
sshd_check_params(const struct conf_service *s, const struct sshd_params *p)
{
	if (service_traits(s->kind)->by != BY_SSHD)
		return (ERR_UNSUPPORTED);
	for (unsigned i = 0; i < p->host_key_count; i++) {
		if (!sshd_path_ok(p->host_keys[i]))
			return (ERR_VALUE);
	}
	if ((p->option_path != NULL && !sshd_path_ok(p->option_path)) ||
	    (p->file_path != NULL && !sshd_path_ok(p->file_path)))
		return (ERR_VALUE);
	return (0);
}

int
sshd_render(const struct conf *conf, const struct conf_service *service,
    const struct sshd_params *params, char **text)
{
	struct sshd_text t = {
	    .conf = conf, .service = service, .params = params};
	size_t n;
	int err;

	*text = NULL;
	err = sshd_check_params(service, params);
	if (err != 0)
		return (err);
	t.f = open_memstream(text, &n);
	if (t.f == NULL)
		return (ERR_NO_MEMORY);
	sshd_say_all(&t);
	if (fclose(t.f) == 0)
		return (0);
	free(*text);
	*text = NULL;
	return (ERR_NO_MEMORY);
}

int
sshd_parse_version(const char *text, struct sshd_version *out)
{
	const char *p = strstr(text, "OpenSSH_");
	unsigned long major, minor;
	char *end;

	if (p == NULL || !isdigit((unsigned char)p[8]))
		return (ERR_SYNTAX);
	major = strtoul(p + 8, &end, 10);
	if (*end != '.' || !isdigit((unsigned char)end[1]))
		return (ERR_SYNTAX);
	minor = strtoul(end + 1, NULL, 10);
	if (major > 9999 || minor > 9999)
		return (ERR_SYNTAX);
	out->major = (unsigned)major;
	out->minor = (unsigned)minor;
	return (0);
}
