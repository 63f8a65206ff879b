/*
 * Whether a line of the system's sshd_config is missed here: by keywords.def,
 * and by what our statements say in sshd's words. Planner (root) and CLI. Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <bsd/string.h>

#include "conf/sshd/column.h"
#include "conf/sshd/keywords.h"
#include "conf/sshd/order.h"
#include "conf/sshd/rules.h"

struct line {
	const struct conf *conf;
	const struct conf_service *ssh;
	enum keyword_id id;
	const char *value;
	bool said; /* by one of our statements */
	bool by;   /* by the keyword that says it also */
};

static bool
rules_subsystem(const struct line *l)
{
	size_t n = strcspn(l->value, " \t");

	if (n == 4 && strncmp(l->value, "sftp", n) == 0)
		return (l->ssh->ssh.sftp_server);
	return (n == 7 && strncmp(l->value, "netconf", n) == 0 &&
		l->conf->netconf_subsystem != NULL);
}

/* sshd gets LANG and LC_* from ours. */
static bool
rules_environment(const struct line *l)
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

/*
 * The same as ours, or looser than what a statement says by intent: nobody
 * wants to be told of that at each start.
 */
static void
rules_compare(void *arg, const struct column_line *c)
{
	struct line *l = arg;
	const struct keyword *k = &keywords[l->id];
	bool looser, stricter;

	if (k->by != KEYWORD_NONE &&
	    strcasecmp(c->keyword, keywords[k->by].name) == 0)
		l->by = true;
	if (strcasecmp(c->keyword, k->name) != 0)
		return;
	looser = order_is_looser(k->name, c->value, l->value);
	stricter = order_is_looser(k->name, l->value, c->value);
	if (strcasecmp(c->value, l->value) == 0 ||
	    (k->order != ORDER_NONE && !looser && !stricter) ||
	    (c->stated && looser))
		l->said = true;
}

static bool
rules_is_said(struct line *l)
{
	switch (l->id) {
	case KEYWORD_ACCEPTENV:
		return (rules_environment(l));
	case KEYWORD_ADDRESSFAMILY:
	case KEYWORD_LISTENADDRESS:
		return (!l->ssh->listen_default);
	case KEYWORD_PORT:
		return (strtoul(l->value, NULL, 10) == l->ssh->port);
	case KEYWORD_PAMSERVICENAME:
		return (strcmp(l->value, l->ssh->login.pam_service) == 0);
	case KEYWORD_SUBSYSTEM:
		return (rules_subsystem(l));
	case KEYWORD_CLIENTALIVEINTERVAL:
		return (l->ssh->ssh.client_alive_interval != 0);
	default:
		column_each(l->conf, l->ssh, rules_compare, l);
		return (l->said || l->by);
	}
}

static bool
rules_list_has(const char *list, const char *value)
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

/* The words that end "... is not carried over: ". */
static void
rules_can(const struct keyword *k, const char *keyword, char *can, size_t size)
{
	const struct conf_statement *stmt = column_find(keyword);

	if (stmt == NULL && k->by != KEYWORD_NONE)
		stmt = column_find(keywords[k->by].name);
	if (k->can != NULL)
		strlcpy(can, k->can, size);
	else
		snprintf(can, size, "%s can set it",
		    stmt != NULL ? stmt->name : "a file named by sshd-config");
}

bool
rules_miss(const struct conf *conf, const struct conf_service *ssh,
    const char *keyword, const char *value, char *can, size_t size)
{
	struct line l = {.conf = conf,
	    .ssh = ssh,
	    .id = keyword_find(keyword),
	    .value = value};
	const struct keyword *k = &keywords[l.id];

	rules_can(k, keyword, can, size);
	if (l.id == KEYWORD_NONE)
		return (true);
	return (!k->useless && !rules_list_has(k->same, value) &&
		!rules_is_said(&l));
}
