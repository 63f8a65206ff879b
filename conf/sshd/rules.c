/*
 * The keywords of sshd_config(5) with the values that change nothing: sshd's
 * own defaults, or what is always so here. A keyword that is not in the table
 * is missed whatever its value. What does nothing under `sshd -i`, and what
 * sshd ignores for its age, is missed never. Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "conf/sshd/rules.h"
#include "conf/tree.h"

struct line {
	const struct conf *conf;
	const struct conf_service *ssh;
	const char *value;
};

static bool
line_stated(const struct line *l, const char *statement)
{
	return (tree_find_stated(l->conf->tree, l->ssh, statement) != NULL);
}

/*
 * The same as ours, or looser than what a statement says by intent: nobody
 * wants to be told of that at each start.
 */
static bool
carried_root(const struct line *l)
{
	static const char *const ours[] = {
	    [ROOT_LOGIN_ALLOW] = "yes",
	    [ROOT_LOGIN_DENY_PASSWORD] = "prohibit-password",
	    [ROOT_LOGIN_DENY] = "no",
	};
	const char *value = strcmp(l->value, "without-password") == 0
				? "prohibit-password"
				: l->value;

	if (strcmp(value, ours[l->ssh->login.root_login]) == 0)
		return (true);
	if (!line_stated(l, "root-login"))
		return (false);
	return (l->ssh->login.root_login == ROOT_LOGIN_DENY ||
		(l->ssh->login.root_login == ROOT_LOGIN_DENY_PASSWORD &&
		    strcmp(value, "yes") == 0));
}

static bool
carried_password(const struct line *l)
{
	return (
	    l->ssh->ssh.no_passwords || l->ssh->ssh.no_password_authentication);
}

static bool
carried_challenge(const struct line *l)
{
	return (l->ssh->ssh.no_passwords || l->ssh->ssh.no_challenge_response);
}

static bool
carried_keys(const struct line *l)
{
	return (l->ssh->ssh.no_public_keys);
}

static bool
carried_forwarding(const struct line *l)
{
	return (!l->ssh->ssh.tcp_forwarding);
}

static bool
carried_number(const struct line *l, const char *statement, uint32_t ours)
{
	unsigned long theirs = strtoul(l->value, NULL, 10);

	return (ours == theirs || (line_stated(l, statement) && ours < theirs));
}

static bool
carried_max_sessions(const struct line *l)
{
	return (carried_number(
	    l, "max-sessions-per-connection", l->ssh->ssh.max_sessions));
}

static bool
carried_alive(const struct line *l)
{
	return (l->ssh->ssh.client_alive_interval != 0);
}

static bool
carried_alive_count(const struct line *l)
{
	return (carried_number(
	    l, "client-alive-count-max", l->ssh->ssh.client_alive_count_max));
}

static bool
carried_listen(const struct line *l)
{
	return (!l->ssh->listen_default);
}

static bool
carried_port(const struct line *l)
{
	return (strtoul(l->value, NULL, 10) == l->ssh->port);
}

static bool
carried_pam_service(const struct line *l)
{
	return (strcmp(l->value, l->ssh->login.pam_service) == 0);
}

static bool
carried_subsystem(const struct line *l)
{
	size_t n = strcspn(l->value, " \t");

	if (n == 4 && strncmp(l->value, "sftp", n) == 0)
		return (l->ssh->ssh.sftp_server);
	return (n == 7 && strncmp(l->value, "netconf", n) == 0 &&
		l->conf->netconf_subsystem != NULL);
}

/* sshd gets LANG and LC_* from ours. */
static bool
carried_environment(const struct line *l)
{
	for (const char *p = l->value; *p != '\0'; p += strspn(p, " \t")) {
		size_t n = strcspn(p, " \t");

		if (strncmp(p, "lc_", 3) != 0 &&
		    (n != 4 || strncmp(p, "lang", n) != 0))
			return (false);
		p += n;
	}
	return (true);
}

