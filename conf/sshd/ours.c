/*
 * What no file changes: where is listened, what the log needs, which PAM
 * service and host keys are in use, and the subsystems that have statements.
 * Monitor (root). Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/sshd/ours.h"

#define BLANK " \t\f\v\r"

/* Whether a value's first word is that one, and the last, comments apart. */
static bool
value_is(const char *value, const char *word)
{
	size_t n = strlen(word);

	if (strncasecmp(value, word, n) != 0)
		return (false);
	value += n;
	value += strspn(value, BLANK "\"");
	return (*value == '\0' || *value == '#');
}

static bool
same_port(const struct snapshot_params *p, const char *value)
{
	char port[8];

	snprintf(port, sizeof(port), "%u", p->ssh->port);
	return (value_is(value, port));
}

static bool
same_family(const struct snapshot_params *p, const char *value)
{
	(void)p;
	return (value_is(value, "any"));
}

static bool
same_pam(const struct snapshot_params *p, const char *value)
{
	return (value_is(value, p->pam ? "yes" : "no"));
}

static bool
same_pam_service(const struct snapshot_params *p, const char *value)
{
	return (value_is(value, p->ssh->login.pam_service));
}

/* What these write is in the journal all the same. */
static bool
same_log(const struct snapshot_params *p, const char *value)
{
	(void)p;
	return (value_is(value, "info") || value_is(value, "verbose"));
}

static bool
same_key(const struct snapshot_params *p, const char *value)
{
	for (unsigned i = 0; i < p->host_key_count; i++) {
		if (value_is(value, p->host_keys[i]))
			return (true);
	}
	return (false);
}

static bool
same_always(const struct snapshot_params *p, const char *value)
{
	(void)p;
	(void)value;
	return (true);
}

static const struct {
	const char *keyword;
	bool (*same)(const struct snapshot_params *p, const char *value);
	const char *why;
} table[] = {
    {"port", same_port, "`port` says where is listened"},
    {"listenaddress", NULL, "`listen-address` says where is listened"},
    {"addressfamily", same_family, "`listen-address` says where is listened"},
    {"pidfile", same_always, ""},
    {"usepam", same_pam, "PAM is used wherever root starts portreeved"},
    {"pamservicename", same_pam_service, "`pam-service` says it"},
    {"loglevel", same_log, "the events are made of the level VERBOSE"},
    {"logverbose", NULL, "the events are made of lines that it chooses"},
    {"hostkey", same_key,
	"the host keys are /etc/ssh/ssh_host_{ed25519,ecdsa,rsa}_key, or "
	"portreeved's own where there are none"},
};

/* An sftp server without arguments does what internal-sftp does. */
static bool
ours_subsystem(
    const struct snapshot_params *p, const char *value, const char **why)
{
	size_t n = strcspn(value, BLANK "\"");
	const char *rest = value + n + strspn(value + n, BLANK "\""), *last;

	if (n == 7 && strncasecmp(value, "netconf", n) == 0) {
		*why = "`subsystem`, below `netconf`, says it";
		return (true);
	}
	if (n != 4 || strncasecmp(value, "sftp", n) != 0)
		return (false);
	last = rest + strcspn(rest, BLANK "\"");
	while (last > rest && last[-1] != '/')
		last--;
	if (!p->ssh->ssh.sftp_server)
		*why = "`sftp-server` turns sftp on";
	else if (!value_is(last, "sftp-server") &&
		 !value_is(last, "internal-sftp"))
		*why = "`sftp-server` says it, by internal-sftp without "
		       "arguments";
	return (true);
}

bool
ours_has(const struct snapshot_params *p, const char *keyword,
    const char *value, const char **why)
{
	*why = NULL;
	if (strcmp(keyword, "subsystem") == 0)
		return (ours_subsystem(p, value, why));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].keyword, keyword) != 0)
			continue;
		if (table[i].same == NULL || !table[i].same(p, value))
			*why = table[i].why;
		return (true);
	}
	return (false);
}
