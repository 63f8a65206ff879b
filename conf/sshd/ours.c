/*
 * What no file changes: where is listened, what the log needs, which PAM
 * service and host keys are in use, and the subsystems that have statements.
 * Planner (root). Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/sshd/keywords.h"
#include "conf/sshd/ours.h"

#define BLANK " \t\f\v\r"

/* Whether a value's first word is that one, and the last, comments apart. */
static bool
ours_value_is(const char *value, const char *word)
{
	size_t n = strlen(word);

	if (strncasecmp(value, word, n) != 0)
		return (false);
	value += n;
	value += strspn(value, BLANK "\"");
	return (*value == '\0' || *value == '#');
}

static bool
ours_same_port(const struct snapshot_params *p, const char *value)
{
	char port[8];

	snprintf(port, sizeof(port), "%u", p->ssh->port);
	return (ours_value_is(value, port));
}

static bool
ours_same_key(const struct snapshot_params *p, const char *value)
{
	for (unsigned i = 0; i < p->host_key_count; i++) {
		if (ours_value_is(value, p->host_keys[i]))
			return (true);
	}
	return (false);
}

/* Whether it says what holds here anyway. */
static bool
ours_same(
    const struct snapshot_params *p, enum keyword_id id, const char *value)
{
	switch (id) {
	case KEYWORD_PORT:
		return (ours_same_port(p, value));
	case KEYWORD_ADDRESSFAMILY:
		return (ours_value_is(value, "any"));
	case KEYWORD_PIDFILE:
		return (true);
	case KEYWORD_USEPAM:
		return (ours_value_is(value, p->pam ? "yes" : "no"));
	case KEYWORD_PAMSERVICENAME:
		return (ours_value_is(value, p->ssh->login.pam_service));
	case KEYWORD_LOGLEVEL:
		/* What these write is in the journal all the same. */
		return (ours_value_is(value, "info") ||
			ours_value_is(value, "verbose"));
	case KEYWORD_HOSTKEY:
		return (ours_same_key(p, value));
	default:
		return (false);
	}
}

/* An sftp server without arguments does what internal-sftp does. */
static bool
ours_subsystem(
    const struct snapshot_params *p, const char *value, const char **why)
{
	size_t n = strcspn(value, BLANK "\"");
	const char *rest = value + n + strspn(value + n, BLANK "\""), *last;

	if (n == 7 && strncasecmp(value, "netconf", n) == 0) {
		*why = "`subsystem`, below `netconf`, sets it";
		return (true);
	}
	if (n != 4 || strncasecmp(value, "sftp", n) != 0)
		return (false);
	last = rest + strcspn(rest, BLANK "\"");
	while (last > rest && last[-1] != '/')
		last--;
	if (!p->ssh->ssh.sftp_server)
		*why = "`sftp-server` turns sftp on";
	else if (!ours_value_is(last, "sftp-server") &&
		 !ours_value_is(last, "internal-sftp"))
		*why =
		    "`sftp-server` sets it, to internal-sftp without arguments";
	return (true);
}

bool
ours_has(const struct snapshot_params *p, const char *keyword,
    const char *value, const char **why)
{
	enum keyword_id id = keyword_find(keyword);

	*why = NULL;
	if (id == KEYWORD_SUBSYSTEM)
		return (ours_subsystem(p, value, why));
	if (keywords[id].ours == NULL)
		return (false);
	if (!ours_same(p, id, value))
		*why = keywords[id].ours;
	return (true);
}