static const struct rule {
	const char *keyword;
	const char *same; /* values that change nothing; `|` between them */
	bool (*carried)(const struct line *l);
	const char *can; /* words of ours that say it; NULL: sshd-config's */
} rules[] = {
    {"acceptenv", NULL, carried_environment, NULL},
    {"addressfamily", "any", carried_listen, "listen-address can say it"},
    {"allowagentforwarding", "yes", carried_forwarding,
	"no-tcp-forwarding can say it"},
    {"allowstreamlocalforwarding", "yes|all", carried_forwarding,
	"no-tcp-forwarding can say it"},
    {"allowtcpforwarding", "yes|all", carried_forwarding,
	"no-tcp-forwarding can say it"},
    {"authenticationmethods", "any", NULL, NULL},
    {"authorizedkeyscommand", "none", NULL, NULL},
    {"authorizedkeysfile", ".ssh/authorized_keys .ssh/authorized_keys2", NULL,
	NULL},
    {"authorizedprincipalscommand", "none", NULL, NULL},
    {"authorizedprincipalsfile", "none", NULL, NULL},
    {"banner", "none", NULL, NULL},
    {"challengeresponseauthentication", "yes", carried_challenge,
	"no-challenge-response can say it"},
    {"channeltimeout", "none", NULL, NULL},
    {"chrootdirectory", "none", NULL, NULL},
    {"clientalivecountmax", "3", carried_alive_count,
	"client-alive-count-max can say it"},
    {"clientaliveinterval", "0", carried_alive,
	"client-alive-interval can say it"},
    {"compression", "yes|delayed", NULL, NULL},
    {"debianbanner", "yes", NULL, NULL},
    {"disableforwarding", "no", carried_forwarding,
	"no-tcp-forwarding can say it"},
    {"exposeauthinfo", "no", NULL, NULL},
    {"fingerprinthash", "sha256", NULL, NULL},
    {"forcecommand", "none", NULL, NULL},
    {"gatewayports", "no", NULL, NULL},
    {"gssapiauthentication", "no", NULL, NULL},
    {"gssapicleanupcredentials", "yes", NULL, NULL},
    {"gssapikeyexchange", "no", NULL, NULL},
    {"gssapistorecredentialsonrekey", "no", NULL, NULL},
    {"gssapistrictacceptorcheck", "yes", NULL, NULL},
    {"hostbasedauthentication", "no", NULL, NULL},
    {"hostbasedusesnamefrompacketonly", "no", NULL, NULL},
    {"hostkey",
	"/etc/ssh/ssh_host_ed25519_key|/etc/ssh/ssh_host_ecdsa_key|"
	"/etc/ssh/ssh_host_rsa_key",
	NULL, "the keys of those names in /etc/ssh are used"},
    {"ignorerhosts", "yes", NULL, NULL},
    {"ignoreuserknownhosts", "no", NULL, NULL},
    {"kbdinteractiveauthentication", "yes", carried_challenge,
	"no-challenge-response can say it"},
    {"kerberosauthentication", "no", NULL, NULL},
    {"kerberosgetafstoken", "no", NULL, NULL},
    {"kerberosorlocalpasswd", "yes", NULL, NULL},
    {"kerberosticketcleanup", "yes", NULL, NULL},
    {"listenaddress", NULL, carried_listen, "listen-address can say it"},
    {"logingracetime", "120|2m|120s", NULL, NULL},
    {"maxauthtries", "6", NULL, NULL},
    {"maxsessions", "10", carried_max_sessions,
	"max-sessions-per-connection can say it"},
    {"pamservicename", "sshd", carried_pam_service, "pam-service can say it"},
    {"passwordauthentication", "yes", carried_password,
	"no-password-authentication can say it"},
    {"permitemptypasswords", "no", NULL, NULL},
    {"permitlisten", "any", NULL, NULL},
    {"permitopen", "any", NULL, NULL},
    {"permitrootlogin", NULL, carried_root, "root-login can say it"},
    {"permittty", "yes", NULL, NULL},
    {"permittunnel", "no", NULL, NULL},
    {"permituserenvironment", "no", NULL, NULL},
    {"permituserrc", "yes", NULL, NULL},
    {"port", NULL, carried_port, "port can say it"},
    {"printlastlog", "yes", NULL, NULL},
    {"printmotd", "no", NULL, NULL},
    {"pubkeyauthentication", "yes", carried_keys, "no-public-keys can say it"},
    {"pubkeyauthoptions", "none", NULL, NULL},
    {"refuseconnection", "no", NULL, NULL},
    {"rekeylimit", "default none|default", NULL, NULL},
    {"requiredrsasize", "1024", NULL, NULL},
    {"revokedkeys", "none", NULL, NULL},
    {"securitykeyprovider", "internal", NULL, NULL},
    {"streamlocalbindmask", "0177", NULL, NULL},
    {"streamlocalbindunlink", "no", NULL, NULL},
    {"strictmodes", "yes", NULL, NULL},
    {"subsystem", NULL, carried_subsystem,
	"sftp-server, netconf's subsystem, or a file named by sshd-config can "
	"say it"},
    {"tcpkeepalive", "yes", NULL, NULL},
    {"trustedusercakeys", "none", NULL, NULL},
    {"unusedconnectiontimeout", "none", NULL, NULL},
    {"usedns", "no", NULL, NULL},
    {"usepam", "yes", NULL, "PAM is used wherever root starts portreeved"},
    {"versionaddendum", "none", NULL, NULL},
    {"x11displayoffset", "10", NULL, NULL},
    {"x11forwarding", "no", carried_forwarding, NULL},
    {"x11uselocalhost", "yes", NULL, NULL},
};

/* Of a daemon that listens, of its log, or of an age long past. */
static const char *const useless[] = {"keyregenerationinterval", "loglevel",
    "logverbose", "maxstartups", "persourcemaxstartups",
    "persourcenetblocksize", "persourcepenalties", "persourcepenaltyexemptlist",
    "pidfile", "protocol", "rhostsrsaauthentication", "rsaauthentication",
    "serverkeybits", "sshdauthpath", "sshdsessionpath", "syslogfacility",
    "uselogin", "useprivilegeseparation"};

static bool
list_has(const char *list, const char *value)
{
	size_t n = strlen(value);

	while (list != NULL && *list != '\0') {
		size_t word = strcspn(list, "|");

		if (word == n && memcmp(list, value, n) == 0)
			return (true);
		list += word;
		list += *list == '|';
	}
	return (false);
}

bool
rules_miss(const struct conf *conf, const struct conf_service *ssh,
    const char *keyword, const char *value, const char **can)
{
	const struct line l = {.conf = conf, .ssh = ssh, .value = value};

	*can = "a file named by sshd-config can say it";
	for (size_t i = 0; i < sizeof(useless) / sizeof(useless[0]); i++) {
		if (strcmp(useless[i], keyword) == 0)
			return (false);
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];

		if (strcmp(r->keyword, keyword) != 0)
			continue;
		if (r->can != NULL)
			*can = r->can;
		return (!list_has(r->same, value) &&
			(r->carried == NULL || !r->carried(&l)));
	}
	return (true);
}
