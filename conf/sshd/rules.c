/*
 * The keywords of sshd_config(5) by which an administrator keeps somebody or
 * something out. What only grants (AuthorizedKeysCommand and its like) is not
 * here: without it, fewer come in. Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "conf/sshd/rules.h"

static bool
carried_root(const struct conf_service *ssh, const char *value)
{
	if (ssh->root_login == ROOT_LOGIN_DENY)
		return (true);
	return (ssh->root_login == ROOT_LOGIN_DENY_PASSWORD &&
		(strcmp(value, "prohibit-password") == 0 ||
		    strcmp(value, "without-password") == 0));
}

static bool
carried_password(const struct conf_service *ssh, const char *value)
{
	(void)value;
	return (ssh->ssh.no_passwords || ssh->ssh.no_password_authentication);
}

static bool
carried_challenge(const struct conf_service *ssh, const char *value)
{
	(void)value;
	return (ssh->ssh.no_passwords || ssh->ssh.no_challenge_response);
}

static bool
carried_keys(const struct conf_service *ssh, const char *value)
{
	(void)value;
	return (ssh->ssh.no_public_keys);
}

static bool
carried_forwarding(const struct conf_service *ssh, const char *value)
{
	(void)value;
	return (!ssh->ssh.tcp_forwarding);
}

static bool
carried_max_sessions(const struct conf_service *ssh, const char *value)
{
	return (ssh->ssh.max_sessions <= strtoul(value, NULL, 10));
}

static bool
carried_alive(const struct conf_service *ssh, const char *value)
{
	(void)value;
	return (ssh->ssh.client_alive_interval != 0);
}

static bool
carried_listen(const struct conf_service *ssh, const char *value)
{
	(void)value;
	return (!ssh->listen_default);
}

static const struct sshd_rule rules[] = {
    {"allowgroups", NULL, NULL, NULL},
    {"allowusers", NULL, NULL, NULL},
    {"denygroups", NULL, NULL, NULL},
    {"denyusers", NULL, NULL, NULL},
    {"match", NULL, NULL, NULL},
    {"chrootdirectory", NULL, NULL, NULL},
    {"forcecommand", NULL, NULL, NULL},
    {"authenticationmethods", NULL, NULL, NULL},
    {"authorizedkeysfile", NULL, NULL, NULL},
    {"authorizedprincipalsfile", NULL, NULL, NULL},
    {"revokedkeys", NULL, NULL, NULL},
    {"requiredrsasize", NULL, NULL, NULL},
    {"ciphers", NULL, NULL, NULL},
    {"macs", NULL, NULL, NULL},
    {"kexalgorithms", NULL, NULL, NULL},
    {"hostkeyalgorithms", NULL, NULL, NULL},
    {"pubkeyacceptedalgorithms", NULL, NULL, NULL},
    {"pubkeyacceptedkeytypes", NULL, NULL, NULL},
    {"casignaturealgorithms", NULL, NULL, NULL},
    {"pubkeyauthoptions", NULL, NULL, NULL},
    {"logingracetime", NULL, NULL, NULL},
    {"maxauthtries", NULL, NULL, NULL},
    {"permitopen", NULL, NULL, NULL},
    {"permitlisten", NULL, NULL, NULL},
    {"permittty", "no", NULL, NULL},
    {"permituserrc", "no", NULL, NULL},
    {"unusedconnectiontimeout", NULL, NULL, NULL},
    {"channeltimeout", NULL, NULL, NULL},
    {"refuseconnection", "yes", NULL, NULL},
    {"maxstartups", NULL, NULL, "connection-limit and rate-limit replace it"},
    {"persourcemaxstartups", NULL, NULL, NULL},
    {"persourcepenalties", NULL, NULL, NULL},
    {"listenaddress", NULL, carried_listen, "listen-address can say it"},
    {"permitrootlogin",
	"no prohibit-password without-password forced-commands-only",
	carried_root, "root-login can say it"},
    {"passwordauthentication", "no", carried_password,
	"no-password-authentication can say it"},
    {"kbdinteractiveauthentication", "no", carried_challenge,
	"no-challenge-response can say it"},
    {"challengeresponseauthentication", "no", carried_challenge,
	"no-challenge-response can say it"},
    {"pubkeyauthentication", "no", carried_keys, "no-public-keys can say it"},
    {"allowtcpforwarding", "no local remote", carried_forwarding,
	"no-tcp-forwarding can say it"},
    {"disableforwarding", "yes", carried_forwarding,
	"no-tcp-forwarding can say it"},
    {"allowagentforwarding", "no", carried_forwarding,
	"no-tcp-forwarding can say it"},
    {"allowstreamlocalforwarding", "no local remote", carried_forwarding,
	"no-tcp-forwarding can say it"},
    {"maxsessions", NULL, carried_max_sessions,
	"max-sessions-per-connection can say it"},
    {"clientaliveinterval", NULL, carried_alive,
	"client-alive-interval can say it"},
};

static bool
rule_restricts(const struct sshd_rule *r, const char *value)
{
	const char *list = r->values;
	size_t n = strlen(value);

	if (list == NULL)
		return (true);
	while (*list != '\0') {
		size_t word = strcspn(list, " ");

		if (word == n && memcmp(list, value, n) == 0)
			return (true);
		list += word;
		list += strspn(list, " ");
	}
	return (false);
}

const struct sshd_rule *
sshd_find_rule(const char *keyword, const char *value)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(rules[i].keyword, keyword) == 0 &&
		    rule_restricts(&rules[i], value))
			return (&rules[i]);
	}
	return (NULL);
}
